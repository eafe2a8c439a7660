"""QMIX: the joint value is a monotonic function of the agents' values, its weights made from the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.mixers import QMixer
from rmix_kit.types import EnvSpec, PositiveInt


@dataclass(frozen=True, kw_only=True)
class QMIX(ValueDecomposition):
    """QMIX (Rashid et al. 2018, Eqn 4-6): Q_tot = mixer(Q_1..Q_n; s) with dQ_tot / dQ_i >= 0.

    Attributes:
        mixer_embed_size: Width of the mixing layer.
        hypernet_size: Hidden width of the mixer's hypernetworks.
    """

    name: ClassVar[str] = "qmix"

    mixer_embed_size: PositiveInt = 32
    hypernet_size: PositiveInt = 64

    def build_mixer(self, spec: EnvSpec) -> dict[str, nn.Module]:
        """Make the monotonic mixer."""
        sizes = {"embed_size": self.mixer_embed_size, "hypernet_size": self.hypernet_size}
        return {"mixer": QMixer(spec.n_agents, spec.state_size, **sizes)}

    def mix(self, networks: Networks, values: Tensor, state: Tensor) -> Tensor:
        """Q_tot of the agents' values: ``[batch, time, agent]``, ``[batch, time, state]`` -> ``[batch, time]``."""
        return networks["mixer"](values, state)  # type: ignore[no-any-return]
