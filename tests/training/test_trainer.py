from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rmix_kit.algorithms.coma import COMA
from rmix_kit.errors import DeviceError, Interrupted, NonFiniteError, RunFolderError
from rmix_kit.training.checkpoint import verify_checkpoint
from rmix_kit.training.learner import Learner
from rmix_kit.training.loading import load
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.signals import StopSignals
from rmix_kit.training.trainer import train
from rmix_kit.types import EpisodeBatch
from tests.algorithms.cases import small
from tests.architecture.sources import ROOT
from tests.training.runs import At, Notes, content, send, tiny

EVALUATION_KEYS = [
    *("return_mean", "return_std", "success_rate", "fall_rate", "episode_length_mean", "cvar_0.1", "cvar_0.25"),
    *("risk_level_mean", "episodes", "checkpoint_step", "seed"),
]


def rows(folder: Path, kind: str) -> list[dict[str, float]]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in found if row["kind"] == kind]


def times(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "timing.jsonl").read_text().splitlines()]


def test_evaluations_lie_at_the_first_round_after_each_multiple_and_at_the_end(finished: Path) -> None:
    steps = [int(row["env_steps"]) for row in rows(finished, "evaluation")]
    assert steps[0] == 0
    assert [step // 700 for step in steps[1:-1]] == [1, 2, 3, 4][: len(steps) - 2]
    assert steps[-1] >= 3000
    assert steps[-1] - 3000 < (4 + 1) * 20  # in the copies, and one that was waited for


def test_training_rows_hold_no_clock(finished: Path) -> None:
    names = {name for row in rows(finished, "training") for name in row}
    expected = {"episodes", "updates", "epsilon", "learning_rate_factor", "return_mean", "loss_td", "loss_quantile"}
    assert expected <= names
    assert not [name for name in names if "time" in name or "seconds" in name or "per_second" in name]
    assert {row["env_steps"] for row in rows(finished, "training")} <= {row["env_steps"] for row in times(finished)}


def test_updates_follow_the_episodes(finished: Path) -> None:
    row = rows(finished, "training")[-1]
    assert row["updates"] == int(row["episodes"] * 0.3 + 1e-9)


def test_replay_size_is_said_before_training(tmp_path: Path) -> None:
    class Early(Notes):
        def start(self, total_steps: int, env_steps: int) -> None:
            assert "replay: up to 60 episodes of at most 20 steps, at most 78.8 KiB (steps as received)" in self.text

    train(tiny(steps=100), tmp_path / "run", reporter=Early())


def test_existing_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(RunFolderError):
            train(tiny(), folder, resume=resume, reporter=Notes())
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_folder_in_use_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    context = multiprocessing.get_context("spawn")
    with folder.lock():
        queue = context.Queue()
        process = context.Process(target=_try_lock, args=(tmp_path / "run", queue))
        process.start()
        answer = queue.get(timeout=60)
        process.join()
    assert "in use by another process" in answer
    with folder.lock():
        pass


def _try_lock(path: Path, queue: multiprocessing.Queue[str]) -> None:
    try:
        with RunFolder(path).lock():
            queue.put("locked")
    except RunFolderError as error:
        queue.put(str(error))


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError):
        train(tiny(), tmp_path / "file" / "run", reporter=Notes())


def test_cuda_without_cuda_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="--device cpu"):
        train(replace(tiny(), device="cuda"), tmp_path / "run", reporter=Notes())
    assert not (tmp_path / "run").exists()


def test_number_of_threads_is_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(tiny(steps=50), tmp_path / "run", reporter=Notes())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_nan_stops_before_the_step_and_leaves_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rmix_kit.algorithms.rmix import RMIX
    from rmix_kit.training import learner as learner_module

    seen: list[learner_module.Learner] = []
    original_losses, original_guard = RMIX.losses, learner_module.Learner.guard
    weights: list[torch.Tensor] = []

    def losses(self, online, target, batch, progress):  # type: ignore[no-untyped-def]
        found = original_losses(self, online, target, batch, progress)
        bad = {name: loss * float("nan") for name, loss in found.groups.items()}
        return found._replace(groups=bad) if progress.env_steps > 1500 else found

    def guard(self, losses, norms):  # type: ignore[no-untyped-def]
        seen[:] = [self]
        weights[:] = [parameter.detach().clone() for parameter in self.online.parameters()]
        original_guard(self, losses, norms)

    monkeypatch.setattr(RMIX, "losses", losses)
    monkeypatch.setattr(learner_module.Learner, "guard", guard)
    with pytest.raises(
        NonFiniteError, match=r"update \d+ at environment step \d+: loss \w+ is nan.*checkpoint of step"
    ):
        train(tiny(), tmp_path / "run", reporter=Notes())
    assert all(torch.equal(a, b) for a, b in zip(weights, seen[0].online.parameters(), strict=True))
    folder = RunFolder(tmp_path / "run")
    assert verify_checkpoint(folder.checkpoint(folder.steps()[-1])).step <= 1600


