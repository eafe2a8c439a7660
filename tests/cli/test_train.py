"""What ``train`` takes, from where, and what it leaves to others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import rmix_kit
from rmix_kit.cli.main import main
from rmix_kit.config.load import resolve
from rmix_kit.errors import CheckpointError, ConfigError
from rmix_kit.training.run_folder import RunFolder
from tests.training.runs import content

TASK = ("--algo", "rdn", "--env", "macn:4x7?max_steps=5")
VALUES = ("evaluation_episodes=2", "checkpoint_interval=20", "epsilon_share=0", "learning_rate_decay_from=1")
SHORT = ("--num-envs", "2", *(word for value in VALUES for word in ("--set", f"training.{value}")))


def train(*words: object) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, words)])


def trained(*words: object) -> dict[str, Any]:
    result = train(*words, "--json")
    assert result.exit_code == 0, result.stderr
    record: dict[str, Any] = json.loads(result.stdout)
    return record


def refusal(*words: object) -> str:
    result = train(*words)
    assert result.exit_code in (1, 2), result.output
    assert result.stderr.count("\n") <= 1 or result.stderr.startswith("rdn on")
    return result.stderr.splitlines()[-1]


def config_of(run: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text())
    return values


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 steps."""
    out = tmp_path_factory.mktemp("source") / "r"
    assert train(*TASK, "--seed", 3, "--steps", 40, *SHORT, "--out", out).exit_code == 0
    return out


def test_seed_and_folder_are_those_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = trained(*TASK, "--steps", "1e1", *SHORT)
    assert record["run"] == "runs/rdn-seed-0"
    assert (config_of(tmp_path / "runs/rdn-seed-0")["seed"], config_of(tmp_path / "runs/rdn-seed-0")["steps"]) == (
        0,
        10,
    )
    assert trained("--algo", "rdn", "--resume")["run"] == "runs/rdn-seed-0"
    assert "--resume" in refusal(*TASK, "--steps", "1e1")


@pytest.mark.parametrize("text", ["20", "2e1", "2_0", "2.0e1", "20.0"])
def test_steps_are_written_as_people_do(text: str, tmp_path: Path) -> None:
    config = resolve(algo="rdn", env="macn:4x7", steps=int(float(text.replace("_", ""))))
    assert config.steps == 20
    file = tmp_path / "mine.yaml"
    file.write_text(f"steps: {text}\ntraining: {{checkpoint_interval: {text}}}\n")
    found = resolve(algo="rdn", env="macn:4x7", config_file=file, overrides=[f"evaluation_interval={text}"])
    assert (found.steps, found.training.checkpoint_interval, found.training.evaluation_interval) == (20, 20, 20)


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "1e-3", "many", "nan", "inf", "1e400", ""])
def test_what_is_no_number_of_steps_is_refused(text: str) -> None:
    assert f"{text!r} is no number of steps" in refusal(*TASK, f"--steps={text}")


def test_resume_and_the_folder_say_everything(source: Path, tmp_path: Path) -> None:
    run = shutil.copytree(source, tmp_path / "r")
    before = content(run)
    trained("--resume", "--out", run)
    assert content(run) == before
    longer = trained("--resume", "--out", run, "--steps", "6e1")
    assert config_of(run)["steps"] == 60
    trained(*TASK, "--seed", 3, "--steps", 60, *SHORT, "--out", tmp_path / "whole")
    assert longer["checkpoint_step"] >= 60
    assert content(run) == content(tmp_path / "whole")


def test_resume_refuses_what_the_folder_contradicts(source: Path, tmp_path: Path) -> None:
    assert "algo is 'rdn' in the file and 'vdn' here" in refusal("--resume", "--out", source, "--algo", "vdn")
    assert "seed is 3 there and 4 here" in refusal("--resume", "--out", source, "--seed", 4)
    assert "training.batch_size" in refusal("--resume", "--out", source, "--set", "batch_size=2")
    assert "--algo, --env, --steps missing" in refusal("--resume", "--out", tmp_path / "none")


def test_the_file_of_a_run_repeats_it(source: Path, tmp_path: Path) -> None:
    trained("--config", source / "config.yaml", "--out", tmp_path / "again")
    assert content(tmp_path / "again") == content(source)


