"""QPLEX's two-state MMDP: VDN on uniform data diverges as its recursion says.

In s1 joint action (0, 0) pays 1 and stays, (0, 1) and (1, 0) stay, (1, 1) leads to the absorbing s0. With V = max
Q_tot(s1) of the target, the sum that fits the four targets 1 + gV, gV, gV, 0 best has Q(0, 0) = 0.75 + 1.25 gV: above
1 / 0.99. The loss, targets and mixer are the product's; the agent network is a table, so that a fit can be exact.
What QMIX does there is on its page in docs/algorithms.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.mixing import MixedNetworks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.envs.make import make_vector_env
from rmix_kit.networks.value import ValueAgent, ValueOutput
from rmix_kit.training.joint_table import uniform_batch
from rmix_kit.types import EnvSpec, EpisodeBatch, Progress

GAME = "didactic:mmdp"
SPEC: EnvSpec = make_vector_env(GAME, 1).spec
COPIES = 30


class TableAgent(ValueAgent):
    """One free number per state, agent and action in place of the network."""

    def __init__(self, spec: EnvSpec) -> None:
        super().__init__(spec, hidden_size=1)
        del self.encoder, self.head
        self.table = nn.Parameter(torch.zeros(spec.state_size, spec.n_agents, spec.n_actions, dtype=torch.float64))

    def unroll(self, batch: EpisodeBatch) -> ValueOutput:
        values = self.table[batch.state.argmax(-1)]  # [batch, time + 1, agent, action]
        return ValueOutput(values, values)


def fit(algorithm: ValueDecomposition, online: Networks, target: Networks, batch: EpisodeBatch, steps: int) -> None:
    """Minimise the product's loss against fixed targets."""
    solver = torch.optim.LBFGS(online.parameters(), max_iter=steps, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def closure() -> Tensor:
        solver.zero_grad()
        loss = algorithm.losses(online, target, batch, Progress()).groups["td"]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    solver.step(closure)  # type: ignore[no-untyped-call]


def values_of_s1(algorithm: ValueDecomposition, copies: int) -> list[float]:
    """Return max Q_tot(s1) after every fit, the target being copied in between."""
    batch = uniform_batch(GAME, steps=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pair = [MixedNetworks(TableAgent(SPEC), algorithm.build_mixer(SPEC)) for _ in range(2)]
    online, target = pair
    target.requires_grad_(False)
    online.double()
    target.double()
    batch = replace(batch, reward=batch.reward.double(), state=batch.state.double())
    found = []
    for _ in range(copies):
        target.load_state_dict(online.state_dict())
        fit(algorithm, online, target, batch, steps=20)
        with torch.no_grad():
            found.append(float(algorithm.joint_values(online, batch)[:, 0].max()))
    return found


def test_vdn_diverges_as_its_recursion_says() -> None:
    found = values_of_s1(VDN(td_lambda=0.0, has_bounded_targets=False), COPIES)
    expected, value = [], 0.0
    for _ in range(COPIES):
        value = 0.75 + 1.2375 * value
        expected.append(value)
    assert expected[9] == pytest.approx(23.4, rel=0.01)
    assert found == pytest.approx(expected, rel=0.05)
