"""Rolls a torch module and its frozen forms out side by side, with good and bad inputs, and compares every output.

Where an action tie is broken differently (see `parity`), the rollout of that row goes on from torch's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from exporters.contract import PolicySpec
from exporters.errors import PolicyError
from exporters.parity import Parity, Place, Tensors, compare
from exporters.sampling import legal_rows, next_carry, random_inputs, zero_carry
from exporters.tracing import check_outputs

BATCHES = (1, 3, 7)  # none is the batch that was traced
STEPS = 24

Run: TypeAlias = Callable[[Tensors], Tensors]


def verify(spec: PolicySpec, module: nn.Module, frozen: Mapping[str, Run], *, steps: int = STEPS) -> dict[str, Parity]:
    """Roll the module and its frozen forms out side by side and compares every output.

    Args:
        module: the torch module, in evaluation mode on the CPU.
        frozen: format name -> function from named inputs to named outputs, both `[batch, ...]`.
        steps: recurrent steps per batch size.

    Returns:
        The figures per format.

    Raises:
        ParityError: at the first output that breaks the rule.
        PolicyError: if the module itself breaks the contract.
    """
    figures = {name: Parity() for name in frozen}
    eager = eager_run(spec, module)
    for batch in BATCHES:
        generator = np.random.default_rng(batch)
        carry = zero_carry(spec, batch)
        carries = dict.fromkeys(frozen, carry)
        for step in range(steps):
            inputs = random_inputs(spec, batch, generator)
            expected = eager({**inputs, **carry})
            check_contract(spec, {**inputs, **carry}, expected)
            for name, run in frozen.items():
                found = run({**inputs, **carries[name]})
                where = Place(format=name, agent_id=spec.agent_id, step=step, batch=batch)
                tied = compare(spec, expected, found, inputs["avail_actions"], where=where, figures=figures[name])
                carries[name] = next_carry(spec, found)
                for tensor in spec.carry:
                    carries[name][tensor.name][tied] = expected[f"next_{tensor.name}"][tied]
            carry = next_carry(spec, expected)
    return figures


def eager_run(spec: PolicySpec, module: nn.Module) -> Run:
    """Return the module as a function from named arrays to named arrays, `[batch, ...]` each."""

    def run(inputs: Tensors) -> Tensors:
        with torch.no_grad():
            outputs = module(*(torch.from_numpy(inputs[name]) for name in spec.input_names))
        arrays = [output.numpy() for output in check_outputs(spec, outputs)]
        return dict(zip(spec.output_names, arrays, strict=True))

    return run


def check_contract(spec: PolicySpec, inputs: Tensors, outputs: Tensors) -> None:
    """Check one step of the torch module against the contract.

    Raises:
        PolicyError: if a value is not finite, a refused row acts or moved its memory, or an action is forbidden.
    """
    valid, action = outputs["valid"].astype(np.bool_), outputs["action"].astype(np.int64)
    for name, array in outputs.items():
        if not np.isfinite(array).all():
            raise PolicyError(f"{spec.agent_id}'s module gives a {name} that is not finite; guard bad inputs inside it")
    good = legal_rows(spec, inputs)
    if (row := _first(valid != good)) is not None:
        said = "accepts" if valid[row] else "refuses"
        raise PolicyError(f"{spec.agent_id}'s module {said} inputs that the contract does not: {_row(inputs, row)}")
    if not (action[~valid] == -1).all():
        raise PolicyError(f"{spec.agent_id}'s module gives an action where valid is False; it must be -1")
    rows = np.flatnonzero(valid)
    if not inputs["avail_actions"][rows, action[rows]].all():
        raise PolicyError(f"{spec.agent_id}'s module chose an action that its mask forbids")
    for tensor in spec.carry:
        if not np.array_equal(outputs[f"next_{tensor.name}"][~valid], inputs[tensor.name][~valid]):
            raise PolicyError(f"{spec.agent_id}'s module changes {tensor.name} where valid is False")


def _first(rows: NDArray[np.bool_]) -> int | None:
    return int(np.flatnonzero(rows)[0]) if rows.any() else None


def _row(inputs: Tensors, row: int) -> str:
    names = [name for name in ("obs", "avail_actions", "risk_level") if name in inputs]
    return ", ".join(f"{name} {inputs[name][row].tolist()}" for name in names)