def test_what_is_given_beside_the_file_of_a_run_wins_or_contradicts(source: Path, tmp_path: Path) -> None:
    file, out = source / "config.yaml", tmp_path / "again"
    trained("--config", file, "--out", out, "--seed", 7, "--steps", 20, "--set", "batch_size=4", "--device", "cpu")
    values, first = config_of(out), config_of(source)
    assert (values["seed"], values["steps"], values["training"]["batch_size"], values["device"]) == (7, 20, 4, "cpu")
    assert (values["env"], values["training"]["num_envs"]) == (first["env"], 2)
    for option, value in (("--algo", "vdn"), ("--preset", "rmix")):
        assert "in the file" in refusal("--config", file, "--out", tmp_path / "other", option, value)


def test_a_file_may_lack_what_the_command_line_gives(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("algo: rdn\nenv: macn:4x7\n")
    assert "steps is missing: give one, such as 400000" in refusal("--config", file, "--out", tmp_path / "r")
    assert resolve(config_file=file, steps=10).seed == 0


def test_a_run_begins_with_the_weights_of_another(source: Path, tmp_path: Path) -> None:
    run = tmp_path / "warm"
    words = (*TASK, "--seed", 5, "--steps", 40, *SHORT, "--init-from", source)
    trained(*words, "--out", run)
    step = RunFolder(source).steps()[-1]
    record = config_of(run)["init_from"]
    assert (record["run"], record["step"], len(record["weights_sha256"])) == (str(source), step, 64)
    theirs = rmix_kit.load(source)
    trained(*TASK, "--seed", 5, "--steps", 40, *SHORT, "--out", tmp_path / "cold")
    assert content(run)["metrics.jsonl"] != content(tmp_path / "cold")["metrics.jsonl"]
    trained("--config", run / "config.yaml", "--out", tmp_path / "again")
    assert content(tmp_path / "again") == content(run)
    before = content(run)
    trained(*words, "--out", run, "--resume")
    trained("--out", run, "--resume")
    assert content(run) == before
    again = rmix_kit.train("rdn", theirs.config.env, seed=5, steps=10, out=tmp_path / "python", init_from=theirs)
    assert again.config.init_from is not None
    assert again.config.init_from.step == step


def test_a_warm_run_goes_on_exactly_without_the_other(source: Path, tmp_path: Path) -> None:
    other = shutil.copytree(source, tmp_path / "other")
    begin = (*TASK, "--seed", 5, *SHORT, "--init-from", other)
    trained(*begin, "--steps", 60, "--out", tmp_path / "whole")
    trained(*begin, "--steps", 20, "--out", tmp_path / "parts")
    shutil.rmtree(other)
    trained("--resume", "--out", tmp_path / "parts", "--steps", 60)
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_weights_that_do_not_fit_are_one_line_and_no_folder(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    wider = (*TASK, "--steps", 20, "--out", out, "--set", "hidden_size=32", "--init-from", source)
    assert "the weights belong to other networks: agent" in refusal(*wider)
    assert "is no run" in refusal(*TASK, "--steps", 20, "--out", out, "--init-from", tmp_path / "none")
    assert not out.exists()


def test_weights_that_are_others_now_are_refused(source: Path, tmp_path: Path) -> None:
    config = rmix_kit.load(source).config
    file = tmp_path / "config.yaml"
    other = {"run": str(source), "step": RunFolder(source).steps()[-1], "weights_sha256": "0" * 64}
    file.write_text(yaml.safe_dump({**config.to_dict(), "init_from": other}))
    with pytest.raises(CheckpointError, match="its weights have the digest"):
        rmix_kit.train(resolve(config_file=file), out=tmp_path / "r")
    first = RunFolder(source).checkpoint(RunFolder(source).steps()[0])
    with pytest.raises(ConfigError, match="init_from is .* in the configuration and .* here"):
        rmix_kit.train(resolve(config_file=file), out=tmp_path / "r", init_from=first)


STRANGE = "pettingzoo:tests.training.test_given_environments.cliff"


@pytest.mark.parametrize("words", [["--resume", "--out", "run"], ["--config", "run/config.yaml", "--out", "again"]])
def test_a_folder_chooses_no_code(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = ["train", "--algo", "vdn", "--env", STRANGE, "--steps", "40", "--num-envs", "2"]
    assert CliRunner().invoke(main, [*made, "--out", "run"]).exit_code == 0
    refused = CliRunner().invoke(main, ["train", *words])
    assert refused.exit_code == 1
    assert "names an environment that imports" in refused.stderr
    assert not (tmp_path / "again").exists()
    for consent in (["--trust"], ["--env", STRANGE]):
        assert CliRunner().invoke(main, ["train", *words, *consent]).exit_code == 0
        words = ["--resume", *words] if "--resume" not in words else words
