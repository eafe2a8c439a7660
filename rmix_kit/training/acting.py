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
        return super().initial_carry(num_envs)

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
        if not self._is_older.any():
            return self._teams[0].act(obs, avail_actions, risk_level, carry)
        if self._is_older.all():
            return self._teams[1].act(obs, avail_actions, risk_level, carry)
        num_envs, n_agents = avail_actions.shape[:2]
        parts = [np.flatnonzero(~self._is_older), np.flatnonzero(self._is_older)]  # copies that act by either weights
        back = np.argsort(np.concatenate(parts))  # where each copy is among the parts
        by_copy = {name: torch.unflatten(memory, 0, (num_envs, n_agents)) for name, memory in carry.items()}
        choices, carries = [], []
        for team, part in zip(self._teams, parts, strict=True):
            own = {name: memory[torch.from_numpy(part)].flatten(0, 1) for name, memory in by_copy.items()}
            choice, following = team.act(obs[part], avail_actions[part], risk_level[part], own)
            choices.append(choice)
            carries.append(following)
        probabilities = None
        if choices[0].probabilities is not None and choices[1].probabilities is not None:
            probabilities = np.concatenate([choice.probabilities for choice in choices])[back]
        together = TeamChoice(
            np.concatenate([choice.actions for choice in choices])[back],
            np.concatenate([choice.risk_level for choice in choices])[back],
            probabilities,
        )
        rows = torch.from_numpy((back[:, None] * n_agents + np.arange(n_agents)).reshape(-1)).to(self._device)
        return together, {name: torch.cat([part[name] for part in carries])[rows] for name in carries[0]}

    def _read(self) -> None:
        self._copies[0].load_state_dict(self._source.state_dict())
        self._teams[0].refresh()
