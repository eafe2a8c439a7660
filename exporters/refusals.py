"""Why a policy's guards refused a row, in words. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporters.contract import TensorSpec
from exporters.tensors import Tensors


def reasons(tensors: Tensors) -> str:
    """Return why the rows of a step that are not valid were refused."""
    flat = tensors.obs.reshape(tensors.batch, -1).astype(np.float64)  # [batch, element]
    low, high = obs_bounds(tensors.spec.obs)
    found = []
    for row in np.flatnonzero(~tensors.valid.astype(np.bool_)):
        why = "the policy refused it"
        if not np.isfinite(flat[row]).all():
            why = "the observation is not finite"
        elif ((flat[row] < low) | (flat[row] > high)).any():
            why = "the observation is out of range"
        elif not tensors.avail_actions[row].any():
            why = "no action is available"
        elif tensors.risk_level is not None and not 0.0 <= tensors.risk_level[row] <= 1.0:
            why = f"risk_level is {tensors.risk_level[row]}; it must be 0 or in (0, 1]"
        found.append(why if tensors.batch == 1 else f"row {row}: {why}")
    return "; ".join(found)


def obs_bounds(obs: TensorSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest legal value of each element `[element]` as the graph knows them, in float32."""
    low = np.full(obs.size, -np.inf) if obs.low is None else np.array(obs.low)
    high = np.full(obs.size, np.inf) if obs.high is None else np.array(obs.high)
    return low.astype(np.float32).astype(np.float64), high.astype(np.float32).astype(np.float64)
