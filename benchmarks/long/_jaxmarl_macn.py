"""MACN as an environment of JaxMARL: the same tables and functions (`macn.dynamics`) on arrays of jax.

`python benchmarks/long/jaxmarl_peer.py` plays it beside `macn` with the same random actions before it measures
anything; the two must agree at every step.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxmarl.environments.multi_agent_env import MultiAgentEnv
from jaxmarl.environments.spaces import Box, Discrete

import macn
from macn import dynamics
from macn.settings import N_ACTIONS, Settings, make_settings

Array = Any
"""An array of jax."""


@struct.dataclass
class MacnState:
    """Where the agents stand, int32 ``[agent]``, and the steps since the reset."""

    cells: Array
    step: Array


class MacnJax(MultiAgentEnv):  # type: ignore[misc]
    """One game, without slipping; the team's reward is shared out evenly, so that JaxMARL's sum over agents is it."""

    name = "macn"

    def __init__(self, settings: Settings) -> None:
        """Put the tables on the device."""
        if settings.slip or settings.show_agents:
            raise ValueError("the port knows neither slipping nor agents that see each other")
        super().__init__(num_agents=settings.n_agents)
        self._settings = settings
        self._tables = dynamics.build_tables(settings).to(jnp.asarray)
        shape = (int(np.prod(settings.observation_shape)),)
        self.observation_spaces = {agent: Box(0.0, 15.0, shape) for agent in self.agents}
        self.action_spaces = {agent: Discrete(N_ACTIONS) for agent in self.agents}

    def observation_space(self, agent: str) -> Box:
        """Return what one agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """Return what one agent does."""
        return self.action_spaces[agent]

    def reset(self, key: Array) -> tuple[dict[str, Array], MacnState]:
        """Put the agents back to their starts."""
        state = MacnState(cells=self._tables.start_cells, step=jnp.zeros((), dtype=jnp.int32))
        return self.get_obs(state), state

    def get_obs(self, state: MacnState) -> dict[str, Array]:
        """Return every agent's observation, float32 ``[obs]``."""
        seen = dynamics.observe(self._settings, self._tables, state.cells[None])[0]  # [agent, ...]
        return {agent: seen[i].reshape(-1).astype(jnp.float32) for i, agent in enumerate(self.agents)}

    def step_env(
        self, key: Array, state: MacnState, actions: dict[str, Array]
    ) -> tuple[dict[str, Array], MacnState, dict[str, Array], dict[str, Array], dict[str, Array]]:
        """Play one step; JaxMARL's ``step`` puts the agents back where it was the last one."""
        joint = jnp.stack([actions[agent] for agent in self.agents])
        cells = dynamics.transition(self._tables, state.cells[None], joint[None])  # [1, agent]
        moved = MacnState(cells=cells[0], step=state.step + 1)
        reward = dynamics.reward(self._tables, cells)[0].astype(jnp.float32) / self.num_agents
        done = dynamics.terminated(self._tables, cells)[0] | (moved.step >= self._settings.max_steps)
        dones = dict.fromkeys([*self.agents, "__all__"], done)
        return self.get_obs(moved), moved, dict.fromkeys(self.agents, reward), dones, {}


def check(steps: int) -> None:
    """Play random actions with `macn` and with the port.

    Raises:
        AssertionError: They differ in an observation, a reward or an end.
    """
    theirs, ours = MacnJax(make_settings()), macn.parallel_env()
    step, rng = jax.jit(theirs.step_env), np.random.default_rng(0)
    seen, state = theirs.reset(None)
    expected, _ = ours.reset(seed=0)
    for _ in range(steps):
        for agent in theirs.agents:
            np.testing.assert_array_equal(np.asarray(seen[agent]), expected[agent].reshape(-1))
        actions = dict(zip(theirs.agents, rng.integers(0, N_ACTIONS, theirs.num_agents).tolist(), strict=True))
        seen, state, rewards, dones, _ = step(None, state, actions)
        expected, paid, terminated, truncated, _ = ours.step(actions)
        np.testing.assert_allclose(float(sum(rewards.values())), paid["agent_0"], rtol=1e-6)  # float32 halves
        is_over = terminated["agent_0"] or truncated["agent_0"]
        assert bool(dones["__all__"]) == is_over
        if is_over:
            seen, state = theirs.reset(None)
            expected, _ = ours.reset()
