"""One copy of a PettingZoo parallel environment: dicts become arrays, and every promise is checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.agreement import Agreement
from rmix_kit.envs.border import Border, resetting, shortened
from rmix_kit.envs.limits import EarlyEnds
from rmix_kit.envs.masks import MaskSource
from rmix_kit.envs.spaces import OBSERVATION, Array, MisfitError
from rmix_kit.envs.states import StateSource
from rmix_kit.types import BoolArray, FloatArray, IntArray

SUCCESS_KEYS = ("success", "is_success", "battle_won")
ALL = "__all__"
LARGEST_REWARD = float(np.finfo(np.float32).max)


class CopyStep(NamedTuple):
    """One copy's part of `rmix_kit.types.TimeStep`: the same fields without the axis env."""

    obs: Array
    avail_actions: BoolArray
    state: FloatArray
    reward: np.float32
    terminated: np.bool_
    truncated: np.bool_
    success: np.bool_
    fell: BoolArray


class ParallelCopy:
    """Steps one environment and stands still once its episode is over; arrays lack the axis env.

    An agent that leaves before the others is gone for the rest of the episode: it observes zeros, may do nothing but
    action 0, and is paid nothing. The team ends when all have left.
    """

    def __init__(
        self,
        env: Any,  # noqa: ANN401 - the user's; `rmix_kit.envs.pettingzoo` has checked what is used of it
        agreement: Agreement,
        *,
        number: int = 0,
    ) -> None:
        """Wrap one environment.

        Args:
            agreement: What all copies have in common.
        """
        self._env, self._agreed = env, agreement
        self._border = Border(agreement.where, number)
        self._keys = {str(agent): agent for agent in env.possible_agents}  # the user's names, which may be numbers
        self._reset = resetting(env)
        self._masks = MaskSource(env, agreement, self._border)
        self._states = StateSource(env, is_wanted=agreement.asks_state)
        self._gone: set[str] = set()
        self._solved: dict[str, bool] = {}
        self._now: CopyStep | None = None
        self._early_ends = EarlyEnds(agreement)
        self.reports_success = False

    @property
    def has_state(self) -> bool:
        """Whether the environment tells its state; known after the first reset."""
        return self._states.exists

    @property
    def now(self) -> CopyStep:
        """What the last reset or step gave."""
        assert self._now is not None, "reset comes first"
        return self._now

    def reset(self, seed: int) -> CopyStep:
        """Start an episode."""
        border = self._border
        border.seed, border.elapsed, self._gone, self._solved = seed, 0, set(), {}
        with border.calling("reset"):
            observations, infos = self._reset(seed)
        border.is_first_reset = False
        present = self._present()
        self._gone = set(self._agreed.agents) - present
        if not present:
            border.refuse("after reset there are no agents")
        self._now = self._copy_step(
            border.by_agent(observations, "observations"), border.notes(infos), 0.0, terminated=False, truncated=False
        )
        return self._now

    def step(self, actions: IntArray) -> CopyStep:
        """Take one step, or stand still after the end.

        Args:
            actions: int64 ``[agent]``.
        """
        if self.now.terminated or self.now.truncated:
            self._now = self.now._replace(reward=np.float32(0.0))
            return self._now
        border, agents, starts = self._border, self._agreed.agents, self._agreed.action_starts
        listed = self._present()
        chosen = {
            self._keys[agent]: int(action) + starts[agent]
            for agent, action in zip(agents, actions, strict=True)
            if agent in listed
        }
        with border.calling("step"):
            observations, rewards, terminations, truncations, infos = self._env.step(chosen)
        border.elapsed += 1
        notes, listed = border.notes(infos), self._present()
        acting = [agent for agent in agents if agent not in self._gone]
        over, cut = self._flags(terminations, "terminations"), self._flags(truncations, "truncations")
        if unsaid := [agent for agent in acting if agent in listed and agent not in over and agent not in cut]:
            border.refuse(f"nothing says whether {unsaid[0]} is terminated or truncated")
        left = self._who_left(acting, listed, over, cut)
        reward = self._team_reward(rewards, acting, [a for a in left if a not in listed and a not in over])
        is_empty = len(left) == len(acting)
        terminated = is_empty and (any(over.get(a) for a in left) or not any(cut.get(a) for a in left))
        truncated = not terminated and (is_empty or border.elapsed >= self._agreed.episode_limit)
        if truncated and (words := self._early_ends.note(border.elapsed)):
            border.refuse(words)
        if not (terminated or truncated):
            self._remember_success(left, notes)
            self._gone |= left
        self._now = self._copy_step(
            border.by_agent(observations, "observations"), notes, reward, terminated=terminated, truncated=truncated
        )
        return self._now

    def frame(self) -> NDArray[np.uint8] | None:
        """Return what the environment draws of itself; None where that is no picture, uint8 ``[height, width, 3]``."""
        with self._border.calling("render"):
            drawn = np.asarray(self._env.render())
        is_picture = drawn.dtype == np.uint8 and drawn.ndim == 3 and drawn.shape[2] == 3 and drawn.size > 0
        return drawn if is_picture else None

    def close(self) -> None:
        """Close the environment, if it can be closed."""
        if callable(getattr(self._env, "close", None)):
            with self._border.calling("close"):
                self._env.close()

    def _who_left(
        self, acting: list[str], listed: set[str], over: Mapping[str, bool], cut: Mapping[str, bool]
    ) -> set[str]:
        """Return the agents that left at this step, and refuse those that come back."""
        ended = {agent for agent in self._agreed.agents if over.get(agent) or cut.get(agent)}
        for agent in sorted(self._gone & listed - ended):
            if agent in over or agent in cut:
                self._border.refuse(
                    f"{agent} had left and is back; an agent that leaves stays away until the next reset"
                )
        return {agent for agent in acting if agent in ended or agent not in listed}

    def _copy_step(
        self, seen: Mapping[str, Any], notes: Mapping[str, Any], reward: float, *, terminated: bool, truncated: bool
    ) -> CopyStep:
        agents, border, is_over = self._agreed.agents, self._border, terminated or truncated
        for agent in agents:
            if not isinstance(notes.get(agent, {}), Mapping):
                border.refuse(f"the info of {agent} is {shortened(notes[agent])}; expected a dict")
        obs = np.stack([self._observation(agent, seen, may_lack=terminated) for agent in agents])  # [agent, ...]
        self._remember_success([agent for agent in agents if agent not in self._gone], notes)
        is_solved = is_over and bool(self._solved) and self._agreed.is_success(self._solved.values())
        return CopyStep(
            obs=obs,
            avail_actions=self._masks.masks(seen, notes, self._gone, is_over=is_over, is_needed=not terminated),
            state=self._state(obs),
            reward=np.float32(reward),
            terminated=np.bool_(terminated),
            truncated=np.bool_(truncated),
            success=np.bool_(is_solved),
            fell=np.asarray([border.truth(notes.get(a, {}).get("fell"), f"fell of {a}") for a in agents]),
        )

    def _observation(self, agent: str, seen: Mapping[str, Any], *, may_lack: bool) -> Array:
        coding = self._agreed.coding
        if agent in self._gone or (may_lack and agent not in seen):
            return coding.absent()
        if agent not in seen:
            self._border.refuse(f"there is no observation of {agent}; who is not gone observes, at the last step too")
        raw = seen[agent]
        try:
            return coding.encode(agent, raw[OBSERVATION] if isinstance(raw, Mapping) and OBSERVATION in raw else raw)
        except MisfitError as error:
            self._border.refuse(f"{agent}: {error}")

    def _state(self, obs: Array) -> FloatArray:
        border, agreed = self._border, self._agreed
        with border.calling("state"):
            state = self._states.state(obs)
        if not state.size:
            border.refuse("state() is empty; give None, or append state=observations to the environment's text")
        if agreed.state_size and state.size != agreed.state_size:
            border.refuse(f"state() has {state.size} numbers, and had {agreed.state_size}")
        if not np.isfinite(state).all():
            border.refuse("state() is not finite, or more than float32 can hold")
        if self.has_state and agreed.state_size and (words := agreed.state_misfit(state)):
            border.refuse(words)
        return state

    def _remember_success(self, agents: Collection[str], notes: Mapping[str, Any]) -> None:
        """Keep what agents report, and what is reported of all beside their infos."""
        for key in SUCCESS_KEYS:
            of_all = None if key in self._keys else notes.get(key)
            for agent in agents:
                said = notes.get(agent, {}).get(key, of_all)
                if said is not None:
                    self._solved[agent] = self._border.truth(said, f"{key} of {agent}")
                    self.reports_success = True

    def _team_reward(self, rewards: object, acting: list[str], vanished: Collection[str]) -> float:
        """Put the rewards together; who vanished without a word, and without a reward, is paid nothing."""
        border = self._border
        if isinstance(rewards, Mapping):
            paid = {**dict.fromkeys(vanished, 0.0), **border.by_agent(rewards, "rewards")}
            if missing := [agent for agent in acting if agent not in paid]:
                border.refuse(f"there is no reward for {', '.join(missing)}")
            own = {agent: border.number(paid[agent], f"the reward of {agent}") for agent in acting}
            reward = self._agreed.team_reward([own.get(agent, 0.0) for agent in self._agreed.agents])
        else:
            reward = border.number(rewards, "the team's reward")
        if not abs(reward) <= LARGEST_REWARD:
            border.refuse(f"the team's reward is {reward:g}, which float32 cannot hold")
        return reward

    def _flags(self, flags: object, what: str) -> dict[str, bool]:
        """Return who ended, by agent; one flag, or one called "__all__", is everybody's who has none of their own."""
        border, acting = self._border, [agent for agent in self._agreed.agents if agent not in self._gone]
        if isinstance(flags, bool | np.bool_):
            return dict.fromkeys(acting, bool(flags))
        given = {name: border.truth(flag, f"{what} of {name}") for name, flag in border.by_agent(flags, what).items()}
        if ALL in given and (given[ALL] or not set(acting) & given.keys()):
            return {**given, **dict.fromkeys(acting, given[ALL])}
        return given

    def _present(self) -> set[str]:
        listed = getattr(self._env, "agents", None)
        if listed is None:
            self._border.refuse("there is no attribute agents; expected the list of those that have not left")
        names = {str(agent) for agent in listed}
        if unknown := sorted(names - set(self._agreed.agents)):
            self._border.refuse(f"there is an agent {unknown[0]}; possible_agents are {', '.join(self._agreed.agents)}")
        return names
