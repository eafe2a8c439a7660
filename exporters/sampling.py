"""Random inputs for checking a policy: legal ones within its bounds, and some for each guard. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporters.contract import PolicySpec, TensorSpec
from exporters.parity import Tensors
from exporters.refusals import obs_bounds
from exporters.tensors import Array

BAD_SHARE = 0.12  # share of rows with each kind of bad input


def zero_carry(spec: PolicySpec, batch: int) -> Tensors:
    """Return the memory at the start of an episode: name -> zeros `[batch, ...]`."""
    return {tensor.name: np.zeros((batch, *tensor.shape), dtype=tensor.dtype) for tensor in spec.carry}


def next_carry(spec: PolicySpec, outputs: Tensors) -> Tensors:
    """Return a copy of the memory that a step left, by input name, `[batch, ...]` each."""
    return {tensor.name: outputs[f"next_{tensor.name}"].copy() for tensor in spec.carry}


def random_inputs(spec: PolicySpec, batch: int, generator: np.random.Generator) -> Tensors:
    """Draws observation, mask and risk level; most rows are legal, some break each guard in turn.

    Args:
        generator: the source of randomness.

    Returns:
        name -> `[batch, ...]`, without the carry.
    """
    obs = _random_obs(spec.obs, batch, generator)
    mask = generator.random((batch, spec.n_actions)) < 0.6
    mask[np.arange(batch), generator.integers(spec.n_actions, size=batch)] = True
    mask[generator.random(batch) < BAD_SHARE] = False
    inputs: Tensors = {"obs": obs, "avail_actions": mask}
    for row in np.flatnonzero(generator.random(batch) < BAD_SHARE):
        _spoil(spec.obs, obs[row].reshape(-1), generator)
    if spec.is_risk_aware:
        level = np.where(generator.random(batch) < 0.4, 0.0, 1.0 - generator.random(batch)).astype(np.float32)
        spoiled = generator.random(batch) < BAD_SHARE
        level[spoiled] = generator.choice([np.nan, np.inf, -0.5, 1.5], size=int(spoiled.sum()))
        inputs["risk_level"] = level
    return inputs


def legal_rows(spec: PolicySpec, inputs: Tensors) -> NDArray[np.bool_]:
    """Tells which rows the contract's guards accept, bool `[batch]`, from named inputs `[batch, ...]`."""
    obs = inputs["obs"].reshape(len(inputs["obs"]), -1).astype(np.float64)  # [batch, element]
    low, high = obs_bounds(spec.obs)
    good = np.isfinite(obs).all(-1) & (obs >= low).all(-1) & (obs <= high).all(-1) & inputs["avail_actions"].any(-1)
    if spec.is_risk_aware:
        level = inputs["risk_level"].astype(np.float64)
        good &= (level >= 0.0) & (level <= 1.0)
    return np.asarray(good, dtype=np.bool_)


def _random_obs(tensor: TensorSpec, batch: int, generator: np.random.Generator) -> Array:
    """Draws legal observations `[batch, ...]`; unbounded sides reach a few units beyond the other side or zero."""
    low, high = obs_bounds(tensor)
    if tensor.dtype == "bool":
        low, high = np.zeros_like(low), np.ones_like(high)
    elif tensor.dtype != "float32":
        low, high = np.maximum(low, _smallest(tensor)), np.minimum(high, _largest(tensor))
    low = np.where(np.isfinite(low), low, np.minimum(high, 0.0) - 4.0)
    high = np.where(np.isfinite(high), high, np.maximum(low, 0.0) + 4.0)
    drawn = low + generator.random((batch, tensor.size)) * (high - low)
    if tensor.dtype != "float32":
        drawn = np.rint(drawn)
    rounded: Array = np.clip(drawn, low, high).astype(tensor.dtype).reshape(batch, *tensor.shape)
    return rounded


def _spoil(tensor: TensorSpec, flat: Array, generator: np.random.Generator) -> None:
    """Make one row `[element]` illegal in place, as far as its dtype and bounds allow."""
    element = int(generator.integers(tensor.size))
    if tensor.dtype == "float32":
        flat[element] = generator.choice([np.nan, np.inf, -np.inf])
    elif tensor.dtype != "bool" and tensor.high is not None and tensor.high[element] < _largest(tensor):
        flat[element] = int(tensor.high[element]) + 1
    elif tensor.dtype != "bool" and tensor.low is not None and tensor.low[element] > _smallest(tensor):
        flat[element] = int(tensor.low[element]) - 1


def _smallest(tensor: TensorSpec) -> int:
    return int(np.iinfo(tensor.dtype).min)


def _largest(tensor: TensorSpec) -> int:
    return int(np.iinfo(tensor.dtype).max)
