"""Optimisers and their moments: made from settings, given out by name, and taken back where they fit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import OptimizerSettings
from rmix_kit.errors import CheckpointError

RMSPROP_SMOOTHING = 0.99  # PyMARL's alpha

Named = Mapping[str, Mapping[str, nn.Parameter]]
"""Parameters by group and name."""


def make_optimizer(parameters: list[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Make the optimiser of one parameter group.

    Args:
        parameters: What it steps.
        settings: Kind and constants.

    Returns:
        Adam, or RMSprop as PyMARL sets it up.
    """
    if settings.kind == "adam":
        is_fused = parameters[0].device.type == "cpu"  # elsewhere the count of steps would have to leave the host
        return torch.optim.Adam(parameters, lr=settings.learning_rate, eps=settings.eps, fused=is_fused)
    return torch.optim.RMSprop(parameters, lr=settings.learning_rate, alpha=RMSPROP_SMOOTHING, eps=settings.eps)


def moments_of(optimizers: Mapping[str, torch.optim.Optimizer], named: Named) -> dict[str, Tensor]:
    """Return all moments, called ``GROUP/PARAMETER/ENTRY``; they are the optimisers' own."""
    return {
        f"{group}/{name}/{entry}": value
        for group, parameters in named.items()
        for name, parameter in parameters.items()
        for entry, value in optimizers[group].state[parameter].items()
    }


def stepped_parameters(optimizers: Mapping[str, torch.optim.Optimizer], named: Named) -> dict[str, int]:
    """Return how many parameters of each group have been stepped, and so have moments."""
    return {
        group: sum(bool(optimizers[group].state[parameter]) for parameter in parameters.values())
        for group, parameters in named.items()
    }


def load_moments(
    optimizers: Mapping[str, torch.optim.Optimizer],
    named: Named,
    tensors: Mapping[str, Tensor],
    stepped: Mapping[str, int] | None,
) -> None:
    """Take back what `moments_of` gave.

    Args:
        optimizers: By group; changed.
        named: Their parameters.
        tensors: On the CPU, by name.
        stepped: What `stepped_parameters` gave; None where it was not recorded.

    Raises:
        CheckpointError: They are those of other optimisers, or not all of them.
    """
    left = dict(tensors)
    for group, parameters in named.items():
        found = {
            name: {key.removeprefix(f"{group}/{name}/"): left.pop(key) for key in tensors if _is_of(key, group, name)}
            for name in parameters
        }
        count = sum(map(bool, found.values()))
        if stepped is not None and count != stepped.get(group):
            raise CheckpointError(
                f"the optimiser of {group} has moments of {count} parameters; it had stepped {stepped.get(group)}"
            )
        expected = _entries(optimizers[group]) if count else {}
        for name, parameter in parameters.items():
            if found[name]:
                _check(found[name], parameter, expected, f"{group}/{name}")
            optimizers[group].state[parameter] = {
                # The count of steps stays on the host, as the optimisers keep it themselves.
                key: value.clone() if key == "step" else value.clone().to(parameter.device)
                for key, value in found[name].items()
            }
    if left:
        raise CheckpointError(f"the optimisers have no place for {sorted(left)[:3]}")


def _is_of(key: str, group: str, name: str) -> bool:
    return key.rpartition("/")[0] == f"{group}/{name}"


def _entries(optimizer: torch.optim.Optimizer) -> dict[str, bool]:
    """Return which entries an optimiser of this kind keeps of a parameter, and which are as large as it."""
    probe = nn.Parameter(torch.zeros(2))
    probe.grad = torch.zeros(2)
    own = {name: value for name, value in optimizer.defaults.items() if name != "fused"}
    other = type(optimizer)([probe], **own)
    other.step()
    return {name: value.shape == probe.shape for name, value in other.state[probe].items()}


def _check(found: Mapping[str, Tensor], parameter: nn.Parameter, expected: Mapping[str, bool], where: str) -> None:
    if set(found) != set(expected):
        raise CheckpointError(f"the moments of {where} are {sorted(found)}; this optimiser keeps {sorted(expected)}")
    for name, value in found.items():
        shape = tuple(parameter.shape) if expected[name] else ()
        if tuple(value.shape) != shape or value.dtype != parameter.dtype:
            raise CheckpointError(
                f"{where}/{name} is {value.dtype} {list(value.shape)}; expected {parameter.dtype} {list(shape)}"
            )
