"""Painters of scenes for GIFs and films, one per kind of stage. Needs pillow."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from macn.layout import CliffLayout
from macn.rendering import draw_trajectory
from rmix_kit.films.film import Episode, Film

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

OWN, OTHER, HEALING = "#0072b2", "#d55e00", "#009e73"
FREE, BLOCKED, LOST, PAPER = "#ffffff", "#b9b6af", "#dddddd", "#ffffff"
MARGIN = 2.2  # cells around everything that happens
LEAST_RADIUS = 0.45  # cells


class Painter(Protocol):
    """Paints the scenes of one episode."""

    def picture(self, t: int) -> Image:
        """Paint the scene before step t, or the last one."""
        ...


class CliffPainter:
    """MACN: the map and the ways so far."""

    def __init__(self, film: Film, episode: Episode, size: tuple[int, int]) -> None:
        """Prepare an episode.

        Args:
            episode: Which.
            size: Largest width and height in pixels.
        """
        self._layout = CliffLayout.parse("\n".join(film.stage["rows"]))
        self._paths = np.asarray([scene["cells"] for scene in episode.scenes]).T.tolist()  # [agent][time]
        self._cell = max(8, min(size[0] // self._layout.width, size[1] // self._layout.height))

    def picture(self, t: int) -> Image:
        """Paint the ways up to step t."""
        from PIL import Image

        paths = [path[: t + 1] for path in self._paths]
        return Image.fromarray(draw_trajectory(self._layout, paths, cell_size=self._cell))


class BattlePainter:
    """A battle of the built-in simulator from above."""

    def __init__(self, film: Film, episode: Episode, size: tuple[int, int]) -> None:
        """Prepare an episode; the picture holds everything that happens in it."""
        self._stage, self._scenes = film.stage, episode.scenes
        x = np.asarray([scene["x"] for scene in episode.scenes])
        y = self._stage["size"] - np.asarray([scene["y"] for scene in episode.scenes])
        self._left, self._top = float(x.min() - MARGIN), float(y.min() - MARGIN)
        width, height = float(x.max() + MARGIN - self._left), float(y.max() + MARGIN - self._top)
        self._scale = min(size[0] / width, size[1] / height)
        self._size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._ground = self._painted_ground()

    def picture(self, t: int) -> Image:
        """Paint the units, and the shots of the step before."""
        from PIL import ImageDraw

        picture = self._ground.copy()
        draw, scene = ImageDraw.Draw(picture), self._scenes[t]
        units = range(len(self._stage["units"]))
        for unit in sorted(units, key=lambda unit: scene["health"][unit] > 0):
            self._unit(draw, scene, unit)
        for pairs, colour_of in ((scene["heals"], lambda _: HEALING), (scene["shots"], self._colour)):
            for source, target in pairs:
                draw.line((*self._at(scene, source), *self._at(scene, target)), colour_of(source), width=2)
        return picture

    def _painted_ground(self) -> Image:
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", self._size, FREE)
        draw = ImageDraw.Draw(picture)
        rows: Sequence[str] = self._stage["ground"]
        part = self._stage["size"] / len(rows)
        for row, line in enumerate(rows):
            for column, mark in enumerate(line):
                if mark == "#":
                    corner = self._pixel(column * part, row * part)
                    draw.rectangle((corner, self._pixel((column + 1) * part, (row + 1) * part)), BLOCKED)
        draw.rectangle((0, 0, self._size[0] - 1, self._size[1] - 1), outline=LOST)
        return picture

    def _unit(self, draw: ImageDraw, scene: Mapping[str, Any], unit: int) -> None:
        facts = self._stage["units"][unit]
        x, y = self._at(scene, unit)
        r = max(facts["radius"], LEAST_RADIUS) * self._scale
        if scene["health"][unit] <= 0:
            for rise in (-1, 1):
                draw.line((x - r / 2, y - rise * r / 2, x + r / 2, y + rise * r / 2), LOST, width=3)
            return
        if unit < self._stage["n_agents"]:
            draw.ellipse((x - r, y - r, x + r, y + r), self._colour(unit), outline=PAPER)
            draw.text((x, y), str(unit), PAPER, font=self._font(r), anchor="mm")
        else:
            draw.polygon(
                [(x, y - 1.2 * r), (x + 1.2 * r, y), (x, y + 1.2 * r), (x - 1.2 * r, y)],
                self._colour(unit),
                outline=PAPER,
            )
        share = scene["health"][unit] / facts["health"]
        draw.rectangle((x - r, y - r - 7, x + r, y - r - 4), LOST)
        draw.rectangle((x - r, y - r - 7, x - r + 2 * r * share, y - r - 4), HEALING)

    def _font(self, radius: float) -> FreeTypeFont | ImageFont:
        from PIL.ImageFont import load_default

        return load_default(max(8.0, 1.3 * radius))

    def _colour(self, unit: int) -> str:
        return OWN if unit < self._stage["n_agents"] else OTHER

    def _at(self, scene: Mapping[str, Any], unit: int) -> tuple[float, float]:
        return self._pixel(scene["x"][unit], self._stage["size"] - scene["y"][unit])

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        return (x - self._left) * self._scale, (y - self._top) * self._scale


class ObservationPainter:
    """Any other environment: observations as shades of grey, one row per agent."""

    def __init__(self, film: Film, episode: Episode, size: tuple[int, int]) -> None:
        """Prepare an episode; shades go from the lowest to the highest number in it."""
        self._observed = np.asarray([scene["obs"] for scene in episode.scenes])  # [time, agent, element]
        self._low, self._high = self._observed.min(), self._observed.max()
        self._cell = max(1, min(size[0] // self._observed.shape[2], size[1] // self._observed.shape[1], 48))

    def picture(self, t: int) -> Image:
        """Paint what the agents observe before step t."""
        from PIL import Image

        shade = (self._observed[t] - self._low) / ((self._high - self._low) or 1.0)  # [agent, element]
        grey = np.rint(235 * (1 - shade)).astype(np.uint8)
        grey = grey.repeat(self._cell, axis=0).repeat(self._cell, axis=1)
        return Image.fromarray(np.stack([grey] * 3, axis=-1))


class FramePainter:
    """Any environment that draws itself: its own pictures."""

    def __init__(self, film: Film, episode: Episode, size: tuple[int, int]) -> None:
        """Prepare an episode.

        Args:
            episode: Which.
            size: Largest width and height in pixels.
        """
        self._scenes, self._size = episode.scenes, size

    def picture(self, t: int) -> Image:
        """Paint what the environment drew before step t."""
        from PIL.Image import open as open_picture

        with open_picture(io.BytesIO(base64.b64decode(self._scenes[t]["frame"]))) as drawn:
            scale = min(self._size[0] / drawn.width, self._size[1] / drawn.height)
            fitted: Image = drawn.resize((max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))))
        return fitted


PAINTERS: Mapping[str, Callable[[Film, Episode, tuple[int, int]], Painter]] = MappingProxyType(
    {"macn": CliffPainter, "battle": BattlePainter, "table": ObservationPainter, "frames": FramePainter}
)
"""By the kind of stage."""
