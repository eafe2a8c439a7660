"""The film as one HTML file: style, scripts and data inside, nothing fetched."""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmix_kit.episodes import can_fall
from rmix_kit.films.film import TAIL_LEVEL, Episode, Film
from rmix_kit.metrics import FALLS
from rmix_kit.origin import kit_version

PROBABILITY = "probability"  # the kind of values that no reward scales
SHADES = 2**16 - 1
"""Steps between the lowest and the highest quantile of an episode: far finer than a picture."""


def packed(film: Film, version: str) -> dict[str, Any]:
    """Return a film as what the page reads.

    Args:
        version: Of the distribution that wrote it.
    """
    return {
        "version": version,
        "source": film.source,
        "kind": film.kind,
        "env": film.env,
        "remark": film.remark,
        "algorithm": film.algorithm,
        "risk_level": film.risk_level,
        "agents": list(film.agent_ids),
        "actions": list(film.action_meanings),
        "value_kind": film.value_kind,
        "value_scale": None if film.value_kind == PROBABILITY else film.reward_scale,
        "is_risk_aware": film.is_risk_aware,
        "has_distributions": film.has_distributions,
        "edges": None if film.edges is None else film.edges.tolist(),
        "tail_level": TAIL_LEVEL,
        "risky_margin": film.risky_margin,
        "stage": dict(film.stage),
        "metrics": {
            name: value for name, value in film.metrics.items() if name != FALLS or can_fall(film.env, [value])
        },
        "episodes": [_episode(episode) for episode in film.episodes],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "seed": str(episode.seed),  # up to 2**63, more than a number of JavaScript holds
        "return": episode.team_return,
        "success": episode.success,
        "fell": episode.fell,
        "scenes": [dict(scene) for scene in episode.scenes],
        "rewards": _array(episode.rewards),
        "avail_actions": _array(episode.avail_actions.astype(np.uint8)),
        "actions": _array(episode.actions.astype(np.uint16)),
        "action_values": _array(episode.action_values),
        "levels": _array(episode.risk_levels),
        "is_out": _array(episode.is_out.astype(np.uint8)),
        "quantiles": None if episode.quantiles is None else _shaded(episode.quantiles),
        "tails": None if episode.tails is None else _array(episode.tails),
    }


def _array(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array bit for bit, least significant byte first."""
    ordered = values.astype(values.dtype.newbyteorder("<"), copy=False)
    text = base64.b64encode(ordered.tobytes()).decode("ascii")
    return {"dtype": str(values.dtype), "shape": list(values.shape), "data": text}


def _shaded(values: NDArray[np.float32]) -> dict[str, Any]:
    """Return an array in half the room, rounded to `SHADES` steps of its range."""
    low, high = float(values.min()), float(values.max())
    step = (high - low) / SHADES or 1.0
    return _array(np.rint((values - low) / step).astype(np.uint16)) | {"low": low, "step": step}


SCRIPTS = (
    "dom.js",
    "data.js",
    "scene_macn.js",
    "scene_battle.js",
    "scene_table.js",
    "scene_frames.js",
    "charts.js",
    "distribution.js",
    "cards.js",
    "player.js",
    "main.js",
)
"""In the order in which they are joined: what a script uses stands before it or is called later."""


def page_of(film: Film) -> str:
    """Return the whole page.

    Raises:
        ValueError: A number of it is NaN or infinite where JSON has no word for it.
    """
    parts = {
        "@TITLE@": html.escape(f"{film.algorithm} on {film.env}"),
        "@STYLE@": _part("style.css"),
        "@RECORDING@": embedded(packed(film, kit_version())),
        "@SCRIPT@": '"use strict";\n(() => {\n' + "\n".join(map(_part, SCRIPTS)) + "})();",
    }
    pieces = [_part("page.html")]
    for mark, text in parts.items():  # each mark is cut out once, so that data may hold the same word
        before, after = pieces.pop().split(mark)
        pieces += [before, text, after]
    return "".join(pieces)


def embedded(value: object) -> str:
    """Return JSON that can stand inside a script element whatever its strings hold.

    Raises:
        ValueError: It holds NaN or infinity.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # beyond ASCII everything is escaped
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(name: str) -> str:
    return (importlib.resources.files("rmix_kit.films") / "page" / name).read_text(encoding="utf-8")
