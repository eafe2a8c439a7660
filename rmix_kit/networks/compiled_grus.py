"""`rmix_kit.networks.gru` with its element-wise operations compiled (`gru_passes`); the products stay torch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from rmix_kit.compiling.gru_passes import backward, forward


class _Trace(NamedTuple):
    """What the backward pass needs of all steps.

    Attributes:
        after: Hidden states ``[stack, row, hidden]``.
        gates: Reset, update and new gates ``[stack, row, 3 * hidden]``.
        scaled: W_n h' + b_n ``[stack, row, hidden]``.
        recurrent: weight_hh ``[stack, 3 * hidden, hidden]``.
    """

    after: Tensor
    gates: Tensor
    scaled: Tensor
    recurrent: Tensor


class Compiled:
    """What `rmix_kit.networks.gru.packed_grus` takes for float32 on the CPU."""

    def run(self, per_gru: list[tuple[Tensor, ...]], rows_per_step: tuple[int, ...]) -> tuple[Tensor, ...]:
        """See `rmix_kit.networks.gru.Form.run`."""
        total, size = per_gru[0][0].shape[0], per_gru[0][2].shape[1]
        gates = per_gru[0][0].new_empty(len(per_gru), total, 3 * size)
        for gate, (inputs, weight_ih, *_) in zip(gates, per_gru, strict=True):
            torch.mm(inputs, weight_ih.t(), out=gate)  # [row, 3 * hidden]
        recurrent = torch.stack([tensors[2] for tensors in per_gru])
        biases = torch.stack([_biases(tensors[3], tensors[4]) for tensors in per_gru])
        return _step_through(gates, recurrent, biases, rows_per_step)

    def gradients(
        self,
        blocks: tuple[Tensor, ...],
        totals: Tensor,
        rows_per_step: tuple[int, ...],
        reached: Mapping[int, tuple[Tensor, Tensor]],
    ) -> dict[int, tuple[Tensor, ...]]:
        """See `rmix_kit.networks.gru.Form.gradients`."""
        trace, size = _Trace(*blocks), totals.shape[2]
        grads, sums = _step_back(totals, trace, rows_per_step)
        of_inputs, later = grads[..., : 3 * size], grads[:, rows_per_step[0] :, size:]  # h' of the first step is zero
        weights_hh = later.mT @ _states_before(trace.after, rows_per_step)  # [stack, 3 * hidden, hidden]
        return {
            i: (
                of_inputs[i] @ weight_ih.roll(size, 0),  # the new gate is first among these, and last elsewhere
                (of_inputs[i].t() @ inputs).roll(-size, 0),
                weights_hh[i],
                sums[i, : 3 * size].roll(-size),
                sums[i, size:],
            )
            for i, (inputs, weight_ih) in reached.items()
        }


def _biases(bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
    """Return the biases of the reset and update gates together, and both of the new gate ``[4 * hidden]``."""
    size = len(bias_ih) // 3
    return torch.cat([bias_ih[: 2 * size] + bias_hh[: 2 * size], bias_ih[2 * size :], bias_hh[2 * size :]])


def _step_through(gates: Tensor, recurrent: Tensor, biases: Tensor, rows_per_step: tuple[int, ...]) -> _Trace:
    """Run the forward loop; ``gates`` ``[stack, row, 3 * hidden]``, W x of all steps, become the gates."""
    stack, total, size = gates.shape[0], gates.shape[1], recurrent.shape[2]
    # The product keeps the strides of the transposed view; laid out in rows once, no step has to rearrange it.
    transposed = recurrent.mT.contiguous()  # [stack, hidden, 3 * hidden]
    after, scaled = gates.new_empty(stack, total, size), gates.new_empty(stack, total, size)
    products = gates.new_zeros(stack, rows_per_step[0], 3 * size)  # before step 0 is the zero state
    arrays = gates.numpy(), products.numpy(), biases.numpy(), scaled.numpy(), after.numpy()
    first, before = 0, -1
    for rows in rows_per_step:
        if before >= 0:
            torch.bmm(after[:, before : before + rows], transposed, out=products[:, :rows])
        forward(*arrays, first, before, rows)
        first, before = first + rows, first
    return _Trace(after, gates, scaled, recurrent)


def _step_back(totals: Tensor, trace: _Trace, rows_per_step: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Go back through time from the gradients of the hidden states.

    Returns:
        Gradients of each row's n's input, r, z and W_n h' + b_n ``[stack, row, 4 * hidden]``, and their sums over rows
        ``[stack, 4 * hidden]``.
    """
    stack, total, size = totals.shape
    grads, sums = totals.new_empty(stack, total, 4 * size), totals.new_zeros(stack, 4 * size)
    carried = totals.new_empty(stack, rows_per_step[0], size)
    known = totals.numpy(), trace.gates.numpy(), trace.scaled.numpy(), trace.after.numpy()
    written = carried.numpy(), grads.numpy(), sums.numpy()
    first, going_on = total, 0
    for rows, rows_before in zip(reversed(rows_per_step), (*reversed(rows_per_step[:-1]), 0), strict=True):
        first -= rows
        backward(*known, *written, first, first - rows_before if rows_before else -1, rows, going_on)
        if rows_before:  # what enters W h' goes on to h'
            carried[:, :rows].baddbmm_(grads[:, first : first + rows, size:], trace.recurrent)
        going_on = rows
    return grads, sums


def _states_before(after: Tensor, rows_per_step: tuple[int, ...]) -> Tensor:
    """Return what the rows of all steps but the first start from ``[stack, row, hidden]``."""
    # Rows of a step that go on are its first ones.
    steps = torch.split(after, list(rows_per_step), dim=1)
    cut = [state[:, :rows] for state, rows in zip(steps[:-1], rows_per_step[1:], strict=True)]
    return torch.cat(cut, 1) if cut else after[:, :0]
