"""What a finished run says of itself is what training left: configuration, metrics, times, origin."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rmix_kit.cli.main import main
from rmix_kit.errors import RecordError
from rmix_kit.files.writing import seal
from rmix_kit.results import read_record, record_of, write_record
from rmix_kit.results.paths import RunPaths
from rmix_kit.results.seal import check_seal, facts_of
from tests.fixtures.trained import ENVIRONMENT

pytestmark = pytest.mark.usefixtures("undrawn")

FACTS = "config.yaml", "metrics.jsonl", "timing.jsonl", "origin.jsonl"
REPORT = "report", "run", "--out", "report"
TRAIN = (
    *("train", "--algo", "rmix", "--env", ENVIRONMENT, "--seed", "3", "--num-envs", "4", "--device", "cpu"),
    *("--resume", "--out", "run", "--steps"),
)
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda data: bytes([*data[:-9], data[-9] ^ 1, *data[-8:]]),
    "half of it": lambda data: data[: len(data) // 2],
    "nothing": lambda data: b"",
    "a row more": lambda data: data + data.splitlines(keepends=True)[-1],
}


def invoked(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_training_leaves_a_seal_at_its_end(own_run: Path) -> None:
    paths = RunPaths(own_run)
    assert check_seal(paths, facts_of(paths))
    assert record_of(own_run).is_sealed
    assert json.loads(invoked("inspect", "run", "--json").output)["seal"] == "right"


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FACTS)
def test_a_changed_file_is_refused_by_name(name: str, damage: str, own_run: Path) -> None:
    file = own_run / name
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    for words in (REPORT, (*TRAIN, "200"), (*TRAIN, "400", "--extend-inexactly")):
        result = invoked(*words)
        assert result.exit_code == 1
        assert name in result.output
    shown = invoked("inspect", "run", "--json")
    assert name in (shown.output if shown.exit_code else json.loads(shown.output)["seal"])


def test_a_changed_seal_is_refused(own_run: Path) -> None:
    file = own_run / "seal.json"
    values = json.loads(file.read_bytes())
    for changed in (
        file.read_bytes().replace(b"1", b"2", 1),
        seal({**values, "files": {}}),
        seal({**values, "files": dict.fromkeys(FACTS, "x")}),
        seal({**values, "format": 9}),
        b"{",
    ):
        file.write_bytes(changed)
        with pytest.raises(RecordError, match=r"seal\.json"):
            record_of(own_run)


def test_a_run_without_a_seal_says_so(own_run: Path) -> None:
    (own_run / "seal.json").unlink()
    assert not record_of(own_run).is_sealed
    result = invoked(*REPORT)
    assert "without a seal, not compared with what training wrote at its end: run" in result.output
    assert "1 run without a seal" in Path("report/index.html").read_text()
    with Path("report/tables/runs.csv").open(newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished, without a seal"]


def test_a_kill_between_the_last_checkpoint_and_the_seal_is_made_good(own_run: Path) -> None:
    before = (own_run / "seal.json").read_bytes()
    (own_run / "seal.json").unlink()
    assert "nothing to do" in invoked(*TRAIN, "200").output
    assert (own_run / "seal.json").read_bytes() == before


def test_a_run_that_goes_on_has_no_seal_before_its_new_end(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rmix_kit.training.loop import TrainingLoop

    seen = []
    play = TrainingLoop.round
    monkeypatch.setattr(TrainingLoop, "round", lambda self: [seen.append((own_run / "seal.json").exists()), play(self)])
    assert invoked(*TRAIN, "400", "--extend-inexactly").exit_code == 0
    assert seen
    assert not any(seen)
    assert record_of(own_run).is_sealed


def test_a_newest_checkpoint_whose_manifest_is_damaged_is_refused_by_name(own_run: Path) -> None:
    (manifest,) = own_run.glob("checkpoints/*/manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b'"is_finished": true', b'"is_finished": false'))
    result = invoked(*REPORT)
    assert result.exit_code == 1
    assert "manifest.json is not what was written" in result.output


def test_a_record_file_carries_its_own_digest(own_run: Path) -> None:
    record, file = record_of(own_run), Path("record.json")
    write_record(file, record)
    assert read_record(file) == record
    file.write_bytes(file.read_bytes().replace(b'"seed": 3', b'"seed": 4', 1))
    with pytest.raises(RecordError, match="not what was written"):
        read_record(file)
    values = json.loads(file.read_bytes())
    file.write_text(json.dumps({name: value for name, value in values.items() if name != "sha256"}))
    with pytest.raises(RecordError, match="not what was written"):
        read_record(file)


def test_a_record_of_format_one_is_read_and_has_no_seal(own_run: Path) -> None:
    file = Path("record.json")
    write_record(file, record_of(own_run))
    values = json.loads(file.read_bytes())
    del values["sha256"], values["is_sealed"]
    file.write_text(json.dumps({**values, "format": 1}))
    assert not read_record(file).is_sealed


def test_episodes_whose_seal_was_renamed_are_refused(own_run: Path) -> None:
    assert invoked("report", "run", "--evaluate", "--out", "report").exit_code == 0
    file = own_run / "evaluations" / "best.json"
    file.write_bytes(file.read_bytes().replace(b'"sha256"', b'"sha257"'))
    with pytest.raises(RecordError, match="holds no episodes"):
        record_of(own_run)
