"""What an algorithm is: a value with a few methods. It holds no weights, optimiser or counter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from annotated_types import MinLen
from torch import Tensor, nn

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.coding import StateCoding
from rmix_kit.networks.images import IMAGE_CHANNELS
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, PositiveFloat, PositiveInt, Progress, UnitFloat

DataSource = Literal["replay", "round", "both"]


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


AgentT = TypeVar("AgentT", bound=AgentNetwork)


class Networks(nn.Module, Generic[AgentT]):
    """The networks of an algorithm: the agent, which acts. An algorithm that has others names them in its own class.

    The names of the attributes begin the names of weights in checkpoints.
    """

    state_coding: StateCoding | None

    def __init__(self, agent: AgentT) -> None:
        """Hold the agent."""
        super().__init__()
        self.agent = agent
        self.state_coding = None

    def coded(self, batch: EpisodeBatch) -> EpisodeBatch:
        """Return a batch whose states are as these networks take them (`Algorithm.networks`)."""
        return batch if self.state_coding is None else replace(batch, state=self.state_coding(batch.state))


NetworksT = TypeVar("NetworksT", bound=Networks[Any])


@dataclass(frozen=True, kw_only=True)
class Algorithm(ABC, Generic[NetworksT]):
    """Base of all algorithms: a frozen dataclass whose fields are the hyper-parameters, generic in its networks.

    Who holds some algorithm of the roster writes ``Algorithm[Any]`` and gives it back the networks that it made.

    Attributes:
        gamma: Discount in [0, 1].
        image_channels: Channels after each convolution (3 x 3, stride 2) of the agents' encoder, where observations
            are pictures.
    """

    name: ClassVar[str]
    """The roster name, as on the command line."""
    gamma: UnitFloat = 0.99
    image_channels: Annotated[tuple[PositiveInt, ...], MinLen(1)] = IMAGE_CHANNELS

    @abstractmethod
    def build(self, spec: EnvSpec) -> NetworksT:
        """Make freshly initialised networks for an environment whose states come as networks take them."""

    def networks(self, spec: EnvSpec) -> NetworksT:
        """Make freshly initialised networks for an environment, and the coding of its states where they need one.

        Returns:
            Networks to which a batch is given through `Networks.coded`.
        """
        if not spec.state_low:
            return self.build(spec)
        coding = StateCoding(spec)
        networks = self.build(replace(spec, state_size=coding.coded_size, state_low=(), state_high=()))
        networks.state_coding = coding
        return networks

    @abstractmethod
    def losses(self, online: NetworksT, target: NetworksT, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Return one scalar per parameter group that is due, and metrics. Pure: nothing is stepped or remembered."""

    @abstractmethod
    def optimizers(self) -> dict[str, OptimizerSettings]:
        """Name the parameter groups and say how each is stepped, in the order in which they step."""

    def loss_variant(self, progress: Progress) -> Hashable | None:
        """Say which computation `losses` makes: where the answer is the same, so are its operations and constants.

        A recorded computation may be run again for a batch of the same shape whose answer is the same. None: numbers
        follow the progress, and no update is the repetition of another.
        """
        del progress
        return "all"

    def parameters_of(self, group: str, networks: NetworksT) -> dict[str, nn.Parameter]:
        """Return the parameters of a group by qualified name; all of them unless an algorithm says otherwise.

        Args:
            group: A key of `optimizers`.

        Returns:
            Parameters by name, in a fixed order; groups may share parameters.
        """
        del group
        return dict(networks.named_parameters())

    def phases(self, online: NetworksT, target: NetworksT, batch: EpisodeBatch, progress: Progress) -> Iterator[Losses]:
        """Yield the losses of a batch one optimiser step after another; what is computed after a step sees its weights.

        One phase for most: all groups from one forward pass. An algorithm that makes several steps per batch (the
        critics of COMA and DOP) yields one `Losses` for each.

        Args:
            online: The online networks; the learner steps them between two phases.
            target: The target networks; they stay as they are until the last phase is stepped.

        Yields:
            The losses of the next step.
        """
        yield self.losses(online, target, batch, progress)

    @abstractmethod
    def joint_values(self, online: NetworksT, batch: EpisodeBatch) -> Tensor:
        """Estimate the joint value of every replayed joint action, in scaled reward units: ``[batch, time]``."""

    data: ClassVar[DataSource] = "replay"
    """What a batch is made of: "replay" (drawn uniformly), "round" (exactly the newest collection round: on-policy; one
    update per round), or "both" (drawn ones, then the newest `newest_episodes`)."""

    @property
    def newest_episodes(self) -> int:
        """Newest episodes in a batch of ``data`` "both"."""
        return 0

    @property
    def risk_level_draws(self) -> int:
        """The K of levels {1/K, ..., 1} drawn per episode while acting and learning; 0 where levels are not drawn."""
        return 0

    @property
    def level_redraw_share(self) -> float:
        """Share of replayed episodes that are learned at a level drawn anew instead of the one of their play."""
        return 1.0

    @property
    def shares_of_plan(self) -> Mapping[str, float]:
        """Settings that count in shares of the run's planned steps, by name: what they begin moves with the plan."""
        return {}

    @property
    def tau_draws(self) -> int:
        """Quantile fractions drawn per step of a batch; 0 where none are."""
        return 0
