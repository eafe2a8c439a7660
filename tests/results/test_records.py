from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.config.differences import differences_from_preset
from rmix_kit.errors import RecordError
from rmix_kit.results import Episodes, find_records, read_record, record_of, write_record
from rmix_kit.sweeps.progress import state_of
from rmix_kit.training.absolute import SEED_OFFSET, evaluate_run
from rmix_kit.training.loading import load
from rmix_kit.training.trainer import train
from tests.training.runs import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "rmix-0"
    config = tiny(steps=900)
    train(config, folder, overrides=differences_from_preset(config))
    evaluate_run(folder)
    return folder


def test_a_record_tells_what_the_run_was(run: Path) -> None:
    record = record_of(run)
    assert (record.name, record.algo, record.env, record.seed) == (
        "rmix-0",
        "rmix",
        "macn:4x7?max_steps=20&slip=0.1",
        0,
    )
    assert record.is_finished
    assert record.overrides is not None
    assert record.overrides["training.batch_size"] == 4
    assert "algorithm.gamma" not in record.overrides
    assert record.env_spec["n_agents"] == 2
    assert record.origins[0]["device"] == "cpu"


def test_a_record_tells_how_the_run_went(run: Path) -> None:
    record = record_of(run)
    assert [row["env_steps"] for row in record.evaluations][0] == 0
    assert len(record.seconds_at) == len(record.evaluations)
    assert sorted(record.seconds_at) == list(record.seconds_at)
    assert record.wall_seconds is not None
    assert record.wall_seconds >= record.seconds_at[-1]
    assert record.cpu_seconds is not None
    assert record.cpu_seconds > 0
    assert record.peak_mebibytes is not None
    assert record.peak_mebibytes > 10
    assert record.replay_mebibytes is not None
    assert record.replay_mebibytes > 0


def test_the_command_of_a_record_makes_the_same_configuration(run: Path, tmp_path: Path) -> None:
    import shlex

    from rmix_kit.config.load import resolve

    words = shlex.split(record_of(run).command)[2:]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    options = dict(pair for pair in pairs if pair[0] != "--set")
    config = resolve(
        algo=options["--algo"],
        env=options["--env"],
        seed=int(options["--seed"]),
        steps=int(options["--steps"]),
        overrides=[value for name, value in pairs if name == "--set"],
    )
    assert config == load(run).config


def test_episodes_of_the_best_checkpoint_are_ten_times_as_many_on_other_seeds(run: Path) -> None:
    record = record_of(run)
    assert record.best is not None
    assert record.last is not None
    assert len(record.best) == len(record.last) == 10 * 3
    assert record.best.seed == record.last.seed == SEED_OFFSET
    assert record.last.checkpoint_step == load(run).checkpoint_step
    expected = load(run, "best").evaluate(episodes=30, seed=SEED_OFFSET)
    assert list(record.best.returns) == expected.returns.tolist()
    assert list(record.best.fell) == expected.fell.tolist()


def test_a_record_reads_back_equal_from_its_file(run: Path, tmp_path: Path) -> None:
    record = record_of(run)
    write_record(tmp_path / "records" / "rmix-0.json", record)
    assert json.loads(json.dumps(read_record(tmp_path / "records" / "rmix-0.json").to_json())) == json.loads(
        json.dumps(record.to_json())
    )
    assert read_record(tmp_path / "records" / "rmix-0.json").best == record.best


def test_records_are_found_in_folders_of_both_sorts(run: Path, tmp_path: Path) -> None:
    write_record(tmp_path / "deep" / "b.json", record_of(run))
    (tmp_path / "deep" / "other.json").write_text("{}")
    shutil.copytree(run, tmp_path / "deep" / "a")
    assert [record.name for record in find_records([tmp_path])] == ["a", "rmix-0"]


def test_an_unfinished_run_says_so_and_has_no_last_word(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stopped"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "evaluations")
    newest = max(copy.glob("checkpoints/step_*"), key=lambda path: int(path.name.removeprefix("step_")))
    shutil.rmtree(newest)
    record = record_of(copy)
    assert not record.is_finished
    assert record.best is None


def times_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()]


