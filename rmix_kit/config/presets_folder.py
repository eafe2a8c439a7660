"""The presets that come with the package."""

from __future__ import annotations

from importlib.resources import files

from rmix_kit.config.document import Document, read_document
from rmix_kit.errors import ConfigError
from rmix_kit.spelling import suggestion

KEYS = ("algo", "algorithm", "training", "maps")


def preset_names() -> list[str]:
    """Give the names of all presets, in alphabetical order."""
    folder = files("rmix_kit.config") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_preset(name: str) -> Document:
    """Read a preset.

    Args:
        name: A name of `preset_names`.

    Returns:
        Its keys: ``algo``, ``algorithm``, ``training``, and ``maps`` with the same two for single maps, or for all of a
        kind (``smac:*``).

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}{suggestion(name, preset_names())}; there are {_listed()}")
    file = files("rmix_kit.config") / "presets" / f"{name}.yaml"
    return read_document(file.read_text(encoding="utf-8"), f"presets/{name}.yaml")


def _listed() -> str:
    return ", ".join(preset_names())
