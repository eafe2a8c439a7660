"""What algorithms with a mixer share: the networks by name, the mixture itself, and QMIX's mixer with its sizes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from rmix_kit.algorithms.algorithm import AgentT, Networks
from rmix_kit.mixers import Mixer, QMixer, SumMixer
from rmix_kit.networks.unroll import take
from rmix_kit.networks.value import ValueOutput
from rmix_kit.types import EnvSpec, EpisodeBatch, PositiveInt


class MixedNetworks(Networks[AgentT]):
    """An agent, and the mixer of the agents' values."""

    def __init__(self, agent: AgentT, mixer: Mixer) -> None:
        """Hold both."""
        super().__init__(agent)
        self.mixer = mixer


@dataclass(frozen=True, kw_only=True)
class MonotonicMixing:
    """QMIX's mixer and its sizes, for the algorithms that mix with it.

    Attributes:
        mixer_embed_size: Width of the mixing layer.
        hypernet_size: Hidden width of the mixer's hypernetworks.
    """

    mixer_embed_size: PositiveInt = 32
    hypernet_size: PositiveInt = 64

    def build_mixer(self, spec: EnvSpec) -> Mixer:
        """Make the monotonic mixer."""
        sizes = {"embed_size": self.mixer_embed_size, "hypernet_size": self.hypernet_size}
        return QMixer(spec.n_agents, spec.state_size, **sizes)


class AdditiveMixing:
    """The sum for a mixer, for the algorithms whose joint value is that of the agents' values."""

    def build_mixer(self, spec: EnvSpec) -> Mixer:
        """Make the sum, which has no weights."""
        del spec
        return SumMixer()


def mixture(mixer: Mixer, output: ValueOutput, batch: EpisodeBatch, *, actions: Tensor, steps: slice) -> Tensor:
    """Mix the agents' values of one joint action per step.

    Args:
        mixer: Whose joint value it is.
        output: The agent's, over the whole batch.
        actions: int64 ``[batch, time, agent]``.
        steps: The steps that the actions belong to.

    Returns:
        ``[batch, time]``; ``[batch, time, agent]`` where agents learn alone.
    """
    return mixer(take(output.outputs[:, steps], actions), batch.state[:, steps])
