"""`rmix_kit.networks.gru` with its element-wise operations compiled (`gru_passes`); the products stay torch's."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from rmix_kit.compiling.gru_passes import backward, forward
from rmix_kit.networks.gru import keep, reached_by


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


class CompiledGRUs(torch.autograd.Function):
    """What `rmix_kit.networks.gru.packed_grus` calls where numba is installed, for float32 on the CPU."""

    @staticmethod
    def forward(  # torch leaves its context untyped
        ctx: Any,  # noqa: ANN401
        rows_per_step: tuple[int, ...],
        *flat: Tensor,
    ) -> tuple[Tensor, ...]:
        """Take inputs and the four weights of each GRU in turn; give the hidden states of each."""
        per_gru = [flat[start : start + 5] for start in range(0, len(flat), 5)]
        total, size = flat[0].shape[0], flat[2].shape[1]
        gates = flat[0].new_empty(len(per_gru), total, 3 * size)
        for gate, (inputs, weight_ih, *_) in zip(gates, per_gru, strict=True):
            torch.mm(inputs, weight_ih.t(), out=gate)  # [row, 3 * hidden]
        recurrent = torch.stack([tensors[2] for tensors in per_gru])
        biases = torch.stack([_biases(tensors[3], tensors[4]) for tensors in per_gru])
        return keep(ctx, rows_per_step, per_gru, _step_through(gates, recurrent, biases, rows_per_step))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Give the gradients of what `forward` took; None for GRUs that no loss reached."""
        reach = reached_by(grad_outputs)
        found: list[Tensor | None] = [None] * (1 + 5 * len(grad_outputs))
        if reach is not None:
            trace = _Trace(*(tensor[reach.due] for tensor in ctx.saved_tensors[:4]))
            grads, sums = _step_back(reach.totals, trace, ctx.rows_per_step)
            size = reach.totals.shape[2]
            later = grads[:, ctx.rows_per_step[0] :, size:]  # h' of the first step is zero
            weights_hh = later.mT @ _states_before(trace.after, ctx.rows_per_step)  # [stack, 3 * hidden, hidden]
            for i in reach.grus:
                inputs, weight_ih = ctx.saved_tensors[4 + 2 * i : 6 + 2 * i]
                of_input, sum_of = grads[i - reach.due.start, :, : 3 * size], sums[i - reach.due.start]
                found[1 + 5 * i : 6 + 5 * i] = [  # in the order of the arguments
                    of_input @ weight_ih.roll(size, 0),  # the new gate is first among these, and last elsewhere
                    (of_input.t() @ inputs).roll(-size, 0),
                    weights_hh[i - reach.due.start],
                    sum_of[: 3 * size].roll(-size),
                    sum_of[size:],
                ]
        return tuple(found)


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
