"""What an exported agent does whatever runs it: checks inputs, owns the carry, explains refusals. numpy only.

The carry has two copies (see `Tensors`): a step reads one and writes the other, and becomes real only when it is
committed, so that a refused step leaves the memory of every row as it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from exporters.contract import LAST_ACTION, PolicySpec
from exporters.errors import BundleError, InvalidInputError, InvalidObservationError, refuse_copy
from exporters.refusals import reasons
from exporters.sharing import SharedSpec
from exporters.tensors import Array, Tensors

ON_INVALID = ("raise", "return")


@dataclass(frozen=True, kw_only=True)
class ActResult:
    """What one step gave; the arrays are the caller's own.

    Attributes:
        action: int64 `[batch]`, -1 where not valid.
        action_values: float32 `[batch, action]`, unmasked.
        risk_level_used: float32 `[batch]`; None for policies without a dial.
        valid: bool `[batch]`; False where a guard refused the inputs and the memory stayed as it was.
    """

    action: NDArray[np.int64]
    action_values: NDArray[np.float32]
    risk_level_used: NDArray[np.float32] | None
    valid: NDArray[np.bool_]


class Agent(ABC):
    """One exported agent with its memory.

    It belongs to one thread: a step writes into arrays of its own and moves its memory. Threads open an agent each;
    so do processes, since an agent cannot be pickled.

    Args:
        spec: the policy's specification.
        on_invalid: "raise" turns a refusal by the policy's guards into `InvalidObservationError`; "return" gives
            action -1 and `valid` False.
        shared: what its graph takes, where that serves several agents.
    """

    def __init__(self, spec: PolicySpec, on_invalid: str = "raise", shared: SharedSpec | None = None) -> None:
        if on_invalid not in ON_INVALID:
            raise InvalidInputError(f"on_invalid is {on_invalid!r}; expected 'raise' or 'return'")
        self.spec = spec
        self._signature = shared or spec
        self._raises = on_invalid == "raise"
        self._obs_dtype, self._obs_shape = np.dtype(spec.obs.dtype), spec.obs.shape
        self._mask_shape = (spec.n_actions,)
        names = [tensor.name for tensor in spec.carry]
        self._last_action = names.index(LAST_ACTION) if LAST_ACTION in names else None
        self.in_episode = False
        self.adopt(Tensors(self._signature, 1))

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied; see `refuse_copy`."""
        refuse_copy(self)

    def __repr__(self) -> str:
        """Say whose policy it is and what it takes."""
        spec = self.spec
        dial = ", with a risk dial" if spec.is_risk_aware else ""
        return (
            f"{type(self).__name__}({spec.agent_id!r}: {spec.algorithm}, obs {spec.obs.dtype} {spec.obs.shape}, "
            f"{spec.n_actions} actions{dial})"
        )

    @abstractmethod
    def compile(self, tensors: Tensors) -> tuple[Callable[[], object], Callable[[], object]]:
        """Return two steps: one that reads `carry[0]` and writes `carry[1]`, and the reverse."""

    def act(self, obs: Array, avail_actions: Array, risk_level: float = 0.0) -> int:
        """Return the greedy action for one observation and remembers it as the last action.

        Args:
            obs: `[...]` exactly as the environment gives it, in the specification's dtype.
            avail_actions: bool or int8 `[action]`, True or 1 = allowed.
            risk_level: in (0, 1], 1 = risk-neutral; 0 = the policy's own choice.

        Returns:
            The action, or -1 if a guard refused and `on_invalid` is "return".

        Raises:
            InvalidInputError: for a wrong type or shape.
            InvalidObservationError: if a guard refused; the memory is unchanged.
        """
        self.propose(obs, avail_actions, risk_level)
        self.commit()
        return self.action()

    def act_batch(self, obs: Array, avail_actions: Array, risk_level: float | Array = 0.0) -> ActResult:
        """Return the greedy actions of many copies of the agent, each with its own memory.

        Args:
            obs: `[batch, ...]` in the specification's dtype.
            avail_actions: bool or int8 `[batch, action]`.
            risk_level: one level for all, or `[batch]`.

        Raises:
            InvalidInputError: for a wrong type or shape, or another batch size inside an episode.
            InvalidObservationError: if a guard refused any row; the memory of every row is unchanged.
        """
        self.propose_batch(obs, avail_actions, risk_level)
        self.commit()
        return self.result()

    def propose(self, obs: Array, avail_actions: Array, risk_level: float = 0.0) -> None:
        """Compute a step as `act` does, without making it real; `commit` does that."""
        self.fill(obs, avail_actions, risk_level)
        self.run()

    def propose_batch(self, obs: Array, avail_actions: Array, risk_level: float | Array = 0.0) -> None:
        """Compute a step as `act_batch` does, without making it real; `commit` does that."""
        self.fill_batch(obs, avail_actions, risk_level)
        self.run()

    def fill(self, obs: Array, avail_actions: Array, risk_level: float = 0.0) -> None:
        """Check the inputs of a step as `act` does, and write them where `run` reads them."""
        self._check("obs", obs, self._obs_shape)
        self._check_mask(avail_actions, self._mask_shape)
        self._resize(1)
        self._write(obs, avail_actions, risk_level)

    def fill_batch(self, obs: Array, avail_actions: Array, risk_level: float | Array = 0.0) -> None:
        """Check the inputs of a step as `act_batch` does, and write them where `run` reads them."""
        batch = _batch_of(obs)
        self._check("obs", obs, (batch, *self._obs_shape))
        self._check_mask(avail_actions, (batch, *self._mask_shape))
        self._resize(batch)
        self._write(obs, avail_actions, risk_level)

    def run(self) -> None:
        """Compute the step of what was filled in, without making it real."""
        run_graph(self._steps[self._tensors.now], self.spec.agent_id)
        self.check_valid()

    def check_valid(self) -> None:
        """Refuse what the guards refused, where `on_invalid` is "raise".

        Raises:
            InvalidObservationError: saying why.
        """
        if self._raises and not self._tensors.valid.all():
            raise InvalidObservationError(f"{self.spec.agent_id}: {reasons(self._tensors)}; its memory is unchanged")

    def commit(self) -> None:
        """Make the proposed step real: its memory is what the next step reads."""
        self._tensors.now = 1 - self._tensors.now
        self.in_episode = True

    def action(self) -> int:
        """Return the last step's action in the first row."""
        return int(self._tensors.action[0])

    def result(self) -> ActResult:
        """Return the last step's outputs as arrays of the caller's own."""
        tensors = self._tensors
        used = tensors.risk_level_used
        return ActResult(
            action=tensors.action.astype(np.int64),
            action_values=tensors.action_values.astype(np.float32),
            risk_level_used=None if used is None else used.astype(np.float32),
            valid=tensors.valid.astype(np.bool_),
        )

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Start an episode: everywhere (any batch size may follow), or in the rows where `mask` is True.

        Args:
            mask: bool `[batch]`, True = a new episode begins in this row.
        """
        self.check_reset(mask)
        if mask is None:
            self.in_episode = False
        for array in self._tensors.carry[self._tensors.now]:
            array[slice(None) if mask is None else mask] = 0

    def check_reset(self, mask: NDArray[np.bool_] | None) -> None:
        """Refuse what `reset` would refuse; changes nothing.

        Raises:
            InvalidInputError: as `reset`.
        """
        if mask is not None and (getattr(mask, "dtype", None) != np.bool_ or mask.shape != (self._tensors.batch,)):
            raise InvalidInputError(f"mask must be a bool array of shape ({self._tensors.batch},), True = new episode")

    def executed(self, action: int | Array) -> None:
        """Tells which action was really done, where it was not the proposed one.

        Args:
            action: one action, or an integer array `[batch]`; -1 leaves a row as it is.
        """
        self.remember(*self.check_executed(action))

    def remember(self, actions: NDArray[np.integer[Any]], place: int) -> None:
        """Write what `check_executed` gave into the memory."""
        memory = self._tensors.carry[self._tensors.now][place]
        rows = np.flatnonzero(actions >= 0)
        memory[rows] = 0
        memory[rows, actions[rows]] = 1

    def check_executed(self, action: int | Array) -> tuple[NDArray[np.integer[Any]], int]:
        """Refuse what `executed` would refuse; changes nothing.

        Returns:
            The actions `[batch]`, and which entry of the carry remembers them.

        Raises:
            InvalidInputError: as `executed`.
        """
        if self._last_action is None:
            raise InvalidInputError(f"{self.spec.agent_id} does not remember actions; executed() has no effect on it")
        actions = np.atleast_1d(np.asarray(action))
        if actions.dtype.kind not in "iu" or actions.shape != (self._tensors.batch,):
            given = f"{actions.dtype} {actions.shape}"
            raise InvalidInputError(
                f"executed() got {given}; expected one whole number per row ({self._tensors.batch},)"
            )
        if actions.min() < -1 or actions.max() >= self.spec.n_actions:
            raise InvalidInputError(f"executed() got {actions.tolist()}; actions are 0..{self.spec.n_actions - 1}")
        return actions, self._last_action

    def carry(self) -> dict[str, Array]:
        """Return a copy of the memory: name -> `[batch, ...]`."""
        arrays = self._tensors.carry[self._tensors.now]
        return {tensor.name: array.copy() for tensor, array in zip(self.spec.carry, arrays, strict=True)}

    def adopt(self, tensors: Tensors) -> None:
        """Act from now on in these arrays, which hold the memory of an episode's start."""
        self._tensors = tensors
        if tensors.agent_index is not None:
            tensors.agent_index[...] = self.spec.agent_index
        self._steps = self.compile(tensors)

    @property
    def tensors(self) -> Tensors:
        """The arrays that it acts in."""
        return self._tensors

    def _resize(self, batch: int) -> None:
        if batch == self._tensors.batch:
            return
        if self.in_episode:
            raise InvalidInputError(
                f"{self.spec.agent_id} got a batch of {batch}, its memory holds {self._tensors.batch}; "
                "call reset() before another batch size"
            )
        self.adopt(Tensors(self._signature, batch))

    def _write(self, obs: Array, avail_actions: Array, risk_level: float | Array) -> None:
        tensors = self._tensors
        tensors.obs[...] = obs
        tensors.avail_actions[...] = avail_actions
        if tensors.risk_level is not None:
            if isinstance(risk_level, np.ndarray) and risk_level.shape not in ((), (tensors.batch,)):
                raise InvalidInputError(
                    f"risk_level has shape {risk_level.shape}; expected one number or ({tensors.batch},)"
                )
            try:
                tensors.risk_level[...] = risk_level
            except (TypeError, ValueError):
                raise InvalidInputError(f"risk_level is {risk_level!r}; expected a number in [0, 1]") from None
        elif isinstance(risk_level, np.ndarray) or risk_level != 0.0:
            raise InvalidInputError(
                f"{self.spec.agent_id} ({self.spec.algorithm}) has no risk dial; leave risk_level at 0"
            )

    def _check(self, name: str, array: object, shape: tuple[int, ...]) -> None:
        if not isinstance(array, np.ndarray):
            raise InvalidInputError(f"{name} is a {type(array).__name__}; expected a numpy array of shape {shape}")
        if array.shape != shape:
            raise InvalidInputError(f"{name} has shape {array.shape}; {self.spec.agent_id} expects {shape}")
        if array.dtype != self._obs_dtype:
            raise InvalidInputError(f"{name} has dtype {array.dtype}; {self.spec.agent_id} expects {self._obs_dtype}")

    def _check_mask(self, mask: object, shape: tuple[int, ...]) -> None:
        if not isinstance(mask, np.ndarray) or mask.shape != shape:
            given = f"has shape {mask.shape}" if isinstance(mask, np.ndarray) else f"is a {type(mask).__name__}"
            raise InvalidInputError(f"avail_actions {given}; {self.spec.agent_id} expects an array of shape {shape}")
        if mask.dtype != np.bool_ and (mask.dtype != np.int8 or (mask & ~1).any()):
            raise InvalidInputError(f"avail_actions has dtype {mask.dtype}; expected bool, or int8 of zeros and ones")


def run_graph(step: Callable[[], object], whose: str) -> None:
    """Compute a compiled step.

    Args:
        step: from `Agent.compile`.
        whose: agent id, for the error.

    Raises:
        BundleError: if the graph cannot be run.
    """
    try:
        step()
    except RuntimeError as error:  # what onnxruntime and torch raise within a graph
        said = (str(error).splitlines() or [""])[0]
        raise BundleError(f"{whose}'s file cannot be run: {said}; export it again") from error


def _batch_of(obs: object) -> int:
    if not isinstance(obs, np.ndarray) or obs.ndim == 0 or len(obs) == 0:
        raise InvalidInputError("obs must be a numpy array [batch, ...] with at least one row")
    return len(obs)
