"""The film as one HTML file: style, scripts and data inside, nothing fetched."""

from __future__ import annotations

import html
import importlib.resources
import json

from rmix_kit.films.film import Film
from rmix_kit.films.packing import packed
from rmix_kit.origin import kit_version

SCRIPTS = (
    "dom.js",
    "data.js",
    "scene_macn.js",
    "scene_battle.js",
    "scene_table.js",
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
