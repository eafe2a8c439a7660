"""Multi-Agent Cliff Navigation (MACN): agents walk along a cliff, together, and may slip."""

from __future__ import annotations

from macn.errors import LayoutError, MACNError
from macn.layout import NAMED_LAYOUTS, CliffLayout
from macn.vector_env import MACNVectorEnv

__all__ = ["NAMED_LAYOUTS", "CliffLayout", "LayoutError", "MACNError", "MACNVectorEnv", "vector_env"]

vector_env = MACNVectorEnv
