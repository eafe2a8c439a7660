"""Text, pictures and windows of a run. Pictures are drawn with numpy alone."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from macn.errors import NotResetError, ParameterError
from macn.layout import CLIFF, GOAL, WALL, CliffLayout

if TYPE_CHECKING:
    from macn.walk import Walk

Picture: TypeAlias = npt.NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]

RENDER_MODES = ("ansi", "human", "rgb_array")
RENDER_FPS = 4
CELL_SIZE = 48  # pixels

_SAFE_COLOUR: Colour = (250, 249, 245)
_CLIFF_COLOUR: Colour = (58, 56, 62)
_WALL_COLOUR: Colour = (158, 154, 146)
_GOAL_COLOUR: Colour = (213, 235, 210)
_START_COLOUR: Colour = (221, 230, 244)
_LINE_COLOUR: Colour = (196, 193, 186)
_LETTER_COLOUR: Colour = (96, 94, 100)
_AGENT_COLOURS: tuple[Colour, ...] = ((204, 92, 44), (44, 108, 186), (62, 146, 84), (148, 82, 168), (196, 156, 40))

_LETTERS = {  # seven rows of five dots, the left dot is the highest bit
    "S": (0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110),
    "G": (0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01111),
}


def draw_text(layout: CliffLayout, cells: Sequence[int]) -> str:
    """Return the map as text; an agent is its digit, several in one cell are `*`.

    Args:
        cells: the agents' cells, [agent].
    """
    marks = list(layout.cells.translate(str.maketrans("0123456789", "SSSSSSSSSS")))
    for agent, cell in enumerate(cells):
        is_shared = list(cells).count(cell) > 1
        marks[cell] = "*" if is_shared else str(agent % 10)
    lines = ["".join(marks[row * layout.width : (row + 1) * layout.width]) for row in range(layout.height)]
    return "\n".join(lines) + "\n"


def draw_picture(layout: CliffLayout, cells: Sequence[int], *, cell_size: int = CELL_SIZE) -> Picture:
    """Return the map with the agents as coloured discs, uint8 [height, width, 3].

    Args:
        cells: the agents' cells, [agent].
        cell_size: side of a cell in pixels, at least 8.
    """
    picture = _draw_grid(layout, cell_size)
    for agent, cell in enumerate(cells):
        together = [other for other, other_cell in enumerate(cells) if other_cell == cell]
        shift = (together.index(agent) - (len(together) - 1) / 2) * 0.36 / max(1, len(together) - 1)
        row, column = divmod(cell, layout.width)
        centre = ((row + 0.5) * cell_size, (column + 0.5 + shift) * cell_size)
        radius = cell_size * (0.3 if len(together) == 1 else 0.22)
        _draw_stroke(picture, centre, centre, radius=radius + cell_size / 24, colour=_SAFE_COLOUR)
        _draw_stroke(picture, centre, centre, radius=radius, colour=agent_colour(agent))
    return picture


def draw_trajectory(layout: CliffLayout, paths: Sequence[Sequence[int]], *, cell_size: int = CELL_SIZE) -> Picture:
    """Return the map with the paths of a run, uint8 [height, width, 3]; a disc marks where each agent ended.

    Args:
        paths: for each agent the cells (`row * width + column`) in which it was, [agent][time].
        cell_size: side of a cell in pixels, at least 8.

    Raises:
        ParameterError: a path is empty or leaves the grid.
    """
    picture = _draw_grid(layout, cell_size)
    for agent, path in enumerate(paths):
        if len(path) == 0 or not all(0 <= cell < layout.n_cells for cell in path):
            raise ParameterError(
                f"path of agent {agent} is empty or leaves the grid; give cell numbers 0..{layout.n_cells - 1}"
            )
        shift = (agent - (len(paths) - 1) / 2) * 0.24 / max(1, (len(paths) - 1) / 2)
        points = [
            ((cell // layout.width + 0.5 + shift) * cell_size, (cell % layout.width + 0.5 + shift) * cell_size)
            for cell in path
        ]
        for start, end in zip(points[:-1], points[1:], strict=True):
            if start != end:
                _draw_stroke(picture, start, end, radius=cell_size / 18, colour=agent_colour(agent))
        _draw_stroke(picture, points[-1], points[-1], radius=cell_size / 7, colour=agent_colour(agent))
    return picture


def _draw_grid(layout: CliffLayout, cell_size: int) -> Picture:
    """Return the map without agents."""
    if cell_size < 8:
        raise ParameterError(f"cell_size is {cell_size}; it must be at least 8 pixels")
    colours = {CLIFF: _CLIFF_COLOUR, WALL: _WALL_COLOUR, GOAL: _GOAL_COLOUR, ".": _SAFE_COLOUR}
    by_cell = np.asarray([colours.get(mark, _START_COLOUR) for mark in layout.cells], dtype=np.uint8)
    grid = by_cell.reshape(layout.height, layout.width, 3)
    picture = grid.repeat(cell_size, axis=0).repeat(cell_size, axis=1)  # [height, width, 3]
    for edge in range(0, picture.shape[0], cell_size):
        picture[edge] = _LINE_COLOUR
    for edge in range(0, picture.shape[1], cell_size):
        picture[:, edge] = _LINE_COLOUR
    picture[-1] = picture[:, -1] = _LINE_COLOUR
    for cell, mark in enumerate(layout.cells):
        if mark not in (CLIFF, WALL, "."):
            row, column = divmod(cell, layout.width)
            _draw_letter(picture, "G" if mark == GOAL else "S", row * cell_size, column * cell_size, cell_size)
    return picture


def _draw_letter(picture: Picture, letter: str, top: int, left: int, cell_size: int) -> None:
    """Draw a letter of five by seven dots into a corner of a cell, where agents and paths leave it to be seen."""
    dot = max(1, cell_size // 24)
    bits = np.asarray([[row >> (4 - column) & 1 for column in range(5)] for row in _LETTERS[letter]], dtype=bool)
    dots = bits.repeat(dot, axis=0).repeat(dot, axis=1)
    top, left = top + cell_size // 12, left + cell_size // 12
    picture[top : top + dots.shape[0], left : left + dots.shape[1]][dots] = _LETTER_COLOUR


def _draw_stroke(
    picture: Picture, start: tuple[float, float], end: tuple[float, float], *, radius: float, colour: Colour
) -> None:
    """Draw a line with round ends, or a disc where both ends are one point, with smooth edges.

    Args:
        picture: uint8 [height, width, 3], drawn into.
        start: (row, column) in pixels.
        end: (row, column) in pixels.
        radius: half the width of the line in pixels.
        colour: red, green, blue.
    """
    margin = radius + 2
    top, left = (max(0, int(min(a, b) - margin)) for a, b in zip(start, end, strict=True))
    bottom, right = (int(max(a, b) + margin) + 1 for a, b in zip(start, end, strict=True))
    patch = picture[top:bottom, left:right]
    rows, columns = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]] + 0.5
    down, across = end[0] - start[0], end[1] - start[1]
    length = down * down + across * across
    along = ((rows - start[0]) * down + (columns - start[1]) * across) / length if length > 0 else np.zeros_like(rows)
    along = np.clip(along, 0.0, 1.0)
    distance = np.hypot(rows - start[0] - along * down, columns - start[1] - along * across)
    cover = np.clip(radius - distance + 0.5, 0.0, 1.0)[..., None]  # [height, width, 1]
    patch[:] = np.round(patch * (1.0 - cover) + np.asarray(colour) * cover).astype(np.uint8)


def agent_colour(agent: int) -> Colour:
    """Return the colour of the agent with this index."""
    return _AGENT_COLOURS[agent % len(_AGENT_COLOURS)]


class Screen:
    """Shows a run in one render mode; owns the window, if there is one."""

    def __init__(self, layout: CliffLayout, render_mode: str | None) -> None:
        """Check the mode; nothing is opened yet.

        Args:
            render_mode: `ansi`, `human`, `rgb_array` or None.

        Raises:
            ParameterError: there is no such mode.
        """
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ParameterError(f"render_mode is {render_mode!r}; it must be None or one of {', '.join(RENDER_MODES)}")
        self._layout = layout
        self._mode = render_mode
        self._pygame: Any = None
        self._window: Any = None
        self._clock: Any = None

    def render(self, walk: Walk) -> str | Picture | None:
        """Return the current frame: text, uint8 [height, width, 3], or None where it was shown already.

        Raises:
            NotResetError: there is nothing to show yet.
            ParameterError: the environment was made without a render mode.
        """
        if self._mode is None:
            raise ParameterError("render_mode is None; make the environment with one of " + ", ".join(RENDER_MODES))
        if not walk.cells:
            raise NotResetError("render was called before the first reset; call reset() first")
        if self._mode == "ansi":
            return draw_text(self._layout, walk.cells)
        if self._mode == "rgb_array":
            return draw_picture(self._layout, walk.cells)
        return None  # human frames are shown by reset and step

    def update(self, walk: Walk) -> None:
        """Show the frame where the mode is `human`; do nothing otherwise."""
        if self._mode != "human":
            return
        self._pygame = self._pygame or _window_library()
        if self._pygame is None:
            sys.stdout.write(draw_text(self._layout, walk.cells) + "\n")
            return
        pygame, picture = self._pygame, draw_picture(self._layout, walk.cells)
        if self._window is None:
            pygame.display.init()
            pygame.display.set_caption("Multi-Agent Cliff Navigation")
            self._window = pygame.display.set_mode((picture.shape[1], picture.shape[0]))
            self._clock = pygame.time.Clock()
        self._window.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(RENDER_FPS)

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._pygame.display.quit()
            self._window = None


def _window_library() -> Any:  # noqa: ANN401 - pygame is optional and has no type here
    """Return pygame where it is installed and there is a display, else None."""
    is_desktop = sys.platform in ("darwin", "win32")
    names = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if not is_desktop and not any(os.environ.get(name) for name in names):
        return None
    try:
        return importlib.import_module("pygame")
    except ImportError:
        return None
