"""Multi-Agent Cliff Navigation (MACN): agents walk along a cliff, together, and may slip.

Importing this package registers `MACN-v0` with gymnasium and PettingZoo, and does nothing else.
"""

from __future__ import annotations

from macn import oracle
from macn.aec_env import env
from macn.errors import LayoutError, MACNError
from macn.layout import NAMED_LAYOUTS, CliffLayout
from macn.parallel_env import MACNParallelEnv
from macn.registration import register
from macn.vector_env import MACNVectorEnv

__all__ = [
    "NAMED_LAYOUTS",
    "CliffLayout",
    "LayoutError",
    "MACNError",
    "MACNParallelEnv",
    "MACNVectorEnv",
    "env",
    "oracle",
    "parallel_env",
    "vector_env",
]

parallel_env = MACNParallelEnv
vector_env = MACNVectorEnv

register()
