"""What carries a run's numbers is what training wrote, or is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rmix_kit.cli.main import main
from rmix_kit.files.writing import is_sealed, seal
from rmix_kit.training.manifest import FORMAT, read_manifest
from tests.fixtures.trained import ENVIRONMENT

pytestmark = pytest.mark.usefixtures("undrawn")

READERS = {
    "report": ("report", "run", "--out", "report"),
    "plot": ("plot", "run", "--metric", "return_mean", "--out", "curve.png"),
}
RESUME = (
    *("train", "--algo", "rmix", "--env", ENVIRONMENT, "--seed", "3", "--num-envs", "4", "--device", "cpu"),
    *("--steps", "200", "--resume", "--out", "run"),
)


def invoked(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def with_another_return(data: bytes) -> bytes:
    rows = [json.loads(line) for line in data.splitlines()]
    for row in rows:
        if row["kind"] == "evaluation":
            row["return_mean"] -= 20
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


DAMAGE = {
    "another return": with_another_return,
    "a flipped bit": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "half of it": lambda data: data[: len(data) // 2],
    "nothing": lambda data: b"",
    "a row less": lambda data: b"".join(data.splitlines(keepends=True)[1:]),
    "rows in another order": lambda data: b"".join(data.splitlines(keepends=True)[::-1]),
}


def test_a_run_as_it_was_written_is_taken(own_run: Path) -> None:
    for words in READERS.values():
        assert invoked(*words).exit_code == 0
    assert "nothing to do" in invoked(*RESUME).output


@pytest.mark.parametrize("damage", DAMAGE)
def test_changed_numbers_are_refused_by_name(damage: str, own_run: Path) -> None:
    metrics = own_run / "metrics.jsonl"
    metrics.write_bytes(DAMAGE[damage](metrics.read_bytes()))
    for words in READERS.values():
        result = invoked(*words)
        assert result.exit_code == 1
        assert "metrics.jsonl" in result.output
        assert "not what was written" in result.output or "shorter than when it was saved" in result.output
    result = invoked(*RESUME)
    assert result.exit_code == 1
    assert "metrics.jsonl" in result.output


def test_rows_after_the_last_checkpoint_of_a_run_that_goes_on_are_no_damage(own_run: Path) -> None:
    (own_run / "seal.json").unlink()
    with (own_run / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "training", "env_steps": 999, "updates": 1}\n')
    assert invoked(*READERS["report"]).exit_code == 0


def test_a_changed_configuration_is_refused_by_name(own_run: Path) -> None:
    config = own_run / "config.yaml"
    config.write_text(config.read_text().replace("preset: rmix", "preset: rmix-paper"))
    for words in READERS.values():
        result = invoked(*words)
        assert result.exit_code == 1
        assert "config.yaml is not what the run was trained with" in result.output


def test_changed_episodes_are_refused_and_played_again(own_run: Path) -> None:
    assert invoked("report", "run", "--evaluate", "--out", "report").exit_code == 0
    file = own_run / "evaluations" / "last.json"
    values = json.loads(file.read_bytes())
    file.write_text(json.dumps({**values, "returns": [value + 1 for value in values["returns"]]}))
    result = invoked("report", "run", "--out", "second")
    assert result.exit_code == 1
    assert "last.json is not what was written" in result.output
    assert invoked("report", "run", "--evaluate", "--out", "third").exit_code == 0
    assert json.loads(file.read_bytes()) == values


def test_a_checkpoint_of_format_five_has_no_seal_and_is_read(own_run: Path) -> None:
    (checkpoint,) = (own_run / "checkpoints").iterdir()
    file = checkpoint / "manifest.json"
    values = json.loads(file.read_bytes())
    metrics = values.pop("metrics")
    del values["sha256"]
    file.write_bytes(seal({**values, "format": FORMAT - 1, "metrics_bytes": metrics["length"]}))
    assert read_manifest(checkpoint).metrics == (metrics["length"], "")
    assert invoked(*READERS["report"]).exit_code == 0


def test_a_seal_holds_every_byte() -> None:
    values = {"b": 1.5, "a": ["x", None, True]}
    data = seal(values)
    assert is_sealed(data, json.loads(data))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            read = json.loads(changed)
        except ValueError:
            continue
        assert not isinstance(read, dict) or not is_sealed(changed, read)
