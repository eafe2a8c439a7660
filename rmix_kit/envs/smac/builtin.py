"""The built-in simulator behind the trainer's vector interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.smac import combat
from rmix_kit.envs.smac.arena import DIFFICULTIES, arena_of
from rmix_kit.envs.smac.arrays import Array, beside
from rmix_kit.envs.smac.battle import Battle
from rmix_kit.envs.smac.facts import FIRST_TARGET, NO_OP, STOP, Facts, Units, layout_facts
from rmix_kit.envs.smac.layout import Encoded, encode, outcome, reward
from rmix_kit.envs.smac.maps import SCENARIOS
from rmix_kit.errors import ActionError, EnvironmentTextError
from rmix_kit.spelling import suggestion
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep

LABEL = "SMAC-like simulator: win rates do not compare with StarCraft II's"
IllegalAction = Literal["raise", "noop"]


class BuiltinVector:
    """Battles that wait for each other; SMAC-like: no win rate from here compares with one of StarCraft II.

    Attributes:
        spec: Sizes and bounds.
        num_envs: Number of battles.
        codec: Unit states in place of observations, state and masks.
        dead_allies: int64 ``[env]``, agents that have died.
        dead_enemies: int64 ``[env]``.
        facts: Of whom a record must say that they fought.
    """

    facts: Mapping[str, str] = MappingProxyType({"backend": "builtin", "comparable": LABEL})

    def __init__(
        self,
        map_name: str,
        num_envs: int,
        *,
        difficulty: str = "7",
        illegal_action: IllegalAction = "raise",
        timeout_terminates: bool = False,
    ) -> None:
        """Set up the battles.

        Args:
            map_name: A key of `rmix_kit.envs.smac.maps.SCENARIOS`.
            num_envs: Number of battles, at least 1.
            difficulty: The enemy's, "1" to "9" or "A" as in SMAC.
            illegal_action: What a masked action does: "raise" an error, or "noop": the agent stands still.
            timeout_terminates: The time limit ends the task (SMAC's default) instead of truncating the episode.

        Raises:
            EnvironmentTextError: An argument is none of these.
        """
        if map_name not in SCENARIOS:
            raise EnvironmentTextError(
                f"the built-in simulator has no map {map_name!r}; it has {', '.join(SCENARIOS)}"
                f"{suggestion(map_name, SCENARIOS)}"
            )
        if difficulty not in DIFFICULTIES:
            raise EnvironmentTextError(f"difficulty is {difficulty!r}; it must be one of {', '.join(DIFFICULTIES)}")
        if illegal_action not in get_args(IllegalAction):
            raise EnvironmentTextError(f"illegal_action is {illegal_action!r}; it must be 'raise' or 'noop'")
        scenario = SCENARIOS[map_name]
        self._facts, self._arena = layout_facts(scenario), arena_of(map_name)
        self._difficulty, self._illegal = DIFFICULTIES[difficulty], illegal_action
        self._timeout_terminates = timeout_terminates
        self.num_envs = num_envs
        self.codec = UnitCodec(self._facts)
        self._battle, self._units, self._encoded = self._begun(np.zeros(num_envs, dtype=np.int64))
        self._restart_clocks()
        self.spec = spec_of(self._encoded, scenario.episode_limit)

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start a battle in every copy; the same seed and actions give the same battle."""
        self._battle, self._units, self._encoded = self._begun(np.asarray(seeds, dtype=np.int64))
        self._restart_clocks()
        return self._time_step(np.zeros(self.num_envs, dtype=np.float32))

    def step(self, actions: IntArray) -> TimeStep:
        """Play one step in every battle that is not over.

        Args:
            actions: int64 ``[env, agent]``.

        Raises:
            ActionError: An action is masked, and such actions are not taken for standing still.
        """
        going = ~(self._terminated | self._truncated)
        legal = self._legal(np.asarray(actions, dtype=np.int64), going)
        following = combat.step(self._arena, self._difficulty, self._battle, legal)
        self._battle = following if going.all() else _chosen(going, following, self._battle)
        units = combat.units_of(self._arena, self._battle)
        paid = reward(self._facts, self._units, units) * going
        self._elapsed += going
        ended = outcome(self._facts, units)
        self._won |= ended.won & going
        self._terminated |= ended.is_over & going
        out_of_time = going & ~ended.is_over & (self._elapsed >= self.spec.episode_limit)
        if self._timeout_terminates:
            self._terminated |= out_of_time
        else:
            self._truncated |= out_of_time
        self._units, self._encoded = units, encode(self._facts, units)
        return self._time_step(paid.astype(np.float32))

    def close(self) -> None:
        """Nothing is held."""

    @property
    def dead_allies(self) -> IntArray:
        """Agents that have died, int64 ``[env]``."""
        dead: IntArray = (self._units.ally_hp <= 0).sum(-1)
        return dead

    @property
    def dead_enemies(self) -> IntArray:
        """Enemies that have died, int64 ``[env]``."""
        dead: IntArray = (self._units.enemy_hp <= 0).sum(-1)
        return dead

    def _begun(self, seeds: IntArray) -> tuple[Battle, Units, Encoded]:
        battle = combat.begin(self._arena, seeds)
        units = combat.units_of(self._arena, battle)
        return battle, units, encode(self._facts, units)

    def _restart_clocks(self) -> None:
        self._elapsed: IntArray = np.zeros(self.num_envs, dtype=np.int64)
        self._terminated: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)
        self._truncated: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)
        self._won: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)

    def _legal(self, actions: IntArray, going: BoolArray) -> IntArray:
        """Check actions against the masks; those of battles that are over do not matter."""
        masks = self._encoded.avail_actions  # [env, agent, action]
        n_actions = masks.shape[-1]
        inside = (actions >= 0) & (actions < n_actions)
        begins = np.arange(0, masks.size, n_actions).reshape(actions.shape)
        allowed = inside & masks.take(begins + actions * inside)
        if self._illegal == "raise" and not allowed[going].all():
            env, agent = np.argwhere(~allowed & going[:, None])[0]
            raise ActionError(
                f"agent_{agent} cannot take action {actions[env, agent]} at step {self._elapsed[env]} of copy {env}; "
                f"allowed are {np.flatnonzero(masks[env, agent]).tolist()}"
            )
        return np.where(allowed, actions, np.where(masks[..., NO_OP], NO_OP, STOP))

    def _time_step(self, paid: NDArray[np.float32]) -> TimeStep:
        return TimeStep(
            obs=self._encoded.obs,
            avail_actions=self._encoded.avail_actions,
            state=self._encoded.state,
            reward=paid,
            terminated=self._terminated.copy(),
            truncated=self._truncated.copy(),
            success=self._won.copy(),
            fell=np.zeros(self._units.ally_hp.shape, dtype=np.bool_),
            compact=self._units._asdict(),
        )


