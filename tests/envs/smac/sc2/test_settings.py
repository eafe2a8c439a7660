from __future__ import annotations

import json
import re
import sys

import pytest

from rmix_kit.envs.smac.sc2.settings import OPTIONS, PYTHON_VARIABLE, Settings, read_settings
from rmix_kit.envs.text import Value
from rmix_kit.errors import EnvironmentTextError
from tests.architecture.sources import ROOT


@pytest.mark.parametrize(
    ("map_name", "options", "words"),
    [
        ("3m", {"step_timeot": 3}, "no option 'step_timeot' with backend=sc2.*did you mean 'step_timeout'"),
        ("3m", {"step_timeout": "long"}, "step_timeout is 'long'; expected int or float"),
        ("3m", {"max_restarts": True}, "max_restarts is True; expected int"),
        ("3m", {"launch_timeout": 0}, "launch_timeout is 0; it must be above 0"),
        ("3m", {"step_timeout": 1e99}, "step_timeout is 1e.99; it must be above 0 and at most 1,000,000"),
        ("3m", {"smac_python": "/bin/\0"}, "smac_python is .*; expected a text without NUL"),
        ("3m", {"replay_dir": "\0"}, "replay_dir is .*; expected a text without NUL"),
        ("3m", {"max_restarts": -1}, "max_restarts is -1; it must be at least 0"),
        ("3m", {"games": 0}, "games is 0; it must be at least 1"),
        ("3m", {"difficulty": 0}, "difficulty is '0'; it must be 1"),
        ("3m", {"package": "smac2"}, "package is 'smac2'; it must be smac or smacv2"),
        ("3m", {"package": "smacv2"}, "package is 'smacv2'; 10gen_terran.*belong to smacv2"),
        ("10gen_terran", {"package": "smac"}, "package is 'smac'; 10gen_terran"),
        ("3m", {"workers": "rays"}, "workers is 'rays'; it must be local or ray; did you mean 'ray'"),
        ("3m", {"n_units": 4}, "n_units is for 10gen_terran"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_right(map_name: str, options: dict[str, Value], words: str) -> None:
    with pytest.raises(EnvironmentTextError, match=words):
        read_settings(map_name, options)


def test_a_generated_map_is_of_smacv2_with_teams_of_five() -> None:
    settings = read_settings("10gen_zerg", {"n_enemies": 6})
    assert settings.package_name == "smacv2"
    config = settings.arguments()["capability_config"]
    assert (config["n_units"], config["n_enemies"]) == (5, 6)
    assert sum(config["team_gen"]["weights"]) == pytest.approx(1.0)


def test_another_map_gives_smac_its_name_and_difficulty() -> None:
    assert read_settings("3m", {"difficulty": "a"}).arguments() == {
        "map_name": "3m",
        "difficulty": "A",
        "continuing_episode": True,
    }


def test_the_interpreter_is_the_option_the_variable_or_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    assert Settings(map_name="3m").interpreter == sys.executable
    monkeypatch.setenv(PYTHON_VARIABLE, "python_a")
    assert Settings(map_name="3m").interpreter == "python_a"
    assert Settings(map_name="3m", smac_python="python_b").interpreter == "python_b"


def test_the_page_lists_every_option_with_its_default() -> None:
    page = (ROOT / "docs" / "environments" / "smac-sc2.md").read_text(encoding="utf-8")
    arguments = page.partition("## Arguments")[2].partition("## References")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", arguments, re.MULTILINE))
    assert sorted(rows) == sorted(OPTIONS)
    settings = Settings(map_name="3m")
    for name, default in rows.items():
        value = getattr(settings, name)
        if value != "":  # an empty text stands for words
            assert default == f"{value:g}" if isinstance(value, float) else str(value).lower(), name


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_a_setting(option: str) -> None:
    assert hasattr(Settings(map_name="3m"), option)


@pytest.mark.parametrize("name", ["3m", "MMM2", "corridor", "10gen_terran"])
def test_the_page_shows_the_records_of_killed_and_frozen_games(name: str) -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "sc2_faults" / f"{name}.json").read_text())
    keys = ("episodes_in_the_replay", "damaged_episodes", "kills", "freezes", "restarts", "orphans")
    row = " | ".join(str(record[key]) for key in (*keys, "orphans_after_the_trainer_was_killed"))
    page = (ROOT / "docs" / "environments" / "smac-sc2.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {row} |" in page
