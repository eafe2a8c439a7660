"""Data never chooses what runs: an environment that names code runs where a person typed it, or consented."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import rmix_kit
import tests.fixtures
from rmix_kit.cli.main import main
from rmix_kit.envs.consent import allowed
from rmix_kit.envs.make import KINDS, code_named_by
from rmix_kit.errors import RunFolderError, UntrustedCodeError
from rmix_kit.files.writing import json_text
from tests.fixtures.trained import ENVIRONMENT, Trained

pytestmark = pytest.mark.usefixtures("undrawn")

MODULE = "tests.fixtures.canary_team"
TEXT = f"pettingzoo:{MODULE}.canary_team"

# Every command that plays in an environment, and what it is given besides; "run" and "agents" stand for the folders.
DOORS: dict[str, Sequence[str]] = {
    "evaluate": ("evaluate", "run", "--episodes", "1"),
    "evaluate at several levels": ("evaluate", "run", "--episodes", "1", "--risk-levels", "0.5,1.0"),
    "evaluate as a table": ("evaluate", "run", "--table"),
    "run": ("run", "agents", "--episodes", "1"),
    "run isolated": ("run", "agents", "--episodes", "1", "--isolated"),
    "run at several levels": ("run", "agents", "--episodes", "1", "--risk-levels", "0.5,1.0"),
    "film of a run": ("film", "run", "--episodes", "1", "--out", "film.html"),
    "film of an export": ("film", "agents", "--episodes", "1", "--out", "film.html"),
    "report": ("report", "run", "--evaluate", "--out", "report"),
}
QUIET: dict[str, Sequence[str]] = {
    "inspect of a run": ("inspect", "run"),
    "inspect of an export": ("inspect", "agents"),
    "report": ("report", "run", "--out", "report"),
    "evaluate elsewhere": ("evaluate", "run", "--episodes", "1", "--env", "didactic:climbing"),
}


@pytest.fixture
def here(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's run and agents in the current directory; they name a module that is not imported yet."""
    shutil.copytree(trained.run, tmp_path / "run")
    shutil.copytree(trained.agents, tmp_path / "agents")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace(ENVIRONMENT, TEXT))
    (tmp_path / "run" / "seal.json").unlink()
    for checkpoint in (tmp_path / "run" / "checkpoints").glob("*/manifest.json"):
        facts = json.loads(checkpoint.read_text())
        facts["config"]["env"] = TEXT
        del facts["sha256"]
        digest = hashlib.sha256(json_text(facts, sort_keys=True).encode()).hexdigest()
        checkpoint.write_text(json_text({**facts, "sha256": digest}, indent=1) + "\n")
    manifest = tmp_path / "agents" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(ENVIRONMENT, TEXT))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    monkeypatch.delattr(tests.fixtures, "canary_team", raising=False)
    return tmp_path


def invoked(words: Sequence[str]) -> Result:
    return CliRunner().invoke(main, words)


@pytest.mark.parametrize("door", DOORS)
def test_no_command_runs_what_a_folder_names(door: str, here: Path) -> None:
    result = invoked(DOORS[door])
    assert result.exit_code == 1
    assert f"imports {MODULE}.canary_team and calls it" in result.output
    assert "--trust" in result.output
    assert f"--env {TEXT}" in result.output
    assert MODULE not in sys.modules


@pytest.mark.parametrize("door", [name for name in DOORS if name != "evaluate as a table"])
def test_every_command_runs_it_with_a_consent_which_is_not_kept(door: str, here: Path) -> None:
    result = invoked([*DOORS[door], "--trust"])
    assert result.exit_code == 0, result.output
    assert MODULE in sys.modules
    assert not (here / "state").exists()


@pytest.mark.parametrize("door", ["evaluate", "run", "run isolated", "film of a run", "film of an export"])
def test_what_is_typed_needs_no_consent(door: str, here: Path) -> None:
    result = invoked([*DOORS[door], "--env", TEXT])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", QUIET)
def test_what_plays_nowhere_or_elsewhere_imports_nothing(command: str, here: Path) -> None:
    result = invoked(QUIET[command])
    assert result.exit_code in (0, 1), result.output  # the agents do not fit elsewhere
    assert "trust-environment" not in result.output
    assert MODULE not in sys.modules


def test_a_kept_consent_is_for_this_content_wherever_it_lies(here: Path) -> None:
    assert invoked([*DOORS["run"], "--always-trust"]).exit_code == 0
    assert invoked(DOORS["run"]).exit_code == 0
    (here / "agents").rename(here / "moved")
    assert invoked(["run", "moved", "--episodes", "1"]).exit_code == 0
    assert invoked(DOORS["evaluate"]).exit_code == 1  # the run is another folder
    manifest = here / "moved" / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert invoked(["run", "moved", "--episodes", "1"]).exit_code == 1
    (here / "state" / "rmix-kit" / "consents.json").unlink()


