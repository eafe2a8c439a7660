from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import macn
from macn.errors import NotResetError, ParameterError
from macn.layout import CliffLayout
from macn.rendering import CELL_SIZE, _draw_stroke, draw_picture, draw_trajectory

GRID = CliffLayout.parse("4x7")


def test_text_shows_the_map_and_the_agents() -> None:
    env = macn.parallel_env("4x7", render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == ".......\n.......\n.......\n*CCCCCG\n"
    env.step({"agent_0": 0, "agent_1": 2})
    assert env.render() == ".......\n.......\n0......\n1CCCCCG\n"


def test_a_picture_has_a_dark_cliff_and_coloured_agents() -> None:
    picture = draw_picture(GRID, [0, 14])
    assert (picture.shape, picture.dtype) == ((4 * CELL_SIZE, 7 * CELL_SIZE, 3), np.uint8)
    half = CELL_SIZE // 2
    assert picture[3 * CELL_SIZE + half, CELL_SIZE + half].max() < 80
    first, second = picture[half, half], picture[2 * CELL_SIZE + half, half]
    assert first.tolist() != second.tolist()
    assert picture[half, CELL_SIZE + half].min() > 230


def test_a_trajectory_colours_the_cells_it_passes() -> None:
    plain = draw_trajectory(GRID, [[21]])
    drawn = draw_trajectory(GRID, [[21, 14, 15, 16]])
    middle = slice(2 * CELL_SIZE, 3 * CELL_SIZE)
    assert (drawn[middle, : 3 * CELL_SIZE] != plain[middle, : 3 * CELL_SIZE]).any()
    np.testing.assert_array_equal(drawn[middle, 4 * CELL_SIZE :], plain[middle, 4 * CELL_SIZE :])


@pytest.mark.parametrize("paths", [[[]], [[0, 28]], [[-1]]])
def test_a_path_outside_the_grid_is_refused(paths: list[list[int]]) -> None:
    with pytest.raises(ParameterError, match="leaves the grid"):
        draw_trajectory(GRID, paths)


def test_human_prints_frames_where_there_is_no_display(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    env = macn.parallel_env("4x7", render_mode="human")
    env.reset(seed=0)
    env.step({"agent_0": 0, "agent_1": 0})
    assert env.render() is None
    assert capsys.readouterr().out == ".......\n.......\n.......\n*CCCCCG\n\n.......\n.......\n*......\nSCCCCCG\n\n"


def test_human_opens_a_window_where_there_is_a_display() -> None:
    # In a process of its own: pygame warns at import about packages of its own, which is not this test's subject.
    program = (
        "import macn, pygame\n"
        "env = macn.parallel_env('4x7', render_mode='human'); env.reset(seed=0)\n"
        "env.step({'agent_0': 0, 'agent_1': 0})\n"
        "assert pygame.display.get_surface().get_size() == (7 * 48, 4 * 48)\n"
        "env.close(); assert not pygame.display.get_init()\n"
    )
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)


def test_gymnasium_records_a_video(tmp_path: Path) -> None:
    env = gymnasium.wrappers.RecordVideo(
        gymnasium.make("macn:MACN-v0", layout="4x7", render_mode="rgb_array"),
        str(tmp_path / "videos"),
        disable_logger=True,
    )
    env.reset(seed=0)
    for move in (0, 3, 3, 3, 3, 3, 3, 1):
        env.step(np.asarray([move, move]))
    env.close()
    assert [path.stat().st_size > 0 for path in tmp_path.glob("videos/*.mp4")] == [True]


@pytest.mark.parametrize("make", [macn.parallel_env, lambda **arguments: macn.env(**arguments).unwrapped])
def test_rendering_errors_say_what_to_do(make: Any) -> None:
    with pytest.raises(ParameterError, match="render_mode is 'movie'"):
        make(render_mode="movie")
    with pytest.raises(ParameterError, match="make the environment with one of"):
        make().render()
    with pytest.raises(NotResetError, match="call reset"):
        make(render_mode="ansi").render()


def test_drawing_needs_no_window_library() -> None:
    program = (
        "import sys, macn\n"
        "env = macn.parallel_env(render_mode='rgb_array'); env.reset(seed=0); env.render()\n"
        "loaded = {'pygame', 'torch', 'matplotlib', 'PIL', 'moviepy'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)


def test_a_stroke_is_twice_its_radius_wide_and_ends_round() -> None:
    picture = np.zeros((40, 60, 3), dtype=np.uint8)
    _draw_stroke(picture, (20.0, 15.0), (20.0, 45.0), radius=5.0, colour=(200, 100, 50))
    drawn = picture.any(-1)
    assert drawn[:, 30].sum() == 10  # rows 15.5 to 24.5 lie within 5 of the line, 14.5 and 25.5 do not
    assert (picture[20, 30] == (200, 100, 50)).all()
    assert drawn[20, 10:50].all()
    assert not drawn[20, :10].any()
    assert not drawn[15, 10]  # a corner of the square around the round end


def test_letters_grow_with_their_cells() -> None:
    dots = {}
    for size in (24, 48):
        picture = draw_trajectory(GRID, [[0]], cell_size=size)
        goal = picture[3 * size + 1 : 4 * size - 1, 6 * size + 1 : 7 * size - 1]
        colours, counts = np.unique(goal.reshape(-1, 3), axis=0, return_counts=True)
        assert len(colours) == 2  # the ground and the letter
        dots[size] = int(counts.min())
    assert dots[48] == 4 * dots[24]
