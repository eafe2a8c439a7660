"""``config show`` says where every value came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.config.load import resolve
from rmix_kit.errors import UntrustedCodeError
from rmix_kit.spelling import dotted


def shown(*words: object) -> dict[str, tuple[Any, str, str]]:
    result = CliRunner().invoke(main, ["config", "show", *map(str, words), "--json"])
    assert result.exit_code == 0, result.stderr
    return {row["name"]: (row["value"], row["source"], row["place"]) for row in json.loads(result.stdout)}


def test_every_value_is_shown_with_its_source(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("training:\n  keep_checkpoints: 7\n  log_interval: 5\nseed: 4\n")
    words = ("--algo", "riskq", "--env", "macn:bridge", "--config", file, "--set", "log_interval=6", "--num-envs", 9)
    found = shown(*words)
    assert found["algo"] == ("riskq", "given", "--algo")
    assert found["seed"] == (4, "file", f"{file}:4")
    assert found["device"] == ("auto", "default", "")
    assert found["training.keep_checkpoints"] == (7, "file", f"{file}:2")
    assert found["training.log_interval"] == (6, "given", "--set log_interval=6")
    assert found["training.num_envs"] == (9, "given", "--num-envs")
    assert found["training.updates_per_step"][:2] == (0.04, "frame")
    assert found["training.updates_per_step"][2].startswith("frame-macn.yaml:")
    assert found["training.epsilon_end"][1:] == ("default", "")
    assert "steps" not in found
    overrides = ["log_interval=6", "num_envs=9"]
    config = resolve(algo="riskq", env="macn:bridge", steps=1, config_file=file, overrides=overrides)
    wanted = dict(dotted(config.settings))
    assert {name: found[name][0] for name in wanted} == wanted


def test_a_presets_values_and_those_for_a_map_are_its() -> None:
    found = shown("--algo", "rmix", "--preset", "rmix-paper", "--env", "macn:4x7", "--steps", "1e6")
    assert found["steps"] == (1000000, "given", "--steps")
    assert {source for _, source, _ in found.values()} == {"given", "preset", "default"}
    value, source, place = shown("--algo", "rmix", "--env", "smac:corridor")["algorithm.n_quantiles"]
    assert (value, source, place.split(":")[0]) == (55, "preset", "presets/rmix.yaml")


def test_a_runs_file_is_the_source_of_everything(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    config = resolve(algo="vdn", env="macn:4x7", steps=10, report=lambda line: None)
    file.write_text(json.dumps(config.to_dict(), indent=1))
    found = shown("--config", file)
    assert found["steps"][:2] == (10, "file")
    assert found["training.updates_per_step"][:2] == (0.02, "file")


def test_a_table_is_printed_without_json() -> None:
    result = CliRunner().invoke(main, ["config", "show", "--algo", "vdn", "--env", "macn:4x7"])
    assert "frame-macn.yaml" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "algo is missing"), (("--algo", "vdn"), "env is missing"), (("--algo", "vd"), "did you mean")],
)
def test_what_is_missing_or_wrong_is_one_line(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["config", "show", *words])
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_an_algorithm_that_only_a_file_names_is_not_imported_to_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strangers.py").write_text("from pathlib import Path\nPath('ran').touch()\nclass Own: pass\n")
    (tmp_path / "c.yaml").write_text("algo: strangers:Own\nenv: macn:4x7\nsteps: 10\n")
    result = CliRunner().invoke(main, ["config", "show", "--config", "c.yaml"])
    assert result.exit_code == 1
    assert "add --trust" in result.stderr
    with pytest.raises(UntrustedCodeError):
        resolve(config_file=Path("c.yaml"))
    assert not (tmp_path / "ran").exists()
    result = CliRunner().invoke(main, ["config", "show", "--config", "c.yaml", "--trust"])
    assert "expected a class that extends" in result.stderr
    assert (tmp_path / "ran").exists()
