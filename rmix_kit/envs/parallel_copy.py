"""One copy of a PettingZoo parallel environment: dicts become arrays, and every promise is checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.agreement import Agreement
from rmix_kit.envs.masks import given_mask, mask_method, overlooked
from rmix_kit.envs.spaces import OBSERVATION, Array, MisfitError
from rmix_kit.envs.states import StateSource
from rmix_kit.errors import EnvironmentContractError, RmixKitError
from rmix_kit.types import BoolArray, FloatArray, IntArray

SUCCESS_KEYS = ("success", "is_success")
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
            env: The parallel environment.
            agreement: What all copies have in common.
            number: Which copy, for errors.
        """
        self._env, self._agreed, self._number = env, agreement, number
        self._keys = {str(agent): agent for agent in env.possible_agents}  # the user's names, which may be numbers
        self._reset = _resetting(env)
        self._masks = mask_method(env)
        self._states = StateSource(env, is_wanted=agreement.asks_state)
        self._seed, self._elapsed = 0, 0
        self._gone: set[str] = set()
        self._solved: dict[str, bool] = {}
        self._now: CopyStep | None = None
        self.reports_success = False

    @property
    def has_state(self) -> bool:
        """Whether the environment tells its state; known after the first reset."""
        return self._states.exists

    def reset(self, seed: int) -> CopyStep:
        """Start an episode."""
        self._seed, self._elapsed, self._gone, self._solved = seed, 0, set(), {}
        with self._calling("reset"):
            observations, infos = self._reset(seed)
        present = self._present()
        self._gone = set(self._agreed.agents) - present
        if not present:
            self._refuse("after reset there are no agents")
        self._now = self._copy_step(observations, infos, reward=0.0, terminated=False, truncated=False)
        return self._now

    def step(self, actions: IntArray) -> CopyStep:
        """Take one step, or stand still after the end.

        Args:
            actions: int64 ``[agent]``.
        """
        assert self._now is not None, "reset comes first"
        if self._now.terminated or self._now.truncated:
            self._now = self._now._replace(reward=np.float32(0.0))
            return self._now
        agents, starts = self._agreed.agents, self._agreed.action_starts
        listed = self._present()
        chosen = {
            self._keys[agent]: int(action) + starts[agent]
            for agent, action in zip(agents, actions, strict=True)
            if agent in listed
        }
        with self._calling("step"):
            observations, rewards, terminations, truncations, infos = self._env.step(chosen)
        self._elapsed += 1
        terminations, truncations = self._flags(terminations), self._flags(truncations)
        acting = [agent for agent in agents if agent not in self._gone]
        left = self._who_left(acting, terminations, truncations)
        reward = self._team_reward(rewards, acting)
        is_empty = len(left) == len(acting)
        terminated = is_empty and (
            any(terminations.get(agent) for agent in left) or not any(truncations.get(agent) for agent in left)
        )
        truncated = not terminated and (is_empty or self._elapsed >= self._agreed.episode_limit)
        if not (terminated or truncated):
            self._remember_success(left, infos)
            self._gone |= left
        self._now = self._copy_step(observations, infos, reward=reward, terminated=terminated, truncated=truncated)
        return self._now

    def close(self) -> None:
        """Close the environment, if it can be closed."""
        if hasattr(self._env, "close"):
            with self._calling("close"):
                self._env.close()

    def _who_left(self, acting: list[str], terminations: Mapping[str, Any], truncations: Mapping[str, Any]) -> set[str]:
        """Give the agents that left at this step, and refuse those that come back."""
        listed = self._present()
        over = {agent for agent in self._agreed.agents if terminations.get(agent) or truncations.get(agent)}
        for agent in sorted(self._gone):
            if agent in listed and agent not in over and agent in terminations:
                self._refuse(f"{agent} had left and is back; an agent that leaves stays away until the next reset")
        return {agent for agent in acting if agent in over or agent not in listed}

    def _copy_step(
        self, observations: object, infos: object, *, reward: float, terminated: bool, truncated: bool
    ) -> CopyStep:
        agents, is_over = self._agreed.agents, terminated or truncated
        seen = self._by_agent(observations, "observations")
        notes = {agent: note for agent, note in self._by_agent(infos or {}, "infos").items() if note is not None}
        masks = self._masks_of_method()
        obs, avail, fell = [], [], []
        for agent in agents:
            note = notes.get(agent, {})
            obs.append(self._observation(agent, seen, may_lack=terminated))
            avail.append(self._mask(agent, seen.get(agent), note, masks.get(agent), is_over=is_over))
            fell.append(bool(note.get("fell", False)))
        stacked = np.stack(obs)  # [agent, ...]
        self._remember_success([agent for agent in agents if agent not in self._gone], infos)
        is_solved = is_over and bool(self._solved) and self._agreed.is_success(self._solved.values())
        with self._calling("state"):
            state = self._states.state(stacked)
        if state.size != self._agreed.state_size and self._agreed.state_size:
            self._refuse(f"state() has {state.size} numbers, and had {self._agreed.state_size}")
        if not np.isfinite(state).all():
            self._refuse("state() is not finite, or more than float32 can hold")
        return CopyStep(
            obs=stacked,
            avail_actions=np.stack(avail),
            state=state,
            reward=np.float32(reward),
            terminated=np.bool_(terminated),
            truncated=np.bool_(truncated),
            success=np.bool_(is_solved),
            fell=np.asarray(fell),
        )

    def _observation(self, agent: str, seen: Mapping[str, Any], *, may_lack: bool) -> Array:
        coding = self._agreed.coding
        if agent in self._gone or (may_lack and agent not in seen):
            return coding.absent()
        if agent not in seen:
            self._refuse(f"there is no observation of {agent}; who is not gone observes, at the last step too")
        raw = seen[agent]
        try:
            return coding.encode(agent, raw[OBSERVATION] if isinstance(raw, Mapping) and OBSERVATION in raw else raw)
        except MisfitError as error:
            self._refuse(f"{agent}: {error}")

    def _mask(self, agent: str, raw: object, info: Mapping[str, Any], told: object, *, is_over: bool) -> BoolArray:
        """Give the allowed actions of one agent, bool ``[action]``; padding is never allowed."""
        agreed = self._agreed
        size = agreed.action_sizes[agent]
        full: NDArray[np.bool_] = np.zeros(agreed.n_actions, dtype=np.bool_)
        if agent in self._gone:
            full[0] = True
            return full
        given = given_mask(raw, info, agreed.mask_names)
        given = told if given is None else given
        if given is None and (key := overlooked(raw, info, size, agreed.mask_names)) is not None:
            self._refuse(
                f"{agent} is given {key!r}, which looks like a mask and is not read as one; masks are called "
                f"{' or '.join(agreed.mask_names)}: append mask={key} to the environment's text if it is one, "
                "mask=none if not"
            )
        own: NDArray[np.bool_] = np.ones(size, dtype=np.bool_) if given is None else np.asarray(given).astype(np.bool_)
        if own.shape != (size,):
            self._refuse(f"{agent}'s action_mask has shape {own.shape}; expected ({size},), one per action")
        if not own.any():
            if not is_over:
                self._refuse(f"{agent} has no allowed action; allow at least one")
            own = np.ones(size, dtype=np.bool_)  # nothing is chosen any more
        full[:size] = own
        return full

    def _masks_of_method(self) -> Mapping[str, Any]:
        if self._masks is None or not self._agreed.mask_names:
            return {}
        present = [agent for agent in self._agreed.agents if agent not in self._gone]
        found: dict[str, Any] = {}
        for agent in present:
            with self._calling("action masks"):
                told = self._masks(self._keys[agent])
            if isinstance(told, Mapping):
                told = told.get(self._keys[agent])
            elif told is not None and len(told) == len(self._agreed.agents) and np.ndim(told[0]) == 1:
                told = told[self._agreed.agents.index(agent)]
            found[agent] = told
        return found

    def _remember_success(self, agents: Any, infos: object) -> None:  # noqa: ANN401 - any collection of names
        notes = self._by_agent(infos or {}, "infos")
        for agent in agents:
            note = notes.get(agent) or {}
            for key in SUCCESS_KEYS:
                if key in note:
                    self._solved[agent] = bool(note[key])
                    self.reports_success = True

    def _team_reward(self, rewards: object, acting: list[str]) -> float:
        if isinstance(rewards, Mapping):
            paid = self._by_agent(rewards, "rewards")
            if missing := [agent for agent in acting if agent not in paid]:
                self._refuse(f"there is no reward for {', '.join(missing)}")
            own = {agent: self._number_of(paid[agent], f"the reward of {agent}") for agent in acting}
            reward = self._agreed.team_reward([own.get(agent, 0.0) for agent in self._agreed.agents])
        else:
            reward = self._number_of(rewards, "the team's reward")
        if not abs(reward) <= LARGEST_REWARD:
            self._refuse(f"the team's reward is {reward:g}, which float32 cannot hold")
        return reward

    def _number_of(self, value: object, what: str) -> float:
        try:
            number = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            self._refuse(f"{what} is {value!r}; expected a number")
        if number.size != 1 or not np.isfinite(number).all():
            self._refuse(f"{what} is {value!r}; expected one finite number")
        return float(number.reshape(()))

    def _flags(self, flags: object) -> Mapping[str, Any]:
        if isinstance(flags, bool | np.bool_):
            return {agent: bool(flags) for agent in self._agreed.agents if agent not in self._gone}
        return self._by_agent(flags, "terminations or truncations")

    def _by_agent(self, given: object, what: str) -> Mapping[str, Any]:
        """Give what was given by agent, under the agents' names as text; notes for all stay under no name."""
        if not isinstance(given, Mapping):
            self._refuse(f"the {what} are {type(given).__name__}; expected one entry per agent")
        return {str(agent): value for agent, value in given.items()}

    def _present(self) -> set[str]:
        listed = {str(agent) for agent in self._env.agents}
        if unknown := sorted(listed - set(self._agreed.agents)):
            self._refuse(f"there is an agent {unknown[0]}; possible_agents are {', '.join(self._agreed.agents)}")
        return listed

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        """Name what the environment was asked for when it failed; its own error is the cause."""
        try:
            yield
        except RmixKitError:
            raise
        except Exception as error:
            raise EnvironmentContractError(
                f"{self._place()}: {what}() failed with {type(error).__name__}: {error}"
            ) from error

    def _refuse(self, words: str) -> NoReturn:
        raise EnvironmentContractError(f"{self._place()}: {words}")

    def _place(self) -> str:
        return f"{self._agreed.where}, copy {self._number}, episode seed {self._seed}, step {self._elapsed}"


def _resetting(env: Any) -> Callable[[int], tuple[Any, Any]]:  # noqa: ANN401 - the user's
    """Give how an environment is reset with a seed: by the argument, or by a seed() of its own, or not at all."""
    try:
        parameters = inspect.signature(env.reset).parameters
    except (TypeError, ValueError):
        takes_seed = True
    else:
        takes_seed = "seed" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def reset(seed: int) -> tuple[Any, Any]:
        if takes_seed:
            given = env.reset(seed=seed)
        else:
            if callable(getattr(env, "seed", None)):
                env.seed(seed)
            given = env.reset()
        # Before PettingZoo 1.23 a reset gave observations alone.
        return given if isinstance(given, tuple) and len(given) == 2 else (given, {})

    return reset
