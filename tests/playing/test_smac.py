"""Teams of StarCraft units leave training as files and fight on without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
# Two types of units with shields; without a risk dial, which the shared trained run has.
TEXT, ALGORITHM, N_AGENTS = "smac:2s3z?backend=builtin", "qmix", 5
EPISODES = 5


class Team(NamedTuple):
    """A run of some 200 steps and its exported agents."""

    run: Path
    agents: Path


@pytest.fixture(scope="module")
def fighters(tmp_path_factory: pytest.TempPathFactory) -> Team:
    import rmix_kit
    from rmix_kit.config.load import resolve
    from rmix_kit.training.exporting import export
    from rmix_kit.training.progress_bar import SilentReporter
    from rmix_kit.training.trainer import train

    folder = tmp_path_factory.mktemp("fighters")
    overrides = ["training.batch_size=4", "training.evaluation_episodes=2"]
    config = resolve(algo=ALGORITHM, env=TEXT, seed=3, steps=200, num_envs=4, device="cpu", overrides=overrides)
    train(config, folder / "run", reporter=SilentReporter())
    export(rmix_kit.load(folder / "run"), folder / "agents", ("onnx",))
    return Team(folder / "run", folder / "agents")


def as_json(*arguments: object) -> Any:
    result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_exported_teams_fight_the_battles_of_evaluate(fighters: Team) -> None:
    expected = as_json("evaluate", fighters.run, "--episodes", EPISODES)
    assert as_json("run", fighters.agents, "--episodes", EPISODES) == expected
    assert expected["episodes"] == EPISODES


def test_isolated_agents_fight_them_without_torch(fighters: Team) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'matplotlib'} & set(sys.modules)\n"
    )
    words = ["run", str(fighters.agents), "--episodes", str(EPISODES), "--isolated", "--json"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == as_json("run", fighters.agents, "--episodes", EPISODES)


def test_results_say_that_they_are_the_simulators(fighters: Team) -> None:
    result = CliRunner().invoke(main, ["run", str(fighters.agents), "--episodes", "1"])
    assert "do not compare with StarCraft II's" in result.stdout


def test_an_exported_team_says_who_its_enemy_was(fighters: Team) -> None:
    record = as_json("inspect", fighters.agents)
    assert record["facts"]["environment"]["text"] == TEXT
    assert len([name for name in record["files"] if name.endswith(".onnx")]) == N_AGENTS
