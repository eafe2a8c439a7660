"""Makes `MACN-v0` known to gymnasium and, where it has a registry, to PettingZoo."""

from __future__ import annotations

import gymnasium
import pettingzoo

GYMNASIUM_ID = "MACN-v0"
PETTINGZOO_IDS = ("MACN-v0", "macn:MACN-v0")


def register() -> None:
    """Register all faces; a second call changes nothing.

    PettingZoo has `make` and `register` since 1.27; with an older one only its ids are missing, the factories
    `macn.parallel_env` and `macn.env` work as well. PettingZoo imports nothing by a prefix, as gymnasium does: after
    `import macn` it takes both spellings.
    """
    if GYMNASIUM_ID not in gymnasium.registry:
        gymnasium.register(
            id=GYMNASIUM_ID,
            entry_point="macn.gym_env:MACNGymEnv",
            vector_entry_point="macn.vector_env:MACNVectorEnv",
        )
    if not hasattr(pettingzoo, "register"):
        return
    for name in PETTINGZOO_IDS:
        if name not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", name, entry_point="macn.parallel_env:MACNParallelEnv")
        if name not in pettingzoo.aec_registry:
            pettingzoo.register("aec", name, entry_point="macn.aec_env:env")