def with_times(run: Path, copy: Path, times: list[dict[str, Any]]) -> Path:
    """Copy a run, unsealed, with other rows of time."""
    shutil.copytree(run, copy)
    (copy / "seal.json").unlink(missing_ok=True)
    (copy / "timing.jsonl").write_text("".join(json.dumps(row) + "\n" for row in times))
    return copy


@pytest.mark.parametrize("names_processes", [True, False])
def test_seconds_go_on_after_a_resume(run: Path, tmp_path: Path, names_processes: bool) -> None:
    first, times = record_of(run), times_of(run)
    times.append({**times[-1], "process": times[-1]["process"] + 1, "total": 0.25, "cpu": 0.5})
    if not names_processes:  # as older versions wrote them
        times = [{name: value for name, value in row.items() if name != "process"} for row in times]
    record = record_of(with_times(run, tmp_path / "resumed", times))
    assert first.wall_seconds is not None
    assert first.cpu_seconds is not None
    assert record.wall_seconds == pytest.approx(first.wall_seconds + 0.25, abs=1e-3)
    assert record.cpu_seconds == pytest.approx(first.cpu_seconds + 0.5, abs=1e-3)
    assert record.seconds_at[-1] == record.wall_seconds


def test_a_resumed_process_counts_though_its_first_row_of_time_is_later_than_the_last_of_before(
    run: Path, tmp_path: Path
) -> None:
    first = record_of(run)
    times = [{name: value for name, value in row.items() if name != "process"} for row in times_of(run)]
    longer, started = times[-1]["total"] + 7.0, times[-1]["unix_time"] + 60.0
    times.append({**times[-1], "total": longer, "cpu": 9.5, "unix_time": started + longer})
    record = record_of(with_times(run, tmp_path / "resumed", times))
    assert first.wall_seconds is not None
    assert first.cpu_seconds is not None
    assert record.wall_seconds == pytest.approx(first.wall_seconds + longer, abs=1e-3)
    assert record.cpu_seconds == pytest.approx(first.cpu_seconds + 9.5, abs=1e-3)


@pytest.mark.parametrize("jump", [-7_200.0, 7_200.0])
def test_a_date_that_is_set_within_a_process_counts_no_time_twice(run: Path, tmp_path: Path, jump: float) -> None:
    times = times_of(run)
    last = times[-1]
    times.append({**last, "unix_time": last["unix_time"] + jump, "total": last["total"] + 1.0})
    record = record_of(with_times(run, tmp_path / "set", times))
    assert record.wall_seconds == pytest.approx(last["total"] + 1.0, abs=1e-3)


def test_a_process_counts_though_the_date_was_set_back_before_it(run: Path, tmp_path: Path) -> None:
    times = times_of(run)
    last = times[-1]
    again = {**last, "process": last["process"] + 1, "unix_time": last["unix_time"] - 7_200, "total": last["total"] + 5}
    record = record_of(with_times(run, tmp_path / "resumed", [*times, again]))
    assert record.wall_seconds == pytest.approx(2 * last["total"] + 5, abs=1e-3)


