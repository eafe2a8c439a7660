from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.errors import CheckpointError, Interrupted
from rmix_kit.training.trainer import train
from tests.fixtures.compact_env import CompactEnv
from tests.training.runs import At, Notes, content, send, tiny, with_training

CONFIG = with_training(tiny(steps=900), checkpoint_interval=150)


def compact(text: str, num_envs: int) -> VectorEnv:
    """The environment with its codec, whatever the text."""
    return CompactEnv(num_envs)


def as_received(text: str, num_envs: int) -> VectorEnv:
    """The same environment without it."""
    return CompactEnv(num_envs, has_codec=False)


def trained(folder: Path, make_env: Callable[[str, int], VectorEnv]) -> Path:
    train(CONFIG, folder, make_env=make_env, reporter=Notes())
    return folder


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("compact") / "run", compact)


def test_a_run_learns_the_same_whichever_form_is_kept(whole: Path, tmp_path: Path) -> None:
    received = content(trained(tmp_path / "run", as_received))
    ours = content(whole)
    weights = [name for name in ours if name.endswith("line.safetensors")]
    assert weights
    assert [name for name in weights if ours[name] != received[name]] == []
    ours_rows, received_rows = rows(whole), rows(tmp_path / "run")
    assert [row | {"replay_mebibytes": 0} for row in ours_rows] == [
        row | {"replay_mebibytes": 0} for row in received_rows
    ]


def test_a_run_with_a_codec_resumes_exactly(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for index, env_steps in enumerate((1, 280, 320, 700)):
        with pytest.raises(Interrupted):
            train(
                CONFIG,
                folder,
                resume=index > 0,
                make_env=compact,
                reporter=At(env_steps, send(signal.SIGTERM)),
            )
    train(CONFIG, folder, resume=True, make_env=compact, reporter=Notes())
    assert content(folder) == content(whole)


def test_segments_hold_true_lengths_in_the_compact_form(whole: Path) -> None:
    for path in (whole / "replay").iterdir():
        arrays = load_file(path)
        assert {name for name in arrays if name.startswith("observed.")} == {
            "observed.last_action",
            "observed.position",
            "observed.health",
        }
        steps, episodes = int(arrays["length"].sum()), len(arrays["length"])
        assert (len(arrays["reward"]), len(arrays["observed.health"])) == (steps, steps + episodes)


def test_a_replay_in_another_form_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(CONFIG, folder, make_env=as_received, reporter=At(400, send(signal.SIGTERM)))
    with pytest.raises(CheckpointError, match="environment"):
        train(CONFIG, folder, resume=True, make_env=compact, reporter=Notes())


def test_the_size_is_said_before_the_first_step(tmp_path: Path) -> None:
    class Early(Notes):
        def start(self, total_steps: int, env_steps: int) -> None:
            # 60 episodes of 10 observations of 28 bytes
            assert "up to 60 episodes of at most 9 steps, at most 16.4 KiB (steps in the environment's" in self.text

    train(with_training(CONFIG, buffer_episodes=60), tmp_path / "run", make_env=compact, reporter=Early())


def test_training_rows_say_how_full_the_replay_is(whole: Path) -> None:
    filled = [row["replay_mebibytes"] for row in rows(whole) if row["kind"] == "training"]
    assert 0 < filled[0] < max(filled) <= 60 * 10 * 28 / 2**20


def test_the_fill_is_said_at_the_end(tmp_path: Path) -> None:
    notes = Notes()
    train(CONFIG, tmp_path / "run", make_env=compact, reporter=notes)
    assert notes.lines[-1].startswith("replay: 60 episodes fill ")
    assert notes.lines[-1].endswith(" of at most 16.4 KiB")
