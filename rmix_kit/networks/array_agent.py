"""What acts in an agent network's place on a CPU: the same step, of a whole team, on NumPy arrays.

A step of a team has few rows and many operations, and torch spends most of it on each operation's way to its kernel.
NumPy's element-wise operations are there sooner. Matrix products stay torch's: they obey its number of threads, and
from four rows on the bits of a row do not depend on how many others there are, which with NumPy's they do.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from rmix_kit.networks.carry import Carry
from rmix_kit.types import BoolArray, FloatArray


class ArrayStep(NamedTuple):
    """One acting step of a team; a row is one agent of one environment, ordered ``[env * agent]``.

    Attributes:
        action_values: What the agents maximise, float32 ``[row, action]``; anything where an action is not allowed.
        risk_level: The level used, float32 ``[row]``; ones for agents without one.
        carry: Next carry, all entries but ``last_action``.
    """

    action_values: FloatArray
    risk_level: FloatArray
    carry: Carry


class ArrayAgent(Protocol):
    """An agent network's step at the weights that it had when this was made.

    It looks at the network's own memory and at constants computed from it: once weights or input statistics have
    changed, a new one has to be made.
    """

    def step(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry) -> ArrayStep:
        """Act for one step.

        Args:
            obs: ``[env, agent, *obs_shape]``.
            avail_actions: bool ``[env, agent, action]``; values of the other actions need not be computed.
            risk_level: float32 ``[env]``; 0 means the agent's own choice.
            carry: By name ``[row, size]``, on the CPU.

        Returns:
            What `AgentNetwork.step` gives for the same rows, up to rounding.
        """
        ...
