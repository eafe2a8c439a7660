"""The team that collects: it acts by copies of the learner's weights."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.carry import Carry
from rmix_kit.policy import TeamChoice, TeamPolicy, team_policy
from rmix_kit.types import BoolArray, EnvSpec, FloatArray


class ActingTeam(TeamPolicy):
    """A team whose episodes go on by the weights that they began with when newer ones are taken over.

    There are two copies of the weights: an episode that outlasts one `take_over` after another acts by those before the
    last. A team whose weights change within episodes pursues nothing to its end, and finds rare successes later.
    """

    def __init__(self, agent: AgentNetwork, spec: EnvSpec, device: torch.device) -> None:
        """Copy the network whose weights act.

        Args:
            agent: The learner's; read at `initial_carry` and `take_over`, never changed.
        """
        super().__init__(agent, spec, device)
        self._source = agent
        self._copies = [deepcopy(agent).requires_grad_(False) for _ in range(2)]
        self._teams = [team_policy(copy, spec, device) for copy in self._copies]
        self._is_older: BoolArray = np.zeros(0, dtype=np.bool_)

    def initial_carry(self, num_envs: int) -> Carry:
        """Return the carry of an episode's start, and take over the weights and input statistics of now."""
        self._is_older = np.zeros(num_envs, dtype=np.bool_)
        self._read()
        return self._teams[0].initial_carry(num_envs)

    def take_over(self) -> None:
        """Let episodes that begin from now on act by the weights of now."""
        self._copies.reverse()
        self._teams.reverse()
        self._is_older[:] = True
        self._read()

    def restarted(self, carry: Carry, copies: BoolArray) -> Carry:
        """See `TeamPolicy.restarted`."""
        self._is_older = self._is_older & ~copies
        return super().restarted(carry, copies)

    def act(
        self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry
    ) -> tuple[TeamChoice, Carry]:
        """Choose greedily; see `TeamPolicy.act`."""
        seen = (obs, avail_actions, risk_level, carry)
        if not self._is_older.any():
            return self._teams[0].act(*seen)
        if self._is_older.all():
            return self._teams[1].act(*seen)
        (newer, newer_carry), (older, older_carry) = (team.act(*seen) for team in self._teams)
        is_older = self._is_older[:, None]  # [env, agent]
        rows = torch.from_numpy(np.repeat(self._is_older, obs.shape[1])).to(self._device)[:, None]  # [env * agent, 1]
        probabilities = None
        if newer.probabilities is not None and older.probabilities is not None:
            probabilities = np.where(is_older[:, :, None], older.probabilities, newer.probabilities)
        choice = TeamChoice(
            np.where(is_older, older.actions, newer.actions),
            np.where(is_older, older.risk_level, newer.risk_level),
            probabilities,
        )
        return choice, {name: torch.where(rows, older_carry[name], memory) for name, memory in newer_carry.items()}

    def _read(self) -> None:
        self._copies[0].load_state_dict(self._source.state_dict())
        self._teams[0].refresh()
