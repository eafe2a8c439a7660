"""How far two forms of one policy act alike over recurrent steps: shares and differences, no pass or fail. numpy only.

Both are shown the same steps. On its own memory the other form goes on from what it computed before, as it will where
it works; on the reference's memory each step begins where the reference stands, which shows what one step does alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from exporters.contract import LAST_ACTION, PolicySpec
from exporters.errors import InvalidInputError
from exporters.parity import Tensors
from exporters.sampling import legal_rows, next_carry, random_inputs, zero_carry
from exporters.tensors import Array

AGREEMENT_STEPS = 1000
SAMPLED_EPISODE = 50
"""Steps between two resets of the memory where steps are drawn and not played."""

SAME_LEVEL = 1e-6
"""Two levels used that differ by less are one: a predictor chooses among tenths or so."""

Run: TypeAlias = Callable[[Tensors], Tensors]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What one agent was shown, step by step, in one environment.

    Attributes:
        obs: `[step, ...]`.
        avail_actions: bool `[step, action]`.
        risk_level: float32 `[step]`, 0 = the policy's own choice; read for policies with a dial.
        starts: bool `[step]`, True at the first step of an episode.
        executed: int64 `[step]`, what was done, which both forms are told; -1 = as each proposed.
    """

    obs: Array
    avail_actions: Array
    risk_level: Array
    starts: Array
    executed: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How one agent's other form acts beside the reference, on one of the two memories.

    Attributes:
        equal_actions: share of the steps with the same action.
        largest_loss: what another action is worth less than the reference's own, by the reference's values: near
            nothing where the two were nearly equally good.
        largest_difference: of `action_values`, at the steps where both used the same level.
        equal_risk_levels: share of the steps with the same level used, where it is the policy's own choice; None for
            policies without a dial, and where no step leaves the choice.
        largest_risk_level_difference: of the level used, at those steps; None likewise.
    """

    equal_actions: float
    largest_loss: float
    largest_difference: float
    equal_risk_levels: float | None
    largest_risk_level_difference: float | None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What `compare_acting` found of one agent.

    Attributes:
        steps: how many were compared; refused ones do not count.
        own_memory: with the memory that the other form made itself.
        reference_memory: with the reference's memory before each step.
        latency_ratio: median time of the other form's step through that of the reference's, in turns in one run.
    """

    steps: int
    own_memory: Likeness
    reference_memory: Likeness
    latency_ratio: float

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping."""
        return {**vars(self), "own_memory": vars(self.own_memory), "reference_memory": vars(self.reference_memory)}


def sampled(spec: PolicySpec, generator: np.random.Generator, steps: int = AGREEMENT_STEPS) -> Recording:
    """Return random steps within the policy's bounds: random masks, and risk levels, four in ten of them its own."""
    drawn: list[Tensors] = []
    while len(drawn) < steps:
        inputs = random_inputs(spec, 1, generator)
        if legal_rows(spec, inputs).all():
            drawn.append(inputs)
    level = np.zeros(1, dtype=np.float32)
    return Recording(
        obs=np.concatenate([inputs["obs"] for inputs in drawn]),
        avail_actions=np.concatenate([inputs["avail_actions"] for inputs in drawn]),
        risk_level=np.concatenate([inputs.get("risk_level", level) for inputs in drawn]),
        starts=np.arange(steps) % SAMPLED_EPISODE == 0,
        executed=np.full(steps, -1),
    )


