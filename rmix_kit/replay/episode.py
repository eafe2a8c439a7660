"""Finished episodes as they leave the collector: NumPy arrays in compact dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rmix_kit.errors import ConfigError, EnvironmentContractError
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray, TimeStep

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec

OBSERVED = "observed."
"""What the names of observed fields begin with where they stand beside others."""
STEP_FIELDS = ("actions", "is_explored", "reward")
EPISODE_FIELDS = ("terminated", "length", "risk_level")
_FORMS = MappingProxyType(
    {
        "actions": (("uint8", "int16", "int32"), 2), "is_explored": (("bool",), 2), "reward": (("float32",), 1),
        "terminated": (("bool",), 1), "length": (("int64",), 1), "risk_level": (("float32",), 1),
    }
)  # fmt: skip
"""Dtypes and axes of each field's rows."""


@dataclass(frozen=True, kw_only=True)
class EpisodeBlock:
    """Several finished episodes, padded to one length ``time`` (the longest), zeros after each one's end.

    Attributes:
        observed: What is kept of each observation, ``[episode, time + 1, ...]`` by name (`observed_template`): obs,
            state and avail_actions, or the fields of the environment's codec.
        actions: ``[episode, time, agent]`` of the spec's ``action_dtype``.
        is_explored: bool ``[episode, time, agent]``, the action was a random draw and not the agent's own.
        reward: float32 ``[episode, time]``, as the environment gave it.
        terminated: bool ``[episode]``: the task ended, not the clock.
        length: int64 ``[episode]``, real steps.
        risk_level: float32 ``[episode]``, the level that was asked for; 0 where the agents chose.
    """

    observed: Mapping[str, NDArray[np.generic]]
    actions: NDArray[np.integer]
    is_explored: BoolArray
    reward: FloatArray
    terminated: BoolArray
    length: IntArray
    risk_level: FloatArray

    def trimmed(self, steps: int) -> EpisodeBlock:
        """Return the block without the padding after so many steps."""
        return replace(
            self,
            observed={name: array[:, : steps + 1] for name, array in self.observed.items()},
            **{name: getattr(self, name)[:, :steps] for name in STEP_FIELDS},
        )

    def of_episodes(self, chosen: BoolArray | IntArray) -> EpisodeBlock:
        """Return some of the episodes.

        Args:
            chosen: bool ``[episode]``, or int64 ``[chosen]``, their numbers in the block.
        """
        return replace(
            self,
            observed={name: array[chosen] for name, array in self.observed.items()},
            **{name: getattr(self, name)[chosen] for name in (*STEP_FIELDS, *EPISODE_FIELDS)},
        )

    def rows(self) -> dict[str, NDArray[np.generic]]:
        """Return the real rows alone, episode after episode.

        Returns:
            By name, in a fixed order: ``observed.*`` ``[observation, ...]`` (``length + 1`` an episode), the fields of
            steps ``[step, ...]`` (``length`` an episode), those of episodes ``[episode]``.
        """
        time = np.arange(self.reward.shape[1] + 1)
        is_observed = time <= self.length[:, None]  # [episode, time + 1]
        is_step = is_observed[:, 1:]
        return {
            **{OBSERVED + name: array[is_observed] for name, array in self.observed.items()},
            **{name: getattr(self, name)[is_step] for name in STEP_FIELDS},
            **{name: getattr(self, name) for name in EPISODE_FIELDS},
        }


def block_of_rows(rows: Mapping[str, NDArray[np.generic]]) -> EpisodeBlock:
    """Read back what `EpisodeBlock.rows` gave.

    Returns:
        The block, padded to its longest episode.

    Raises:
        KeyError: A name is missing.
        ValueError: Lengths and rows disagree, or are of another form.
    """
    for name, (dtypes, axes) in _FORMS.items():
        if rows[name].dtype.name not in dtypes or rows[name].ndim != axes:
            raise ValueError(f"{name} is {rows[name].dtype} with {rows[name].ndim} axes")
    if unknown := [name for name in rows if name not in _FORMS and not name.startswith(OBSERVED)]:
        raise ValueError(f"{unknown[0]} is no field of an episode")
    length, steps = rows["length"].astype(np.int64), len(rows["reward"])
    if not all(1 <= count <= steps for count in length.tolist()):
        raise ValueError(f"episodes have {length.min()} to {length.max()} steps, and there are {steps}")
    is_observed = np.arange(int(length.max(initial=1)) + 1) <= length[:, None]  # [episode, time + 1]

    def padded(name: str, is_real: BoolArray) -> NDArray[np.generic]:
        flat = rows[name]
        if len(flat) != is_real.sum():
            raise ValueError(f"{name} has {len(flat)} rows, the lengths say {is_real.sum()}")
        full = np.zeros((*is_real.shape, *flat.shape[1:]), dtype=flat.dtype)
        full[is_real] = flat
        return full

    names = [name.removeprefix(OBSERVED) for name in rows if name.startswith(OBSERVED)]
    arrays: dict[str, Any] = {
        **{name: padded(name, is_observed[:, 1:]) for name in STEP_FIELDS},
        **{name: rows[name] for name in EPISODE_FIELDS},
    }
    block = EpisodeBlock(observed={name: padded(OBSERVED + name, is_observed) for name in names}, **arrays)
    if any(len(rows[name]) != len(length) for name in EPISODE_FIELDS):
        raise ValueError(f"there are {len(length)} lengths, and not as many of {', '.join(EPISODE_FIELDS)}")
    return block


