"""Commands on a real run: JSON alone on standard output, and the same numbers everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from tests.fixtures.trained import ENVIRONMENT, Trained

ROOT = Path(__file__).resolve().parents[2]


def output(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def as_json(*arguments: object) -> Any:
    return json.loads(output(*arguments, "--json"))


def test_train_prints_json_alone(tmp_path: Path) -> None:
    options = ["--algo", "rdn", "--env", "macn:4x7?max_steps=5", "--seed", "1", "--steps", "10", "--num-envs", "2"]
    record = as_json("train", *options, "--out", tmp_path / "run")
    assert record["algo"] == "rdn"
    assert record["checkpoint_step"] >= 10
    assert as_json("train", *options, "--out", tmp_path / "run", "--resume") == record


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--isolated"],
        ["--format", "torchscript"],
        ["--risk-level", "0.4"],
        ["--env", "macn:4x7?include_position=true", "--seed", "7"],
    ],
    ids=" ".join,
)
def test_run_prints_what_evaluate_prints(trained: Trained, options: list[str]) -> None:
    shared = [word for word in options if word not in ("--isolated", "--format", "torchscript")]
    expected = as_json("evaluate", trained.run, "--episodes", 35, *shared)
    assert as_json("run", trained.agents, "--episodes", 35, *options) == expected
    assert expected["episodes"] == 35


def test_without_json_a_table_is_printed(trained: Trained) -> None:
    for words in (["evaluate", trained.run], ["run", trained.agents]):
        text = output(*words, "--episodes", 2)
        assert ENVIRONMENT in text
        assert "mean return" in text


@pytest.mark.parametrize("options", [[], ["--isolated"]], ids=["in one process", "isolated"])
def test_run_never_loads_torch(trained: Trained, options: list[str]) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'matplotlib'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, "run", str(trained.agents), "--episodes", "2", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_export_says_where_the_agents_come_from(trained: Trained) -> None:
    record = as_json("inspect", trained.agents)
    assert record["facts"]["environment"]["text"] == ENVIRONMENT
    assert record["facts"]["training"]["seed"] == 3
    assert len(record["facts"]["checkpoint"]["weights_sha256"]) == 64
    assert {"README.md", "agent_0.onnx", "agent_1.pt", "golden.npz"} <= set(record["files"])


def test_one_file_for_all_agents_plays_the_same_episodes(trained: Trained, tmp_path: Path) -> None:
    shared = tmp_path / "agents"
    told = as_json("export", trained.run, "--out", shared, "--shared", "--format", "onnx", "--format", "torchscript")
    assert told["shared"] is True
    assert {path.name for path in shared.iterdir()} >= {"team.onnx", "team.pt"}
    expected = as_json("run", trained.agents, "--episodes", "3")
    for options in ([], ["--format", "torchscript"], ["--isolated"]):
        assert as_json("run", shared, "--episodes", "3", *options) == expected
    assert as_json("inspect", shared / "team.onnx")["agent"] == "any of agent_0, agent_1, by agent_index"


def test_export_never_overwrites(trained: Trained) -> None:
    result = CliRunner().invoke(main, ["export", str(trained.run), "--out", str(trained.agents)])
    assert result.exit_code == 1
    assert "never overwrites" in result.stderr


def test_inspect_knows_every_kind_of_path(trained: Trained) -> None:
    (checkpoint,) = (trained.run / "checkpoints").glob("step_*")
    found = {
        path: as_json("inspect", path)["what"].split(",")[0]
        for path in (trained.run, checkpoint, trained.agents, *sorted(trained.agents.glob("agent_0.*")))
    }
    assert list(found.values()) == [
        "run",
        "checkpoint",
        "exported agents",
        "one exported agent",
        "one exported agent",
    ]
    for path in found:
        assert str(path) in output("inspect", path).replace("\n", "")


def test_inspect_says_what_was_compared_and_finds_what_differs(trained: Trained, tmp_path: Path) -> None:
    agents, run = shutil.copytree(trained.agents, tmp_path / "agents"), shutil.copytree(trained.run, tmp_path / "run")
    alone = shutil.copy(agents / "agent_0.onnx", tmp_path / "alone.onnx")
    assert as_json("inspect", alone)["what"].endswith("no list of sums beside it")
    for suffix in ("onnx", "pt"):
        file = agents / f"agent_0.{suffix}"
        assert as_json("inspect", file)["what"].endswith("its sum right")
        file.write_bytes(file.read_bytes() + b"\0")
        assert "truncated or was changed" in CliRunner().invoke(main, ["inspect", str(file)]).stderr
    (weights,) = run.glob("checkpoints/*/online.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert "online.safetensors is not what was written" in str(as_json("inspect", run)["checkpoints"])


def test_inspect_of_exported_agents_never_loads_torch_or_onnxruntime(trained: Trained) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "for path in sys.argv[1:]:\n"
        "    main(['inspect', path], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'onnxruntime'} & set(sys.modules)\n"
    )
    paths = [str(trained.agents), str(trained.agents / "agent_0.onnx")]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_inspect_tells_a_changed_file(trained: Trained, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(trained.agents, tmp_path / "agents")
    (copy / "agent_0.onnx").write_bytes(b"changed")
    result = CliRunner().invoke(main, ["inspect", str(copy)])
    assert result.exit_code == 1
    assert "agent_0.onnx" in result.stderr


def test_algos_and_envs_list_what_there_is() -> None:
    algorithms = as_json("algos")
    assert {"rmix", "rdn", "rmix-averse"} <= set(algorithms["algorithms"])
    assert "rmix-paper" in algorithms["presets"]
    environments = as_json("envs")
    assert {"macn", "pettingzoo"} <= set(environments["kinds"])
    assert "bridge" in environments["layouts"]
    assert "rmix-averse" in output("algos")
    assert "bridge" in output("envs")


@pytest.fixture(scope="module")
def one_step_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table") / "run"
    output("train", "--algo", "vdn", "--env", "didactic:climbing", "--seed", 0, "--steps", 64, "--out", folder)
    return folder


def test_evaluate_prints_the_value_of_every_joint_action(one_step_run: Path) -> None:
    record = as_json("evaluate", one_step_run, "--table")
    assert list(record) == ["env", "algorithm", "checkpoint_step", "q_tot", "greedy_action", "greedy_value"]
    first, second = record["greedy_action"]
    assert record["q_tot"][first][second] == record["greedy_value"] == max(map(max, record["q_tot"]))
    text = output("evaluate", one_step_run, "--table")
    assert "agent 1: 2" in text
    assert f"{record['greedy_value']:.3f} *" in text


def test_a_table_of_three_agents_is_a_list(tmp_path: Path) -> None:
    env = "matrix:[[[1,2],[3,4]],[[5,6],[7,8]]]"
    output("train", "--algo", "vdn", "--env", env, "--seed", 0, "--steps", 32, "--out", tmp_path / "run")
    text = output("evaluate", tmp_path / "run", "--table")
    assert "joint action" in text
    assert "1 0 1" in text


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--env", "didactic:two-step"], 1, "up to 2 steps; --table takes games of one step"),
        (["--env", "macn:4x7"], 1, "up to 50 steps"),
        (["--risk-level", "0.5"], 2, "--risk-level is about episodes"),
        (["--episodes", "3"], 2, "--episodes is about episodes"),
    ],
)
def test_a_table_that_there_cannot_be_is_refused(one_step_run: Path, options: list[str], code: int, words: str) -> None:
    result = CliRunner().invoke(main, ["evaluate", str(one_step_run), "--table", *options])
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_risk_level_for_agents_without_a_dial_is_refused(one_step_run: Path) -> None:
    result = CliRunner().invoke(main, ["evaluate", str(one_step_run), "--risk-level", "0.1"])
    assert result.exit_code == 1
    assert "has no risk dial; leave it out" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