def compare_acting(spec: PolicySpec, reference: Run, other: Run, recording: Recording) -> Agreement:
    """Show both forms the same steps and count.

    Args:
        reference: from named inputs to named outputs, `[batch, ...]` each.
        other: likewise.
        recording: the steps.

    Raises:
        InvalidInputError: if the recording has no step, does not fit the policy, or the two do not refuse the same.
    """
    _check(spec, recording)
    runs = {"reference": reference, "own_memory": other, "reference_memory": other}
    carries = {name: zero_carry(spec, 1) for name in runs}
    found: dict[str, list[Tensors]] = {name: [] for name in runs}
    times: dict[str, list[int]] = {name: [] for name in runs}
    for step in range(len(recording.obs)):
        if recording.starts[step]:
            carries = {name: zero_carry(spec, 1) for name in runs}
        carries["reference_memory"] = carries["reference"]
        inputs = _inputs(spec, recording, step)
        for name, run in runs.items():
            given = inputs | carries[name]
            begun = time.perf_counter_ns()
            outputs = run(given)
            times[name].append(time.perf_counter_ns() - begun)
            found[name].append(outputs)
        carries = {name: next_carry(spec, outputs[-1]) for name, outputs in found.items()}
        if (done := int(recording.executed[step])) >= 0:
            for carry in carries.values():
                if LAST_ACTION in carry:
                    carry[LAST_ACTION][0] = np.arange(spec.n_actions) == done
    columns = {name: _columns(spec, steps) for name, steps in found.items()}
    valid = columns["reference"]["valid"].astype(np.bool_)  # [step]
    for name in runs:
        if not np.array_equal(columns[name]["valid"].astype(np.bool_), valid):
            raise InvalidInputError(f"{spec.agent_id}'s two forms do not refuse the same steps ({name})")
    own_level = valid & (recording.risk_level == 0)
    return Agreement(
        steps=int(valid.sum()),
        own_memory=_likeness(columns["reference"], columns["own_memory"], valid, own_level),
        reference_memory=_likeness(columns["reference"], columns["reference_memory"], valid, own_level),
        latency_ratio=float(np.median(times["own_memory"]) / np.median(times["reference"])),
    )


def _check(spec: PolicySpec, recording: Recording) -> None:
    steps = len(recording.obs)
    shapes = {"obs": (steps, *spec.obs.shape), "avail_actions": (steps, spec.n_actions), "risk_level": (steps,)}
    for name, shape in {**shapes, "starts": (steps,), "executed": (steps,)}.items():
        if getattr(recording, name).shape != shape or not steps:
            raise InvalidInputError(
                f"the recording's {name} is {getattr(recording, name).shape}; {spec.agent_id} expects "
                f"(step, {', '.join(map(str, shape[1:]))}), at least one step and as many in all"
            )


def _inputs(spec: PolicySpec, recording: Recording, step: int) -> Tensors:
    rows = slice(step, step + 1)
    inputs: Tensors = {"obs": recording.obs[rows], "avail_actions": recording.avail_actions[rows]}
    if spec.is_risk_aware:
        inputs["risk_level"] = recording.risk_level[rows].astype(np.float32)
    return inputs


def _columns(spec: PolicySpec, steps: list[Tensors]) -> Tensors:
    names = ("action", "action_values", "valid", *(("risk_level_used",) if spec.is_risk_aware else ()))
    return {name: np.concatenate([outputs[name] for outputs in steps]) for name in names}  # [step, ...]


def _likeness(reference: Tensors, other: Tensors, valid: Array, own_level: Array) -> Likeness:
    values = np.abs(reference["action_values"].astype(np.float64) - other["action_values"].astype(np.float64))
    same = valid.astype(np.bool_)  # [step]
    levels = None
    if "risk_level_used" in reference:
        gap = np.abs(reference["risk_level_used"].astype(np.float64) - other["risk_level_used"].astype(np.float64))
        same = same & (gap <= SAME_LEVEL)
        levels = gap[own_level.astype(np.bool_)] if own_level.any() else None
    rows = np.flatnonzero(valid)
    if not len(rows):
        raise InvalidInputError("the policy refuses every step that it is compared on: give it steps that it can play")
    worth = [
        reference["action_values"].astype(np.float64)[rows, table["action"].astype(np.int64)[rows]]
        for table in (reference, other)
    ]  # [valid step] each
    return Likeness(
        equal_actions=float((reference["action"] == other["action"])[valid].mean()),
        largest_loss=float((worth[0] - worth[1]).max(initial=0.0)),
        largest_difference=float(values[same].max(initial=0.0)),
        equal_risk_levels=None if levels is None else float((levels <= SAME_LEVEL).mean()),
        largest_risk_level_difference=None if levels is None else float(levels.max()),
    )