def test_a_kept_consent_does_not_cover_another_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    assert allowed(TEXT, file, "always") == TEXT
    assert allowed(TEXT, file) == TEXT
    with pytest.raises(UntrustedCodeError):
        allowed(f"{TEXT}?slip=0.2", file)


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1}', "[" * 100_000])
def test_a_damaged_list_of_consents_consents_to_nothing(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = tmp_path / "rmix-kit" / "consents.json"
    store.parent.mkdir()
    store.write_text(content)
    with pytest.raises(UntrustedCodeError, match="consents.json"):
        allowed(TEXT, store)


def test_a_consent_that_cannot_be_kept_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises((RunFolderError, UntrustedCodeError)):
        allowed(TEXT, tmp_path / "file", "always")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pettingzoo:os.system?command=true", "imports os.system and calls it"),
        ("PettingZoo:os.system", "imports os.system and calls it"),
        (" pettingzoo:os%2Esystem", "imports os.system and calls it"),
        ("gymnasium:evil:Team-v0", "imports evil:Team-v0 and calls it"),
        ("smac:3m?backend=sc2&smac_python=/tmp/evil", "uses smac_python=/tmp/evil"),
        ("smac:3m?backend=sc2&replay_dir=/etc", "uses replay_dir=/etc"),
        ("macn:4x7?slip=0.1", ""),
        ("matrix:[[1,0],[0,1]]", ""),
        ("smac:3m?backend=builtin", ""),
        ("didactic:climbing", ""),
        ("unheard:of", ""),
        ("no text at all", ""),
    ],
)
def test_what_a_text_makes_run_is_said(text: str, code: str) -> None:
    assert code_named_by(text) == code


def test_a_strangers_text_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    with pytest.raises(UntrustedCodeError) as caught:
        allowed("pettingzoo:evil%1b]0;owned%07" + "x" * 10_000, file)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1_000


def test_every_kind_says_whether_its_texts_name_code() -> None:
    assert {name for name, kind in KINDS.items() if kind.names_code} == {"pettingzoo", "gymnasium"}


def test_the_table_of_texts_that_name_code_is_the_kinds() -> None:
    page = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+):[^`]*?(?:&(\w+)=\w+)?` \|.*\| (refused|played) \|$", page, re.MULTILINE)
    refused = {(kind, option) for kind, option, verdict in rows if verdict == "refused"}
    assert {kind for kind, option, _ in rows if not option} == set(KINDS)
    assert {kind for kind, option in refused if not option} == {name for name, kind in KINDS.items() if kind.names_code}
    assert {(kind, option) for kind, option in refused if option} == {
        (name, option) for name, kind in KINDS.items() for option in kind.code_options
    }


def test_python_asks_as_the_commands_do(here: Path) -> None:
    with pytest.raises(UntrustedCodeError, match='consent="once"'):
        rmix_kit.load("run").evaluate(episodes=1)
    assert MODULE not in sys.modules
    assert rmix_kit.load("run", consent="once").evaluate(episodes=1).to_json()["episodes"] == 1


@pytest.mark.parametrize("consent", [False, True, "yes", "", 1])
def test_another_word_is_no_consent(consent: Any, tmp_path: Path) -> None:
    with pytest.raises(UntrustedCodeError, match="it must be 'once' or 'always'"):
        allowed("pettingzoo:strangers.env", tmp_path / "config.yaml", consent)


def test_a_sweep_runs_what_its_file_names_and_not_what_lies_in_its_folder(here: Path) -> None:
    Path("sweep.yaml").write_text("algorithms: [rmix]\nenvironments: ['didactic:climbing']\nseeds: [3]\nsteps: 200\n")
    place = Path("swept/runs/rmix_didactic-climbing_seed-3")
    place.parent.mkdir(parents=True)
    shutil.copytree("run", place)
    for words in (("--engine", "local"), ("--engine", "ray")):  # refused where it is planned, before any engine
        result = invoked(("sweep", "sweep.yaml", "--out", "swept", *words))
        assert result.exit_code == 1
        assert "holds another run" in result.output
    assert MODULE not in sys.modules
    assert invoked(("train", "--algo", "rmix", "--env", "didactic:climbing", "--seed", "3", "--steps", "200",
                    "--resume", "--out", "run")).exit_code == 1  # fmt: skip
    assert MODULE not in sys.modules
