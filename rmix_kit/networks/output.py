"""What agent networks give back, whatever their last layer is."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from rmix_kit.networks.carry import Carry


class StepOutput(NamedTuple):
    """One acting step.

    Attributes:
        action_values: What the agent maximises ``[row, action]``.
        risk_level: The level used ``[row]``; ones for agents without one.
        carry: Next carry, all entries but ``last_action``.
    """

    action_values: Tensor
    risk_level: Tensor
    carry: Carry
