"""The real StarCraft II through smac or smacv2, each game in a supervised process of its own."""

from __future__ import annotations

from collections.abc import Mapping

from rmix_kit.envs.smac.sc2.settings import OPTIONS, read_settings
from rmix_kit.envs.smac.sc2.vector import SC2Vector
from rmix_kit.envs.text import Value

__all__ = ["OPTIONS", "SC2Vector", "make"]


def make(map_name: str, num_envs: int, options: Mapping[str, Value]) -> SC2Vector:
    """Make copies of a map of SMAC or SMACv2.

    Args:
        num_envs: Number of copies; at most the option ``games`` are made.
        options: By name; see `rmix_kit.envs.smac.sc2.settings.Settings`.

    Returns:
        The copies; their games start at the first reset.

    Raises:
        EnvironmentTextError: An option does not exist or is out of range.
        StarCraftError: The interpreter, the package or the map is not there.
    """
    return SC2Vector(read_settings(map_name, options), num_envs)
