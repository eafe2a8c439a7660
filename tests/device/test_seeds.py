"""Seeds side by side: every folder has the files, rows and steps of the seed trained alone."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rmix_kit.device.loop import DeviceLoop
from rmix_kit.errors import ConfigError, Interrupted, NonFiniteError
from rmix_kit.training.progress_bar import Status
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.side_by_side import seed_folder, train_seeds
from rmix_kit.training.trainer import train
from tests.device.test_training import on_device
from tests.training.runs import At, Notes, content, send, tiny, with_training

SEEDS = (3, 0, 8)


def config() -> RunConfig:
    return on_device(tiny(steps=900))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    for seed in SEEDS[1:]:
        train(replace(config(), seed=seed), seed_folder(folder, seed), reporter=Notes())
    return folder


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside")
    runs = train_seeds(config(), SEEDS, folder, reporter=Notes())
    assert [run.config.seed for run in runs] == list(SEEDS)
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_each_seed_leaves_the_files_and_rows_that_it_leaves_alone(alone: Path, beside: Path) -> None:
    assert sorted(path.name for path in beside.iterdir()) == ["seed_0", "seed_3", "seed_8"]
    for seed in SEEDS[1:]:
        ours, theirs = seed_folder(beside, seed), seed_folder(alone, seed)
        assert (ours / "seal.json").exists()
        found, expected = content(ours), content(theirs)
        assert found.keys() == expected.keys()
        for name in found:  # here no rounding has changed an action: every episode is the same
            assert found[name] == expected[name] or name.startswith(("checkpoints", "metrics.jsonl")), name
        for row, other in zip(rows_of(ours), rows_of(theirs), strict=True):
            assert row.keys() == other.keys()
            for name, value in other.items():
                is_rounded = name.startswith(("loss", "gradient", "c_tot", "target"))  # by another order of sums
                assert row[name] == (pytest.approx(value, rel=1e-3, abs=1e-5) if is_rounded else value), name


class Told(Notes):
    """Keeps what was shown, too."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def start(self, total_steps: int, env_steps: int) -> None:
        self.shown.append(f"start {total_steps}")

    def show(self, status: Status) -> None:
        self.shown.append("show")

    def stop(self) -> None:
        self.shown.append("stop")


def test_every_seed_is_told_of_and_one_bar_is_drawn(tmp_path: Path) -> None:
    told = Told()
    train_seeds(on_device(tiny(steps=50), evaluation_interval=20), (3, 0), tmp_path, reporter=told)
    for seed in (3, 0):
        assert sum(line.startswith(f"seed {seed}: step ") for line in told.lines) == 3  # at 0, 28 and 56
    assert (told.shown[0], told.shown[-1]) == ("start 50", "stop")
    assert set(told.shown[1:-1]) == {"show"}


class Stopping(Notes):
    """Sends the process a signal as soon as a seed has begun for the second time to say something."""

    def note(self, text: str) -> None:
        super().note(text)
        if len(self.lines) == 6:  # two lines of each of three seeds
            send(signal.SIGTERM)()


def test_a_signal_saves_every_seed_and_all_go_on_exactly(beside: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train_seeds(config(), SEEDS, tmp_path, reporter=Stopping())
    for seed in SEEDS:
        assert list((seed_folder(tmp_path, seed) / "checkpoints").iterdir())
        assert not (seed_folder(tmp_path, seed) / "seal.json").exists()
    notes = Notes()
    train_seeds(config(), SEEDS, tmp_path, resume=True, reporter=notes)
    assert [f"seed {seed}: going on from step_28" in notes.text for seed in SEEDS] == [True] * 3
    for seed in SEEDS:
        assert content(seed_folder(tmp_path, seed)) == content(seed_folder(beside, seed))


def test_a_seed_that_ends_before_the_others_leaves_them_to_go_on(tmp_path: Path) -> None:
    short = replace(config(), steps=300)
    with pytest.raises(Interrupted):
        train(replace(short, seed=3), seed_folder(tmp_path, 3), reporter=At(150, send(signal.SIGTERM)))
    notes = Notes()
    train_seeds(short, SEEDS, tmp_path, resume=True, reporter=notes)
    assert "3 seeds play and learn as one" in notes.lines
    last = [rows_of(seed_folder(tmp_path, seed))[-1] for seed in SEEDS]
    assert [(row["kind"], row["env_steps"]) for row in last] == [("evaluation", 308)] * 3


class Poison:
    """Spoils the weights of one seed at a block's beginning."""

    def __init__(self, seed: int, env_steps: int) -> None:
        self._seed, self._env_steps, self._begin = seed, env_steps, DeviceLoop.begin_round

    def __call__(self, loop: DeviceLoop) -> None:
        if loop._config.seed == self._seed and loop._state.env_steps >= self._env_steps:
            loop._learner.online.agent.head.bias.data[0] = torch.nan
        self._begin(loop)


def test_where_one_seed_fails_the_others_end_at_their_last_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(0, 250)
    monkeypatch.setattr(DeviceLoop, "begin_round", lambda loop: poison(loop))
    settings = with_training(replace(config(), steps=300), checkpoint_interval=100)
    with pytest.raises(NonFiniteError, match="^seed 0: an update before .* is not finite; no weight was changed since"):
        train_seeds(settings, SEEDS, tmp_path, reporter=Notes())
    for seed in SEEDS:
        steps = [path.name for path in (seed_folder(tmp_path, seed) / "checkpoints").iterdir()]
        assert sorted(steps) == ["step_112", "step_224"]
    monkeypatch.undo()
    train_seeds(settings, SEEDS, tmp_path, resume=True, reporter=Notes())
    assert all((seed_folder(tmp_path, seed) / "seal.json").exists() for seed in SEEDS)


def test_finished_seeds_are_left_alone_and_new_ones_trained(alone: Path, tmp_path: Path) -> None:
    train_seeds(config(), (3,), tmp_path, reporter=Notes())
    notes = Notes()
    train_seeds(config(), (3, 8), tmp_path, resume=True, reporter=notes)
    assert "seed_3 is finished; nothing to do" in notes.text
    assert content(seed_folder(tmp_path, 8)) == content(seed_folder(alone, 8))


@pytest.mark.parametrize(
    ("given", "seeds", "expected"),
    [
        (with_training(tiny(), rollout="host"), (0, 1), "games are played on the device: give --set training.rollout"),
        (on_device(tiny()), (0, 1, 0), "the seeds are 0, 1, 0; give each seed once"),
    ],
)
def test_what_cannot_go_side_by_side_is_refused(
    given: RunConfig, seeds: tuple[int, ...], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=expected):
        train_seeds(given, seeds, tmp_path / "out", reporter=Notes())
    assert not (tmp_path / "out").exists()
