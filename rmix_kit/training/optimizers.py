"""Adam and RMSprop over one parameter group; their moments are given out by name and taken back where they fit.

The numbers are those of `torch.optim`, bit for bit. Its optimisers import torch's compiler when they are made, which
takes as long again as torch itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import OptimizerSettings
from rmix_kit.errors import CheckpointError

ADAM_BETAS = (0.9, 0.999)
RMSPROP_SMOOTHING = 0.99  # PyMARL's alpha


class Optimizer(ABC):
    """Steps the parameters of one group.

    Attributes:
        parameters: By name.
        moments: By name of the parameter: the count of its steps, "step", and what `AVERAGES` names. Those of a
            parameter begin with its first gradient.
    """

    AVERAGES: ClassVar[tuple[str, ...]]
    """Moments as large as their parameter."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], eps: float) -> None:
        """Begin without moments."""
        self.parameters = dict(parameters)
        self.moments: dict[str, dict[str, Tensor]] = {}
        self._eps = eps

    @property
    def stepped(self) -> dict[str, dict[str, Tensor]]:
        """The moments of parameters that have been stepped; counts are read back.

        A seed that was skipped whenever others stepped has moments already, of zeros.
        """
        return {name: entries for name, entries in self.moments.items() if entries["step"].item() > 0}

    @torch.no_grad()
    def step(
        self, gradients: Mapping[str, Tensor], learning_rate: float | Tensor, found_inf: Tensor | None = None
    ) -> None:
        """Step the parameters that have a gradient.

        Args:
            gradients: By name of the parameter; at least one.
            learning_rate: Of this step; a float32 scalar on the device where the host is not to be asked for it.
            found_inf: float32 scalar: 1 leaves every parameter and moment as it is. None steps in any case.
        """
        for name in gradients.keys() - self.moments.keys():
            parameter = self.parameters[name]
            self.moments[name] = {"step": torch.zeros((), device=parameter.device)} | {
                average: torch.zeros_like(parameter) for average in self.AVERAGES
            }
        steps = [self.moments[name]["step"] for name in gradients]
        if found_inf is None:
            torch._foreach_add_(steps, 1)
        else:
            torch._foreach_add_(steps, 1 - found_inf, alpha=1)  # named, or torch would read the number back
        self._move(
            [self.parameters[name] for name in gradients],
            [gradient.contiguous() for gradient in gradients.values()],  # as parameters lie: GPUs' kernels insist on it
            [[self.moments[name][average] for name in gradients] for average in self.AVERAGES],
            steps,
            learning_rate,
            found_inf,
        )

    @abstractmethod
    def _move(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        averages: list[list[Tensor]],
        steps: list[Tensor],
        learning_rate: float | Tensor,
        found_inf: Tensor | None,
    ) -> None:
        """Change parameters and averages in place; all lists are in the order of the parameters."""

    def load(self, found: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take back moments.

        Args:
            found: What `moments` was; on the CPU.

        Raises:
            CheckpointError: They are not those of an optimiser of this kind.
        """
        kept = {"step", *self.AVERAGES}
        for name, entries in found.items():
            if set(entries) != kept:
                raise CheckpointError(
                    f"the moments of {name} are {sorted(entries)}; this optimiser keeps {sorted(kept)}"
                )
            parameter = self.parameters[name]
            for entry, value in entries.items():
                shape = () if entry == "step" else tuple(parameter.shape)
                if tuple(value.shape) != shape or value.dtype != parameter.dtype:
                    raise CheckpointError(
                        f"{name}/{entry} is {value.dtype} {list(value.shape)}; expected {parameter.dtype} {list(shape)}"
                    )
        self.moments = {
            name: {entry: value.clone().to(self.parameters[name].device) for entry, value in entries.items()}
            for name, entries in found.items()
        }


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1), in one kernel for all parameters."""

    AVERAGES = ("exp_avg", "exp_avg_sq")

    def _move(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        averages: list[list[Tensor]],
        steps: list[Tensor],
        learning_rate: float | Tensor,
        found_inf: Tensor | None,
    ) -> None:
        means, squares = averages
        torch._fused_adam_(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            lr=learning_rate,
            beta1=ADAM_BETAS[0],
            beta2=ADAM_BETAS[1],
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
            found_inf=found_inf,
        )


class RMSprop(Optimizer):
    """RMSprop as PyMARL sets it up: eps is added outside the root, and there is no momentum."""

    AVERAGES = ("square_avg",)

    def _move(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        averages: list[list[Tensor]],
        steps: list[Tensor],
        learning_rate: float | Tensor,
        found_inf: Tensor | None,
    ) -> None:
        del steps
        smoothing: float | Tensor = RMSPROP_SMOOTHING
        if found_inf is not None:
            # A gradient of zeros moves nothing, and is no product of zero with what is not finite.
            gradients = [gradient.masked_fill(found_inf == 1, 0.0) for gradient in gradients]
            smoothing = torch.full_like(found_inf, RMSPROP_SMOOTHING).masked_fill(found_inf == 1, 1.0)
        (squares,) = averages
        torch._foreach_mul_(squares, smoothing)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - RMSPROP_SMOOTHING)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, self._eps)
        if isinstance(learning_rate, Tensor):
            moves = torch._foreach_div(gradients, roots)
            torch._foreach_mul_(moves, -learning_rate)
            torch._foreach_add_(parameters, moves)
        else:
            torch._foreach_addcdiv_(parameters, gradients, roots, value=-learning_rate)


KINDS: Mapping[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop}


def make_optimizer(parameters: Mapping[str, nn.Parameter], settings: OptimizerSettings) -> Optimizer:
    """Make the optimiser of one parameter group.

    Args:
        parameters: What it steps, by name.
        settings: Kind and constants.
    """
    return KINDS[settings.kind](parameters, settings.eps)


def moments_of(optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Return all moments, called ``GROUP/PARAMETER/ENTRY``; they are the optimisers' own."""
    return {
        f"{group}/{name}/{entry}": value
        for group, optimizer in optimizers.items()
        for stepped in (optimizer.stepped,)
        for name in optimizer.parameters
        for entry, value in stepped.get(name, {}).items()
    }


def load_moments(
    optimizers: Mapping[str, Optimizer], tensors: Mapping[str, Tensor], stepped: Mapping[str, int] | None
) -> None:
    """Take back what `moments_of` gave.

    Args:
        optimizers: By group; changed.
        tensors: On the CPU, by name.
        stepped: How many parameters of each group had moments; None where it was not recorded.

    Raises:
        CheckpointError: They are those of other optimisers, or not all of them.
    """
    left = dict(tensors)
    for group, optimizer in optimizers.items():
        found: dict[str, dict[str, Tensor]] = {}
        for name in optimizer.parameters:
            prefix = f"{group}/{name}/"
            if keys := [key for key in left if key.rpartition("/")[0] + "/" == prefix]:
                found[name] = {key.removeprefix(prefix): left.pop(key) for key in keys}
        if stepped is not None and len(found) != stepped.get(group):
            raise CheckpointError(
                f"the optimiser of {group} has moments of {len(found)} parameters; it had stepped {stepped.get(group)}"
            )
        optimizer.load(found)
    if left:
        raise CheckpointError(f"the optimisers have no place for {sorted(left)[:3]}")
