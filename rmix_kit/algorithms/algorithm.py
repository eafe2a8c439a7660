"""What an algorithm is: a value with two methods. It holds no weights, optimiser or counter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, PositiveFloat, Progress


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How the parameters of one group are stepped.

    Attributes:
        kind: "adam" or "rmsprop" (PyMARL's, smoothing 0.99).
        learning_rate: Step size, above 0.
        eps: Added to the root of the second moment, above 0.
        grad_clip: Largest global norm of the group's gradient, above 0.
    """

    kind: Literal["adam", "rmsprop"] = "adam"
    learning_rate: PositiveFloat = 5e-4
    eps: PositiveFloat = 1e-8
    grad_clip: PositiveFloat = 10.0


class Networks(nn.Module):
    """The networks of one algorithm: the agent, which acts, and others by name."""

    def __init__(self, agent: nn.Module, **others: nn.Module) -> None:
        """Hold the networks.

        Args:
            agent: The network that every agent runs (`rmix_kit.policy.ActingAgent`).
            others: Mixers, critics and the like.
        """
        super().__init__()
        self.agent = agent
        for name, network in others.items():
            self.add_module(name, network)

    def __getitem__(self, name: str) -> nn.Module:
        """Give a network by name."""
        return self.get_submodule(name)


@dataclass(frozen=True, kw_only=True)
class Algorithm(ABC):
    """Base of all algorithms: a frozen dataclass whose fields are the hyper-parameters."""

    name: ClassVar[str]
    """The roster name, as on the command line."""

    @abstractmethod
    def build(self, spec: EnvSpec) -> Networks:
        """Make freshly initialised networks for an environment."""

    @abstractmethod
    def losses(self, online: Networks, target: Networks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Give one scalar per parameter group that is due, and metrics. Pure: nothing is stepped or remembered."""

    @abstractmethod
    def optimizers(self) -> dict[str, OptimizerSettings]:
        """Name the parameter groups and say how each is stepped, in the order in which they step."""

    def parameters_of(self, group: str, networks: Networks) -> dict[str, nn.Parameter]:
        """Give the parameters of a group by qualified name; all of them unless an algorithm says otherwise.

        Args:
            group: A key of `optimizers`.
            networks: The online networks.

        Returns:
            Parameters by name, in a fixed order; groups may share parameters.
        """
        del group
        return dict(networks.named_parameters())

    @property
    def risk_level_draws(self) -> int:
        """The K of levels {1/K, ..., 1} drawn per episode while acting and learning; 0 where levels are not drawn."""
        return 0
