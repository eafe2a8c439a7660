"""An algorithm in another folder trains, resumes, evaluates, exports, is reported and swept, and is held to the bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

import rmix_kit
from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.callbacks import Callback, RoundPlayed, Stop
from rmix_kit.cli.main import main
from rmix_kit.errors import AlgorithmContractError, ConfigError, RunFolderError, UntrustedCodeError
from rmix_kit.testing import check_algorithm
from rmix_kit.training.algorithm_names import algorithm_class, text_of
from rmix_kit.types import EpisodeBatch, Losses, Progress

FILE = '''
"""Toy: independent learners whose values are shrunk towards zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.losses import masked_mean
from rmix_kit.types import EpisodeBatch, Losses, NonNegativeFloat, Progress


@dataclass(frozen=True, kw_only=True)
class Toy(ValueDecomposition):
    """IQL with an extra term.

    Attributes:
        shrinkage: Weight of the squared values.
    """

    name: ClassVar[str] = "toy"
    shrinkage: NonNegativeFloat = 0.01

    def losses(self, online: Networks, target: Networks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """The squared TD error and the extra term."""
        groups, metrics = super().losses(online, target, batch, progress)
        values = online.agent.unroll(batch).outputs[:, :-1]
        return Losses({"td": groups["td"] + self.shrinkage * masked_mean(values.square(), batch.mask)}, metrics)


class Other:
    """No algorithm."""


class Melting(ValueDecomposition):
    """No dataclass of its own."""

    name: ClassVar[str] = "melting"


@dataclass(frozen=True, kw_only=True)
class Nameless(ValueDecomposition):
    """Has no name."""


def made_inside() -> type:
    """A class that nobody can import."""

    @dataclass(frozen=True, kw_only=True)
    class Inside(Toy):
        name: ClassVar[str] = "inside"

    return Inside
'''
TEXT = "toy_algorithm:Toy"
ENVIRONMENT = "macn:4x7"


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file in the current directory, imported by no test before."""
    (tmp_path / "toy_algorithm.py").write_text(FILE)
    (tmp_path / "broken_algorithm.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    sys.modules.pop("toy_algorithm", None)


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def output(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def trained(steps: int = 400, **changes: Any) -> Path:
    values = {"shrinkage": 0.1, "num_envs": 4, "log_interval": 50, "evaluation_interval": 100}
    return rmix_kit.train(TEXT, ENVIRONMENT, steps=steps, out="run", overrides=values, **changes).path


class Pause(Callback):
    def round(self, record: RoundPlayed) -> Stop | None:
        return Stop("pause") if record.env_steps > 150 else None


def test_it_trains_resumes_exports_and_is_reported_from_another_folder(tmp_path: Path) -> None:
    options = ["--env", ENVIRONMENT, "--seed", 0, "--steps", 400, "--num-envs", 4, "--set", "shrinkage=0.1"]
    output("train", "--algo", TEXT, *options, "--out", "run")
    assert "algo: toy_algorithm:Toy" in (tmp_path / "run" / "config.yaml").read_text()
    again = invoke("train", "--algo", TEXT, *options, "--out", "run", "--resume").stderr
    assert "is finished" in again
    assert "next: rmix-kit export run --trust --out agents" in again
    output("export", "run", "--out", "agents", "--format", "torchscript", "--trust")
    evaluated = output("evaluate", "run", "--episodes", 3, "--json", "--trust")
    assert output("run", "agents", "--format", "torchscript", "--episodes", 3, "--json") == evaluated
    output("report", "run", "--out", "report")
    assert any(TEXT in path.read_text() for path in Path("report").rglob("*.csv"))
    assert TEXT in output("inspect", "run")


def test_its_methods_may_import_from_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_help.py").write_text("SHARE = 0.5\n")
    inside = '        """The squared TD error and the extra term."""\n'
    (tmp_path / "late_algorithm.py").write_text(FILE.replace(inside, f"{inside}        import late_help\n"))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    output("train", "--algo", "late_algorithm:Toy", "--env", ENVIRONMENT, "--steps", 200, "--num-envs", 4)
    del sys.modules["late_algorithm"], sys.modules["late_help"]


def test_it_goes_on_exactly(tmp_path: Path) -> None:
    values = {"num_envs": 4, "log_interval": 50}
    whole = rmix_kit.train(TEXT, ENVIRONMENT, steps=400, out="whole", overrides=values)
    parts = rmix_kit.train(TEXT, ENVIRONMENT, steps=400, out="parts", overrides=values, callbacks=[Pause()])
    assert parts.stopped == "pause"
    parts = rmix_kit.train(TEXT, ENVIRONMENT, steps=400, out="parts", overrides=values, resume=True)
    assert parts.config == whole.config
    for name in ("metrics.jsonl", f"checkpoints/step_{whole.checkpoint_step}/online.safetensors"):
        assert (parts.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_it_is_swept_with_its_values() -> None:
    Path("sweep.yaml").write_text(
        f"algorithms:\n  - {{algo: '{TEXT}', set: {{shrinkage: 0.2}}}}\n  - vdn\n"
        f"environments:\n  - {{env: '{ENVIRONMENT}', steps: 60}}\nseeds: [0]\nset: {{num_envs: 4}}\n"
    )
    output("sweep", "sweep.yaml", "--out", "sweep")
    found = [path for path in Path("sweep").rglob("config.yaml") if TEXT in path.read_text()]
    assert len(found) == 1
    assert "shrinkage: 0.2" in found[0].read_text()
    output("sweep", "sweep.yaml", "--out", "sweep")  # again: all are finished


def test_data_never_imports_it() -> None:
    folder = trained()
    del sys.modules["toy_algorithm"]
    with pytest.raises(UntrustedCodeError, match=r"names an algorithm that imports toy_algorithm:Toy; .* --trust"):
        rmix_kit.load(folder)
    assert "toy_algorithm" not in sys.modules
    refused = invoke("export", folder, "--out", "agents")
    assert refused.exit_code == 1
    assert "--trust" in refused.stderr
    assert not Path("agents").exists()
    assert "toy_algorithm" not in sys.modules
    assert rmix_kit.load(folder, consent="once").config.algorithm.name == "toy"


def test_a_consent_for_good_is_kept_for_the_run_as_it_is() -> None:
    folder = trained()
    rmix_kit.load(folder, consent="always")
    assert rmix_kit.load(folder).config.algorithm.name == "toy"
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("toy_algorithm:Toy", "toy_algorithm:Other"))
    with pytest.raises(UntrustedCodeError):
        rmix_kit.load(folder)


def test_a_class_needs_no_name_to_be_imported_by() -> None:
    algorithm_class(TEXT)
    inside = sys.modules["toy_algorithm"].made_inside()
    run = rmix_kit.train(inside, ENVIRONMENT, steps=60, out="run", overrides={"num_envs": 4})
    assert run.config.algorithm.name == "inside"
    assert rmix_kit.load("run", algorithm=inside).config == run.config
    with pytest.raises(ConfigError, match=r"expected package.module:Class; .* algorithm=Class"):
        rmix_kit.load("run", consent="once")
    again = rmix_kit.train(inside, ENVIRONMENT, steps=60, out="run", overrides={"num_envs": 4}, resume=True)
    assert again.config == run.config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("toy_algorithm:Missing", "AttributeError: module 'toy_algorithm' has no attribute 'Missing'"),
        ("no_such_module:Toy", "No module named 'no_such_module'; is it installed, or a file in the current directory"),
        ("broken_algorithm:Toy", "ZeroDivisionError: division by zero"),
        ("toy_algorithm:Other", "expected a class that extends rmix_kit.algorithms.Algorithm"),
        ("toy_algorithm:Melting", "it is no frozen dataclass"),
        ("toy_algorithm:Nameless", "set name"),
        ("toy_algorithm:made_inside.<locals>.Inside", "expected package.module:Class"),
        ("os:system", "os is a part of Python"),
        ("rmix_kit.algorithms:Algorithm", "set name"),
        ("toy_algorithm", "there is no algorithm 'toy_algorithm'"),
        (":", "expected package.module:Class"),
    ],
)
def test_what_is_no_algorithm_is_told_in_one_line(text: str, said: str) -> None:
    refused = invoke("train", "--algo", text, "--env", ENVIRONMENT, "--seed", 0, "--steps", 9, "--out", "run")
    assert refused.exit_code in (1, 2)
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) <= 3
    assert not Path("run").exists()


def test_a_class_that_is_no_algorithm_is_told_so() -> None:
    given: Any = dict
    with pytest.raises(ConfigError, match="expected a class that extends"):
        rmix_kit.train(given, ENVIRONMENT, steps=60)


def test_a_name_leads_out_of_no_folder() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Leading(VDN):
        name: ClassVar[str] = "../up"

    with pytest.raises(ConfigError, match="set name"):
        rmix_kit.train(Leading, ENVIRONMENT, steps=60)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with an entry point."""
    site = tmp_path / "site"
    info = site / "toys-0.1.dist-info"
    info.mkdir(parents=True)
    (site / "toy_package.py").write_text(FILE.replace('"toy"', '"toy of a package"'))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[rmix_kit.algorithms]\nplugged = toy_package:Toy\ngone = toy_package:Gone")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "toy_package", raising=False)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_brings_algorithms_by_name() -> None:
    assert "plugged" in output("algos")
    output("train", "--algo", "plugged", "--env", ENVIRONMENT, "--seed", 0, "--steps", 60, "--out", "run")
    assert (
        json.loads(output("evaluate", "run", "--episodes", 2, "--json"))["episodes"] == 2
    )  # no consent: it is installed
    run = rmix_kit.load("run")
    assert text_of(type(run.config.algorithm)) == "plugged"
    assert "algo: plugged" in (run.path / "config.yaml").read_text()
    missing = invoke("train", "--algo", "gone", "--env", ENVIRONMENT, "--seed", 0, "--steps", 60, "--out", "other")
    assert "the algorithm gone (toy_package:Gone) cannot be imported" in missing.stderr
    nearly = invoke("train", "--algo", "pluged", "--env", ENVIRONMENT, "--seed", 0, "--steps", 60, "--out", "other")
    assert "did you mean 'plugged'" in nearly.stderr


def test_every_text_leads_back() -> None:
    for cls in ALGORITHMS:
        assert algorithm_class(text_of(cls)) is cls
    toy = algorithm_class(TEXT)
    assert algorithm_class(text_of(toy)) is toy


def test_another_class_of_the_name_is_another_run() -> None:
    trained()
    with pytest.raises(RunFolderError, match="algo"):
        rmix_kit.train("iql", ENVIRONMENT, steps=400, out="run", resume=True)


def test_it_passes_the_bar() -> None:
    check_algorithm(algorithm_class(TEXT))


def losing(**members: Any) -> type[Algorithm[Any]]:
    """VDN with something else in it."""
    made = type("Mine", (VDN,), {"name": "mine", "__annotations__": {"name": ClassVar[str]}, **members})
    return dataclass(frozen=True, kw_only=True)(made)


def peeking(self: Any, online: Any, target: Any, batch: EpisodeBatch, progress: Progress) -> Losses:
    groups, metrics = VDN.losses(self, online, target, batch, progress)
    return Losses({"td": groups["td"] + batch.reward.mean() * 1e-2}, metrics)  # padding counts in it


def writing(self: Any, online: Any, target: Any, batch: EpisodeBatch, progress: Progress) -> Losses:
    next(iter(target.parameters())).data.add_(1.0)
    return VDN.losses(self, online, target, batch, progress)


def reading(self: Any, online: Any, target: Any, batch: EpisodeBatch, progress: Progress) -> Losses:
    groups, metrics = VDN.losses(self, online, target, batch, progress)
    return Losses({"td": groups["td"] * (1.0 if float(batch.reward.sum()) > 0 else 2.0)}, metrics)


def renaming(self: Any, online: Any, target: Any, batch: EpisodeBatch, progress: Progress) -> Losses:
    groups, metrics = VDN.losses(self, online, target, batch, progress)
    return Losses({"else": groups["td"]}, metrics)


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (peeking, "padding changes no loss"),
        (writing, "losses change no weight"),
        (reading, "an update stays on its device and reads nothing back"),
        (renaming, "losses are of the groups that have optimisers"),
    ],
)
def test_the_bar_says_what_is_wrong(losses: Any, said: str) -> None:
    with pytest.raises(AlgorithmContractError, match=said):
        check_algorithm(losing(losses=losses))
    check_algorithm(losing())
