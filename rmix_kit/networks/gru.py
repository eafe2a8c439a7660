"""A GRU over whole sequences, written for the CPU.

``torch.nn.GRU`` steps through time with some forty small operations per step, forward and backward. Here the input
gates of all steps are one product, the backward pass's elementwise factors are computed for all steps at once, and
the weight gradient is one product at the end; what is left inside the loop is four to six operations. The numbers
are those of ``nn.GRU`` (a test compares values and gradients).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def packed_gru(
    inputs: Tensor,
    rows_per_step: tuple[int, ...],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> Tensor:
    """Run a GRU from a zero hidden state over packed sequences (Cho et al. 2014, in the form of ``torch.nn.GRU``).

    Args:
        inputs: ``[row, input]``: all rows of step 0, then all rows of step 1 that go on, and so on, as in torch's
            ``PackedSequence``; a row keeps its place among the rows of its step.
        rows_per_step: Rows of each step, never rising.
        weight_ih: ``[3 * hidden, input]``, gates in the order reset, update, new.
        weight_hh: ``[3 * hidden, hidden]``.
        bias_ih: ``[3 * hidden]``.
        bias_hh: ``[3 * hidden]``.

    Returns:
        Hidden states ``[row, hidden]``.
    """
    gates = functional.linear(inputs, weight_ih, bias_ih)  # [row, 3 * hidden]
    return _PackedGRU.apply(gates, weight_hh, bias_hh, rows_per_step)  # type: ignore[no-any-return,no-untyped-call]


def _by_step(rows: Tensor, rows_per_step: tuple[int, ...]) -> tuple[Tensor, ...]:
    return torch.split(rows, list(rows_per_step))


class _PackedGRU(torch.autograd.Function):
    """The recurrent part: h = n + z (h' - n), n = tanh(x_n + r (W_n h' + b_n)), r and z sigmoids."""

    @staticmethod
    def forward(  # torch leaves its context untyped
        ctx: Any,  # noqa: ANN401
        gates: Tensor,
        weight_hh: Tensor,
        bias_hh: Tensor,
        rows_per_step: tuple[int, ...],
    ) -> Tensor:
        size = weight_hh.shape[1]
        total = gates.shape[0]
        after = gates.new_empty(total, size)
        reset_update = gates.new_empty(total, 2 * size)
        new = gates.new_empty(total, size)
        recurrent = gates.new_empty(total, 3 * size)
        transposed = weight_hh.t()
        # All views are made beforehand: slicing inside the loop would cost as much as the arithmetic.
        columns = [
            gates[:, : 2 * size],
            gates[:, 2 * size :],
            recurrent,
            recurrent[:, : 2 * size],
            recurrent[:, 2 * size :],
            reset_update,
            reset_update[:, :size],
            reset_update[:, size:],
            new,
            after,
        ]
        steps = zip(*(_by_step(column, rows_per_step) for column in columns), rows_per_step, strict=True)
        state = gates.new_zeros(rows_per_step[0], size)
        for gate_ru, gate_n, product, product_ru, product_n, both, reset, update, fresh, state_after, rows in steps:
            state = state[:rows]
            torch.addmm(bias_hh, state, transposed, out=product)
            torch.add(gate_ru, product_ru, out=both).sigmoid_()
            torch.addcmul(gate_n, reset, product_n, out=fresh).tanh_()
            state = torch.lerp(fresh, state, update, out=state_after)
        ctx.save_for_backward(weight_hh, after, reset_update, new, recurrent)
        ctx.rows_per_step = rows_per_step
        return after

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # noqa: ANN401
        weight_hh, after, reset_update, new, recurrent = ctx.saved_tensors
        rows_per_step: tuple[int, ...] = ctx.rows_per_step
        total, size = new.shape
        going_on = zip(_by_step(after, rows_per_step), rows_per_step[1:], strict=False)
        start = new.new_zeros(rows_per_step[0], size)
        before = torch.cat([start, *(state[:rows] for state, rows in going_on)])  # h', what each row starts from
        reset, update = reset_update[:, :size], reset_update[:, size:]
        new_factor = (1 - update) * (1 - new * new)
        factors = new.new_empty(total, 3, size)  # d recurrent gates / d hidden state
        torch.mul(new_factor * recurrent[:, 2 * size :], reset * (1 - reset), out=factors[:, 0])
        torch.mul(before - new, update * (1 - update), out=factors[:, 1])
        torch.mul(new_factor, reset, out=factors[:, 2])
        grads = torch.empty_like(factors)  # d loss / d recurrent gates
        totals = grad_outputs[0].clone(memory_format=torch.contiguous_format)  # d loss / d hidden state
        flat = grads.view(total, 3 * size)
        columns = [totals, totals.unsqueeze(1), update, factors, grads, flat]
        steps = list(zip(*(_by_step(column, rows_per_step) for column in columns), rows_per_step, strict=True))
        for step in range(len(steps) - 1, 0, -1):
            arriving, arriving_wide, kept, factor, grad, grad_flat, rows = steps[step]
            torch.mul(arriving_wide, factor, out=grad)
            steps[step - 1][0][:rows].addcmul_(arriving, kept).addmm_(grad_flat, weight_hh)
        torch.mul(steps[0][1], steps[0][3], out=steps[0][4])
        grad_weight, grad_bias = flat.t() @ before, flat.sum(0)
        torch.mul(totals, new_factor, out=grads[:, 2])  # the new gate's input is not multiplied by the reset gate
        return flat, grad_weight, grad_bias, None
