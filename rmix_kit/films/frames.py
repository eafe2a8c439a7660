"""Single pictures of a film: the scene beside the return and the risk levels so far. Needs pillow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from macn.rendering import agent_colour
from rmix_kit.films.film import Episode, Film
from rmix_kit.films.stages import PAINTERS, Painter
from rmix_kit.plotting.style import COLOURS

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH, HEIGHT = 960, 540
SCENE = (12, 44, 588, 528)
RETURN_BOX = (650, 84, 944, 254)
LEVEL_BOX = (650, 334, 944, 504)
BACKGROUND, INK, QUIET, LINE = "#ffffff", "#1d1d1f", "#6a6a70", "#d5d5d0"
APART = 2.0  # pixels between the curves of neighbouring agents, which often have the same level


def frames_of(film: Film) -> Iterator[Image]:
    """Draw every scene of every episode, in order.

    Yields:
        Pictures of `WIDTH` by `HEIGHT` pixels.

    Raises:
        ModuleNotFoundError: pillow is not installed.
    """
    for number, episode in enumerate(film.episodes):
        painter = PAINTERS[film.stage["kind"]](film, episode, _size(SCENE))
        for t in range(episode.length + 1):
            yield _frame(film, painter, number, t)


def _frame(film: Film, painter: Painter, number: int, t: int) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    episode = film.episodes[number]
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    scene = painter.picture(t)
    picture.paste(scene, (SCENE[0], SCENE[1] + (_size(SCENE)[1] - scene.height) // 2))
    draw = ImageDraw.Draw(picture)
    plain, bold = ImageFont.load_default(15), ImageFont.load_default(18)
    draw.text((12, 10), _fitted(f"{film.algorithm} on {film.env}", bold), INK, font=bold)
    so_far = np.concatenate([[0.0], np.cumsum(episode.rewards, dtype=np.float64)])  # [step + 1]
    outcome = {None: "", True: ", solved", False: ", not solved"}[episode.success]
    end = outcome if t == episode.length else ""
    facts = f"episode {number + 1} of {len(film.episodes)}, step {t} of {episode.length}{end}"
    draw.text((RETURN_BOX[0] - 40, 36), facts, QUIET, font=plain)
    draw.text((RETURN_BOX[0] - 40, 54), f"return so far: {so_far[t]:.2f}", INK, font=bold)
    low, high = min(0.0, so_far.min()), max(0.0, so_far.max())
    _axes(draw, RETURN_BOX, low, high if high > low else low + 1)
    _curve(draw, RETURN_BOX, so_far[: t + 1] - low, (high - low) or 1.0, episode.length, INK)
    if film.is_risk_aware:
        asked = episode.risk_levels.min()
        alike = f"risk level {asked:g}" if asked == episode.risk_levels.max() else "risk level per agent"
        draw.text((RETURN_BOX[0] - 40, 278), f"{alike} (0: out of the game)", INK, font=plain)
        _axes(draw, LEVEL_BOX, 0.0, 1.0)
        levels = _held(episode, t)
        n_agents = levels.shape[1]
        for agent in range(n_agents):
            colour, aside = _colour(film, agent), APART * (agent - (n_agents - 1) / 2)
            box = (LEVEL_BOX[0], LEVEL_BOX[1] + aside, LEVEL_BOX[2], LEVEL_BOX[3] + aside)
            _curve(draw, box, levels[:, agent], 1.0, episode.length, colour)
            draw.text((RETURN_BOX[0] - 40 + 26 * agent, 300), str(agent), colour, font=bold)
    if film.remark:
        draw.text((RETURN_BOX[0] - 40, HEIGHT - 22), film.remark.split(":")[0], QUIET, font=plain)
    return picture


def _fitted(text: str, font: FreeTypeFont | ImageFont) -> str:
    """Shorten a text that is wider than the picture."""
    width = WIDTH - 2 * SCENE[0]
    if font.getlength(text) <= width:
        return text
    kept = next(end for end in range(len(text) - 1, 0, -1) if font.getlength(f"{text[:end]}...") <= width)
    return f"{text[:kept]}..."


def _colour(film: Film, agent: int) -> str:
    """Return an agent's colour: on a map that of its way."""
    if film.stage["kind"] == "macn":
        return "#{:02x}{:02x}{:02x}".format(*agent_colour(agent))
    return COLOURS[agent % len(COLOURS)]


def _held(episode: Episode, t: int) -> NDArray[np.float64]:
    """Return the levels up to a moment; the last one holds at the end of the episode, ``[t + 1, agent]``."""
    levels = episode.shown_levels.astype(np.float64)
    return np.concatenate([levels, levels[-1:]])[: t + 1]


def _size(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def _axes(draw: ImageDraw, box: Sequence[int], low: float, high: float) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(13)
    for value, y in ((low, box[3]), (high, box[1])):
        draw.line((box[0], y, box[2], y), LINE)
        draw.text((box[0] - 6, y), f"{value:.3g}", QUIET, font=font, anchor="rm")


def _curve(
    draw: ImageDraw, box: Sequence[float], heights: NDArray[np.float64], highest: float, steps: int, colour: str
) -> None:
    """Draw a curve whose heights begin at 0, and a dot at its end."""
    width, height = box[2] - box[0], box[3] - box[1]
    x = box[0] + width * np.arange(len(heights)) / max(1, steps)
    y = box[3] - height * heights / highest
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    if len(points) > 1:
        draw.line(points, colour, width=2)
    a, b = points[-1]
    draw.ellipse((a - 3, b - 3, a + 3, b + 3), colour)