class UnitCodec:
    """Unit states from which observations, state and masks are rebuilt, bit by bit."""

    def __init__(self, facts: Facts) -> None:
        """Take a map's facts."""
        self._facts = facts
        n_agents, n_enemies = len(facts.ally_hp_max), len(facts.enemy_hp_max)
        self.template: Mapping[str, NDArray[np.generic]] = {
            name: np.zeros(
                n_enemies if name.startswith("enemy") else n_agents,
                dtype=np.uint8 if name == "last_action" else np.float32,
            )
            for name in Units._fields
        }

    def rebuild(self, fields: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Give observations, state and masks.

        Args:
            fields: Arrays of `Units` by name with any leading axes, numpy or torch.

        Returns:
            Observations ``[..., agent, obs]``, state ``[..., state]`` and masks ``[..., agent, action]``.
        """
        leading = tuple(fields["ally_x"].shape[:-1])
        units = Units(*(fields[name].reshape(-1, fields[name].shape[-1]) for name in Units._fields))
        encoded = encode(self._facts.to(lambda table: beside(table, units.ally_x)), units)
        obs, state, avail_actions = (part.reshape(*leading, *part.shape[1:]) for part in encoded)
        return obs, state, avail_actions


def _chosen(going: BoolArray, following: Battle, before: Battle) -> Battle:
    """Let only the battles go on that are not over."""
    pairs = zip(following, before, strict=True)
    return Battle(*(np.where(going.reshape(-1, *(1,) * (new.ndim - 1)), new, old) for new, old in pairs))


def spec_of(encoded: Encoded, episode_limit: int) -> EnvSpec:
    """Describe battles of SMAC's layout.

    Args:
        encoded: Any battle.
        episode_limit: Steps.
    """
    _, n_agents, obs_size = encoded.obs.shape
    n_actions = encoded.avail_actions.shape[-1]
    return EnvSpec(
        n_agents=n_agents,
        n_actions=n_actions,
        obs_shape=(obs_size,),
        obs_dtype="float32",
        obs_low=(-1.0,) * obs_size,
        obs_high=(1.0,) * obs_size,
        state_size=encoded.state.shape[-1],
        episode_limit=episode_limit,
        agent_ids=tuple(f"agent_{agent}" for agent in range(n_agents)),
        action_meanings=action_meanings(n_actions - FIRST_TARGET),
    )


def action_meanings(n_enemies: int) -> tuple[str, ...]:
    """Give SMAC's actions in words; a medivac heals the ally of that number instead of attacking."""
    return ("no_op", "stop", "north", "south", "east", "west", *(f"attack_{enemy}" for enemy in range(n_enemies)))
