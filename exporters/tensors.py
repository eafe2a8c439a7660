"""The arrays of a step, allocated once per batch size. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from exporters.contract import PolicySpec, TensorSpec
from exporters.sharing import SharedSpec

Array: TypeAlias = NDArray[np.generic]


class Tensors:
    """Every array of a step for one batch size; `carry[0]` and `carry[1]` take turns as input and output.

    Attributes:
        now: which copy of the carry the next step reads.

    Args:
        spec: what goes in and comes out.
        batch: how many rows.
        arrays: inputs and outputs that exist; None makes them, all zero.
    """

    def __init__(
        self, spec: PolicySpec, batch: int, arrays: tuple[Sequence[Array], Sequence[Array]] | None = None
    ) -> None:
        self.spec, self.batch, self.now = spec, batch, 0
        inputs, outputs = arrays or (_zeros(spec.inputs, batch), _zeros(spec.outputs, batch))
        n_carry = len(spec.carry)
        self.step_inputs = inputs[: len(inputs) - n_carry]
        self.step_outputs = outputs[: len(outputs) - n_carry]
        self.carry = (inputs[len(inputs) - n_carry :], outputs[len(outputs) - n_carry :])
        self.obs, self.avail_actions = self.step_inputs[:2]
        self.risk_level = self.step_inputs[2] if spec.is_risk_aware else None
        self.agent_index = self.step_inputs[-1] if isinstance(spec, SharedSpec) else None
        self.action, self.action_values = self.step_outputs[:2]
        self.risk_level_used = self.step_outputs[2] if spec.is_risk_aware else None
        self.valid = self.step_outputs[-1]

    def inputs(self, source: int) -> list[Array]:
        """Return the inputs of a step that reads `carry[source]`, in the specification's order."""
        return [*self.step_inputs, *self.carry[source]]

    def outputs(self, source: int) -> list[Array]:
        """Return the outputs of that step; its memory is the other copy."""
        return [*self.step_outputs, *self.carry[1 - source]]

    def rows(self, first: int, count: int) -> Tensors:
        """Return the arrays of some rows, which are these arrays' own memory."""
        rows = slice(first, first + count)
        views = [array[rows] for array in self.inputs(0)], [array[rows] for array in self.outputs(0)]
        return Tensors(self.spec, count, views)


def _zeros(tensors: Sequence[TensorSpec], batch: int) -> list[Array]:
    return [np.zeros((batch, *tensor.shape), dtype=np.dtype(tensor.dtype)) for tensor in tensors]
