"""JSON schemas take every file that comes with the package, and refuse what reading refuses."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.cli.main import main
from rmix_kit.config.document import preset_names
from rmix_kit.config.json_schema import config_schema, preset_schema
from rmix_kit.config.load import resolve
from rmix_kit.errors import ConfigError
from rmix_kit.sweeps.json_schema import sweep_schema
from rmix_kit.sweeps.sweep_file import read_sweep_file

jsonschema: Any = importlib.import_module("jsonschema")
ROOT = Path(__file__).parents[2]
PRESETS = files("rmix_kit.config") / "presets"
SCHEMAS = {"preset": preset_schema(), "config": config_schema(), "sweep": sweep_schema()}
SWEEP = {"algorithms": ["vdn"], "environments": ["macn:4x7"], "seeds": "0-4", "steps": 100}


def problems(what: str, values: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[what])
    return [error.message for error in validator.iter_errors(values)]


def sweeps() -> Iterator[str]:
    """Every sweep that the repository shows."""
    for file in sorted((ROOT / "examples").glob("*.yaml")):
        yield file.read_text(encoding="utf-8")
    page = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    yield from (block for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if "algorithms:" in block)


@pytest.mark.parametrize("what", SCHEMAS)
def test_schemas_are_schemas_and_are_what_the_command_prints(what: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[what])
    printed = CliRunner().invoke(main, ["config", "schema", what]).stdout
    assert json.loads(printed) == json.loads(json.dumps(SCHEMAS[what]))


@pytest.mark.parametrize("name", preset_names())
def test_presets_fit(name: str) -> None:
    assert problems("preset", yaml.safe_load((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("text", list(sweeps()), ids=lambda text: text.split("\n")[0])
def test_sweeps_fit(text: str) -> None:
    assert problems("sweep", yaml.safe_load(text)) == []


@pytest.mark.parametrize("algo", [cls.name for cls in ALGORITHMS])
def test_what_a_run_writes_of_itself_fits(algo: str) -> None:
    values = resolve(algo=algo, env="macn:4x7", steps=10, report=lambda line: None).to_dict()
    assert problems("config", values) == []
    start = {"run": "runs/a", "step": 10, "weights_sha256": "0" * 64}
    assert problems("config", {**values, "init_from": start}) == []


def test_settings_say_what_they_mean() -> None:
    described = SCHEMAS["config"]["$defs"]["training"]["properties"]
    assert described["batch_size"]["description"].startswith("Episodes per update")
    assert described["target"]["properties"]["rate"]["description"].startswith("Share by which the target moves")
    assert all(entry["description"] for entry in described.values())


WRONG = (
    {"algo": "rmx"},
    {"algo": "rmix", "trainin": {}},
    {"algo": "rmix", "training": {"bach_size": 3}},
    {"algo": "rmix", "training": {"batch_size": 0}},
    {"algo": "rmix", "training": {"batch_size": "many"}},
    {"algo": "rmix", "training": {"target": {"rate": 2}}},
    {"algo": "vdn", "algorithm": {"n_quantiles": 3}},
    {"algo": "rmix", "algorithm": {"trace": "none"}},
    {"algo": "rmix", "algorithm": {"gamma": "high"}},
)


@pytest.mark.parametrize("values", [*WRONG, {"steps": 0}, {"seed": -1}, {"device": "gpu"}, {"preset": "rmx"}])
def test_wrong_configurations_do_not_fit(values: dict[str, Any], tmp_path: Path) -> None:
    assert problems("config", values)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    rest = {"algo": "rmix", "env": "macn:4x7", "steps": 10}
    given = {name: value for name, value in rest.items() if name not in values}
    with pytest.raises(ConfigError):
        resolve(**given, config_file=tmp_path / "mine.yaml", report=lambda line: None)  # type: ignore[typeddict-item]


OTHER_MAPS: tuple[dict[str, Any], ...] = (
    {},
    {"algo": "rmix", "maps": {"smac:3m": {"train": {}}}},
    {"algo": "rmix", "maps": {"smac:3m": {"training": {"x": 1}}}},
)


@pytest.mark.parametrize("values", [*WRONG, *OTHER_MAPS])
def test_wrong_presets_do_not_fit(values: dict[str, Any]) -> None:
    assert problems("preset", values)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SWEEP.items() if key != name}


@pytest.mark.parametrize(
    "values",
    [
        *map(without, ("algorithms", "environments", "seeds")),
        {**SWEEP, "seeds": "4-"},
        {**SWEEP, "seeds": []},
        {**SWEEP, "sets": {}},
        {**SWEEP, "jobs": 0},
        {**SWEEP, "algorithms": [{"preset": "rmix"}]},
        {**SWEEP, "algorithms": [{"algo": "rmix", "nam": "x"}]},
        {**SWEEP, "environments": [{"env": "macn:4x7", "steps": 0}]},
        {**SWEEP, "resources": {"cpus": 0}},
        {**SWEEP, "threads": "two"},
    ],
)
def test_wrong_sweeps_do_not_fit(values: dict[str, Any], tmp_path: Path) -> None:
    assert problems("sweep", values)
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError):
        read_sweep_file(tmp_path / "sweep.yaml")


@pytest.mark.parametrize(
    "given", [{"batchsize": 3}, {"batch_size": 0}, {"training": {"batchsize": 3}}, {"trace": "none"}]
)
def test_wrong_values_laid_over_do_not_fit(given: dict[str, Any]) -> None:
    assert problems("sweep", {**SWEEP, "set": given})
    assert problems("sweep", {**SWEEP, "algorithms": [{"algo": "rmix", "set": given}]})


@pytest.mark.parametrize(
    "given",
    [{"training.batch_size": 3}, {"batch_size": [3, 4]}, {"training": {"target": {"rate": 0.5}}}, {"gamma": "9e-1"}],
)
def test_values_laid_over_fit(given: dict[str, Any]) -> None:
    assert problems("sweep", {**SWEEP, "set": given}) == []
