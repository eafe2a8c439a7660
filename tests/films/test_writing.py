"""Files: each format, nothing half written, one line for what is missing."""

from __future__ import annotations

import errno
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from macn.rendering import agent_colour
from rmix_kit.errors import ConfigError, MissingExtraError, RunFolderError
from rmix_kit.films import frames, writing
from rmix_kit.films.film import Film
from rmix_kit.films.writing import LAST_SECONDS, check_target, write

ENDINGS = [".html", ".gif", ".mp4"]
STEPS = 2


@pytest.fixture
def short(cliff: Film) -> Film:
    """The first steps of one episode."""
    episode, steps = cliff.episodes[0], STEPS
    assert len(episode.actions) >= steps
    names = ("rewards", "avail_actions", "actions", "action_values", "risk_levels", "is_out", "quantiles", "tails")
    cut = {name: getattr(episode, name)[:steps] for name in names}
    return replace(cliff, episodes=(replace(episode, scenes=episode.scenes[: steps + 1], **cut),))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_written_alone(short: Film, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"film{ending}"
    assert write(short, target) == target.stat().st_size > 1000
    assert list(tmp_path.iterdir()) == [target]


def test_a_gif_holds_a_picture_per_scene_and_lingers_at_the_end(short: Film, tmp_path: Path) -> None:
    write(short, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as picture:
        assert picture.size == (frames.WIDTH, frames.HEIGHT)
        durations = []
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            durations.append(picture.info["duration"])
    assert durations == [*[250] * STEPS, 1000 * LAST_SECONDS]


def test_a_film_lasts_as_long_as_the_gif(short: Film, tmp_path: Path) -> None:
    import imageio_ffmpeg

    write(short, tmp_path / "film.mp4")
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "film.mp4"))
    assert count == STEPS + LAST_SECONDS * 4
    assert seconds == pytest.approx(STEPS / 4 + LAST_SECONDS, abs=0.01)


@pytest.mark.parametrize("name", ["cliff", "battle", "values"])
def test_every_kind_of_scene_is_painted_and_moves(name: str, request: pytest.FixtureRequest) -> None:
    film: Film = request.getfixturevalue(name)
    kept = replace(film, episodes=film.episodes[:1])
    drawn = list(frames.frames_of(kept))
    assert len(drawn) == kept.steps + 1
    assert drawn[0].tobytes() != drawn[1].tobytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failure_leaves_the_old_file(
    short: Film, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(writing, "page_of", fail)
    monkeypatch.setattr(frames, "_frame", fail)
    target = tmp_path / f"film{ending}"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        write(short, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("film.webm", "expected one of .html, .gif, .mp4"),
        ("film", "ends with ''"),
        ("nowhere/film.html", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_target(tmp_path / name)


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.html").mkdir()
    with pytest.raises(ConfigError, match="it is a folder"):
        check_target(tmp_path / "film.html")


@pytest.mark.parametrize(("module", "ending"), [("PIL", ".gif"), ("PIL", ".mp4"), ("imageio_ffmpeg", ".mp4")])
def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, module: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"rmix-kit\[render\]"):
        check_target(tmp_path / f"film{ending}")


def test_a_page_needs_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    check_target(tmp_path / "film.html")


def test_a_disk_without_room_is_one_line_that_names_the_file(
    short: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(writing, "write_file", full)
    with pytest.raises(RunFolderError, match=r"film\.html could not be written: no space is left on the disk"):
        write(short, tmp_path / "film.html")


def test_a_gif_that_would_fill_the_memory_is_refused(
    short: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LARGEST_MEBIBYTES", 1)
    with pytest.raises(ConfigError, match="play fewer episodes"):
        write(short, tmp_path / "film.gif")


@pytest.mark.parametrize("env", ["macn:4x7", "macn:" + 40 * "S..CCC...G"])
def test_a_long_name_does_not_run_into_the_facts_or_out_of_the_picture(env: str, cliff: Film) -> None:
    frame = np.asarray(next(frames.frames_of(replace(cliff, env=env))).convert("L"))
    title, between, margin = frame[8:34], frame[34:36], frame[:36, frames.WIDTH - 10 :]
    assert title.min() < 128
    assert between.min() == margin.min() == 255


def test_agents_have_the_colours_of_their_ways_on_the_map(cliff: Film) -> None:
    frame = next(frames.frames_of(cliff))
    colours = set(map(tuple, np.asarray(frame.crop((610, 300, frames.WIDTH, 322))).reshape(-1, 3).tolist()))
    assert {agent_colour(0), agent_colour(1)} <= colours