def misfit_of(block: EpisodeBlock, spec: EnvSpec) -> str:
    """Say why episodes cannot be ones of an environment; empty if they can.

    Args:
        block: At least one episode.
    """
    if int(block.length.max()) > spec.episode_limit:
        return f"an episode has {block.length.max()} steps of at most {spec.episode_limit}"
    if block.actions.shape[2] != spec.n_agents or block.is_explored.shape != block.actions.shape:
        return f"it has actions of {block.actions.shape[2]} agents; the team has {spec.n_agents}"
    if int(block.actions.min()) < 0 or int(block.actions.max()) >= spec.n_actions:
        return f"an action is {block.actions.max()}; there are {spec.n_actions}"
    return ""


def observed_template(spec: EnvSpec, codec: StepCodec | None) -> dict[str, NDArray[np.generic]]:
    """Say what is kept of one observation.

    Args:
        codec: The environment's smaller form; None keeps observations, state and masks as received.

    Returns:
        One array of zeros per field, without leading axes.
    """
    if codec is not None:
        return dict(codec.template)
    return {
        "obs": np.zeros((spec.n_agents, *spec.obs_shape), dtype=spec.obs_dtype),
        "state": np.zeros(spec.state_size, dtype=np.float32),
        "avail_actions": np.zeros((spec.n_agents, spec.n_actions), dtype=np.bool_),
    }


def observed_of(step: TimeStep, codec: StepCodec | None) -> Mapping[str, NDArray[np.generic]]:
    """Return what is kept of a time step, ``[env, ...]`` by the names of `observed_template`.

    Args:
        step: What the environment gave.

    Raises:
        EnvironmentContractError: The step's smaller form is missing, or not that of the codec.
    """
    if codec is None:
        return {"obs": step.obs, "state": step.state, "avail_actions": step.avail_actions}
    expected = {name: (array.dtype, array.shape) for name, array in codec.template.items()}
    given = {name: (array.dtype, array.shape[1:]) for name, array in (step.compact or {}).items()}
    if step.compact is None or given != expected:
        raise EnvironmentContractError(f"the compact form of a step is {given}; its codec says {expected}")
    return step.compact


def empty_block(spec: EnvSpec, episodes: int, steps: int, codec: StepCodec | None = None) -> EpisodeBlock:
    """Return a zeroed block.

    Args:
        steps: Room for this many steps each.

    Returns:
        A block of the right dtypes and shapes.

    Raises:
        ConfigError: There is not as much memory.
    """
    try:
        observed: dict[str, NDArray[np.generic]] = {
            name: np.zeros((episodes, steps + 1, *array.shape), dtype=array.dtype)
            for name, array in observed_template(spec, codec).items()
        }
    except (MemoryError, ValueError) as error:  # ValueError: more elements than an array can have
        size = sum(array.nbytes for array in observed_template(spec, codec).values())
        raise ConfigError(
            f"{episodes} episodes of up to {steps:,} steps of {size:,} bytes do not fit into the memory: give a lower "
            "episode limit, or play fewer at once"
        ) from error
    return EpisodeBlock(
        observed=observed,
        actions=np.zeros((episodes, steps, spec.n_agents), dtype=spec.action_dtype),
        is_explored=np.zeros((episodes, steps, spec.n_agents), dtype=np.bool_),
        reward=np.zeros((episodes, steps), dtype=np.float32),
        terminated=np.zeros(episodes, dtype=np.bool_),
        length=np.zeros(episodes, dtype=np.int64),
        risk_level=np.zeros(episodes, dtype=np.float32),
    )


def block_of(spec: EnvSpec, actions: IntArray, played: Sequence[TimeStep]) -> EpisodeBlock:
    """Record episodes that were played with given actions (`rmix_kit.envs.joint.play_joint_actions`).

    Args:
        actions: int64 ``[episode, time, agent]``.
        played: One time step after the reset and one after each action, their axis env being the episode; a finished
            copy waits, its terminated or truncated flag up. Where no flag is up at the end, the episode is cut there.

    Returns:
        A block with one episode per copy, steps kept as received.
    """
    episodes, steps = actions.shape[:2]
    block = empty_block(spec, episodes, steps)
    active = np.ones(episodes, dtype=np.bool_)
    for t, step in enumerate(played):
        if t:
            block.actions[active, t - 1] = actions[active, t - 1]
            block.reward[active, t - 1] = step.reward[active]
            block.length[active] += 1
        for name, array in observed_of(step, None).items():
            block.observed[name][active, t] = array[active]
        active &= ~(step.terminated | step.truncated)
    block.terminated[:] = played[-1].terminated
    return block