def test_first_signal_finishes_the_round_and_saves_it(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="go on with --resume") as caught:
        train(tiny(), tmp_path / "run", reporter=At(300, send(signal.SIGTERM)))
    assert caught.value.signal == signal.SIGTERM
    (step,) = RunFolder(tmp_path / "run").steps()
    assert 300 <= step < 300 + 8 * 4 * 20  # at most a round further: episodes, copies, limit
    assert load(tmp_path / "run").checkpoint_step == step


def test_second_signal_stops_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        send(signal.SIGINT)()
        send(signal.SIGTERM)()

    with pytest.raises(Interrupted, match="stopped at once"):
        train(tiny(), tmp_path / "run", reporter=At(300, twice))
    assert RunFolder(tmp_path / "run").steps() == []


def test_handlers_of_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


ENDLESS = """
import sys
import time
from pathlib import Path
from rmix_kit.errors import Interrupted
from rmix_kit.training.trainer import train
from tests.training.runs import At, tiny

def ready():
    print("ready", flush=True)

try:
    train(tiny(steps=10**9), Path(sys.argv[1]), reporter=At(1, ready))
except Interrupted as stop:
    sys.exit(128 + stop.signal)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signalled_process_saves_and_ends(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", ENDLESS, str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
    folder = RunFolder(tmp_path / "run")
    assert verify_checkpoint(folder.checkpoint(folder.steps()[-1])).step > 0


def test_training_with_the_folder_s_own_configuration_repeats_the_run(finished: Path, tmp_path: Path) -> None:
    train(RunFolder(finished).read_config(), tmp_path / "again", reporter=Notes())
    assert content(tmp_path / "again") == content(finished)


def test_an_on_policy_update_knows_the_exploration_that_its_round_was_played_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[EpisodeBatch] = []
    update = Learner.update

    def recorded(learner: Learner, batch: EpisodeBatch, *rest: Any, **named: Any) -> dict[str, torch.Tensor]:
        batches.append(batch)
        return update(learner, batch, *rest, **named)

    monkeypatch.setattr(Learner, "update", recorded)
    train(tiny(algorithm=small(COMA), steps=200), tmp_path / "run", reporter=Notes())
    steps = 0
    for batch in batches:  # one per round
        assert len(batch.is_newest) == 4
        assert batch.is_newest.all()
        assert batch.epsilon.item() == pytest.approx(1.0 - 0.95 * steps / 1500)  # linear from 1 to 0.05
        steps += int(batch.mask.sum())
    assert steps >= 200


def test_every_process_notes_its_origin(finished: Path) -> None:
    (row,) = (json.loads(line) for line in (finished / "origin.jsonl").read_text().splitlines())
    assert row["env_steps"] == 0
    assert row["device"] == "cpu"
    assert row["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert {"rmix_kit", "commit", "is_modified", "python", "numpy", "platform", "threads"} <= row.keys()


def test_timing_counts_processor_time_and_memory(finished: Path) -> None:
    assert all(row["cpu"] >= 0 and row["peak_mebibytes"] > 10 for row in times(finished))


def test_the_time_of_a_run_is_its_own_whatever_the_process_did_before(tmp_path: Path) -> None:
    before = time.process_time()
    train(tiny(steps=300), tmp_path / "run", reporter=Notes())
    spent = time.process_time() - before
    assert 0 < times(tmp_path / "run")[-1]["cpu"] <= spent


def test_time_is_recorded_up_to_every_checkpoint(finished: Path) -> None:
    assert set(RunFolder(finished).steps()) <= {row["env_steps"] for row in times(finished)}
    assert times(finished)[-1]["saving"] > times(finished)[-2]["saving"]