def test_evaluating_again_changes_nothing(run: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in (run / "evaluations").iterdir()}
    evaluate_run(run)
    assert {path.name: path.stat().st_mtime_ns for path in (run / "evaluations").iterdir()} == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("not json", "cannot be read"),
        ('{"kind": "something"}', "no record of a run"),
        ('{"kind": "rmix-kit run record", "format": 99}', "format 99"),
        ('{"kind": "rmix-kit run record", "format": 1, "algo": "rmix"}', "lacks"),
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(RecordError, match=complaint):
        find_records([tmp_path / "a.json"])


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("steps", "many"),
        ("env", 5),
        ("cpu_seconds", "fast"),
        ("config", 3),
        ("origins", [None]),
        ("seconds_at", None),
        ("seconds_at", [1.0]),
        ("evaluations", [1]),
        ("evaluations", [{"return_mean": 1.0}]),
        ("evaluations", [{"env_steps": 0, "return_mean": "3"}]),
    ],
)
def test_a_record_with_a_value_of_another_type_is_refused_with_its_name(
    run: Path, tmp_path: Path, entry: str, value: object
) -> None:
    path = tmp_path / "a.json"
    write_record(path, record_of(run))
    path.write_text(json.dumps({**json.loads(path.read_text()), entry: value}))
    with pytest.raises(RecordError, match=rf"a\.json: {entry}"):
        read_record(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("timing.jsonl", "[1]"),
        ("timing.jsonl", '{"env_steps": 5}'),
        ("timing.jsonl", '{"env_steps": 5, "total": "long"}'),
        ("metrics.jsonl", "5"),
        ("metrics.jsonl", '{"env_steps": 5}'),
        ("metrics.jsonl", '{"kind": "evaluation"}'),
        ("metrics.jsonl", '{"kind": "evaluation", "env_steps": 5, "return_mean": "3"}'),
        ("origin.jsonl", "5"),
        ("config.yaml", "{algo: rmix, preset: rmix, env: 5, seed: 0, steps: 10}"),
        ("config.yaml", "{algo: rmix, preset: rmix, env: 'macn:4x7', seed: zero, steps: 10}"),
        ("config.yaml", "{algo: rmix, preset: rmix, env: 'macn:4x7', seed: 0, steps: 10, unknown: 1}"),
    ],
)
def test_a_run_with_a_damaged_file_is_refused_with_its_folder(
    run: Path, tmp_path: Path, name: str, content: str
) -> None:
    shutil.copytree(run, tmp_path / "copy")
    (tmp_path / "copy" / name).write_text(content + "\n")
    with pytest.raises(RecordError, match="copy"):
        record_of(tmp_path / "copy")


def test_numbers_that_a_run_does_not_know_are_left_out(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "seal.json").unlink()
    (copy / "timing.jsonl").write_text(
        '{"env_steps": 5, "total": 1.0, "unix_time": null, "peak_mebibytes": null}\n' * 2
    )
    with (copy / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "training", "env_steps": 5, "replay_mebibytes": null}\n')
    record = record_of(copy)
    assert (record.wall_seconds, record.peak_mebibytes) == (1.0, None)
    assert record.replay_mebibytes == record_of(run).replay_mebibytes


@pytest.mark.parametrize("content", ['{"checkpoint_step": STEP}', "{"])
def test_damaged_episodes_are_played_anew(run: Path, tmp_path: Path, content: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    best = record_of(run).best
    assert best is not None
    (copy / "evaluations" / "best.json").write_text(content.replace("STEP", str(best.checkpoint_step)))
    assert state_of(copy, evaluation=True) == "to resume"
    evaluate_run(copy)
    assert record_of(copy).best == best


def test_a_run_that_several_paths_lead_to_counts_once(run: Path) -> None:
    assert len(find_records([run, run.parent, run / "../" / run.name])) == 1


def test_links_are_met_once_and_dangling_ones_left_out(run: Path, tmp_path: Path) -> None:
    write_record(tmp_path / "b.json", record_of(run))
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    assert len(find_records([tmp_path])) == 1


def test_a_linked_run_is_found(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    assert [record.name for record in find_records([tmp_path])] == ["link"]


def test_a_path_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="neither a run's folder nor a record file"):
        find_records([tmp_path])
    with pytest.raises(RecordError, match="there is no"):
        find_records([tmp_path / "nowhere"])


def test_episodes_with_a_return_that_is_no_number_are_refused() -> None:
    values = {"checkpoint_step": 1, "seed": 0, "returns": [float("nan")], "success": [1], "fell": [0], "lengths": [3]}
    with pytest.raises(RecordError, match="file: a return or a risk level is not finite"):
        Episodes.from_json({**values, "risk_levels": [1.0]}, "file")


def test_episodes_with_columns_of_different_lengths_are_refused() -> None:
    values = {"checkpoint_step": 1, "seed": 0, "returns": [1.0], "success": [1, 1], "fell": [0], "lengths": [3]}
    with pytest.raises(RecordError, match="columns have 1, 2, 1, 1, 1 entries"):
        Episodes.from_json({**values, "risk_levels": [1.0]}, "file")
