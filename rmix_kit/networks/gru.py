"""GRUs over whole sequences, written for the CPU.

``torch.nn.GRU`` steps through time with some forty small operations per step, forward and backward. Here several GRUs
of one size step through time together, the input gates of all steps are one product, the backward pass's elementwise
factors are computed for all steps at once, and the weight gradient is one product at the end; what is left inside the
loop is four to seven operations. The numbers are those of ``nn.GRU`` (a test compares values and gradients). Where
numba is installed, one compiled pass stands for a step's operations between the products (`compiled_grus`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from rmix_kit.compiling.finding import compiled_module
from rmix_kit.stacked import is_stacked, with_seeds_in_front


class GRUWeights(NamedTuple):
    """Weights of one GRU in the form of ``torch.nn.GRU``, gates in the order reset, update, new.

    Attributes:
        weight_ih: ``[3 * hidden, input]``.
        weight_hh: ``[3 * hidden, hidden]``.
        bias_ih: ``[3 * hidden]``.
        bias_hh: ``[3 * hidden]``.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


def packed_grus(inputs: list[Tensor], rows_per_step: tuple[int, ...], weights: list[GRUWeights]) -> tuple[Tensor, ...]:
    """Run GRUs of one size side by side from zero hidden states over packed sequences (Cho et al. 2014).

    The cost of a time step is mostly that of starting its operations, which GRUs that run together share.

    Args:
        inputs: Of each GRU ``[row, input]``: all rows of step 0, then all rows of step 1 that go on, and so on, as in
            torch's ``PackedSequence``; a row keeps its place among the rows of its step.
        rows_per_step: Rows of each step, never rising; the same for all GRUs.
        weights: Of each GRU. One whose weights and inputs need no gradient costs no backward pass; such GRUs
            must come last.

    Returns:
        Hidden states of each GRU ``[row, hidden]``.
    """
    flat = [tensor for pair in zip(inputs, weights, strict=True) for tensor in (pair[0], *pair[1])]
    if is_stacked():
        return with_seeds_in_front(partial(_of_all_seeds, rows_per_step), *flat)
    result: tuple[Tensor, ...] = _PackedGRUs.apply(_form_for(flat), rows_per_step, *flat)  # type: ignore[no-untyped-call]
    return result


def _of_all_seeds(rows_per_step: tuple[int, ...], *flat: Tensor) -> tuple[Tensor, ...]:
    """Run every seed's GRUs side by side: inputs and weights ``[seed, ...]``, hidden states ``[seed, row, hidden]``."""
    by_seed = [tensor.unbind() for tensor in flat]
    seeds = range(len(flat[0]))
    per_gru = [by_seed[start : start + 5] for start in range(0, len(flat), 5)]
    inputs = [tensors[0][seed] for tensors in per_gru for seed in seeds]  # frozen ones of all seeds stay the last
    weights = [GRUWeights(*(part[seed] for part in tensors[1:])) for tensors in per_gru for seed in seeds]
    states = packed_grus(inputs, rows_per_step, weights)
    return tuple(torch.stack(states[start : start + len(seeds)]) for start in range(0, len(states), len(seeds)))


class Form(Protocol):
    """A way of computing GRUs; all give the same up to rounding."""

    def run(self, per_gru: list[tuple[Tensor, ...]], rows_per_step: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Go through time.

        Args:
            per_gru: Inputs and the four weights of each GRU.
            rows_per_step: Rows of each step.

        Returns:
            Hidden states ``[stack, row, hidden]``, and what else `gradients` needs, ``[stack, ...]`` each.
        """
        ...

    def gradients(
        self,
        blocks: tuple[Tensor, ...],
        totals: Tensor,
        rows_per_step: tuple[int, ...],
        reached: Mapping[int, tuple[Tensor, Tensor]],
    ) -> dict[int, tuple[Tensor, ...]]:
        """Go back through time.

        Args:
            blocks: What `run` gave.
            totals: Gradients of the hidden states ``[stack, row, hidden]``.
            rows_per_step: Rows of each step.
            reached: Inputs and weight_ih of the GRUs whose gradients are asked for, by their place in the stack.

        Returns:
            Of each of these: gradients of the inputs, weight_ih, weight_hh, bias_ih and bias_hh.
        """
        ...


def _form_for(tensors: list[Tensor]) -> Form:
    """Return the quickest form for such tensors."""
    if all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors):
        compiled = compiled_module("rmix_kit.networks.compiled_grus")
        if not isinstance(compiled, str):
            form: Form = compiled.Compiled()
            return form
    return _Operations()


class _PackedGRUs(torch.autograd.Function):
    """GRUs of whichever form; frozen ones cost no backward pass, and neither do those that no loss reaches."""

    @staticmethod
    def forward(  # torch leaves its context untyped
        ctx: Any,  # noqa: ANN401
        form: Form,
        rows_per_step: tuple[int, ...],
        *flat: Tensor,
    ) -> tuple[Tensor, ...]:
        per_gru = [flat[start : start + 5] for start in range(0, len(flat), 5)]
        blocks = form.run(per_gru, rows_per_step)
        n_learning = sum(any(ctx.needs_input_grad[2 + 5 * i : 7 + 5 * i]) for i in range(len(per_gru)))
        weights_ih = [tensor for tensors in per_gru[:n_learning] for tensor in tensors[:2]]
        # Frozen GRUs are last, so that what the others need is a view of the front of each block and not a copy.
        ctx.save_for_backward(*(tensor[:n_learning] for tensor in blocks), *weights_ih)
        ctx.form, ctx.rows_per_step, ctx.n_blocks = form, rows_per_step, len(blocks)
        ctx.set_materialize_grads(False)  # None, not zeros, says that no loss reached an output
        outputs = blocks[0].unbind()
        ctx.mark_non_differentiable(*outputs[n_learning:])
        return outputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        found: list[Tensor | None] = [None] * (2 + 5 * len(grad_outputs))
        # A loss need not reach every GRU: only those from the first to the last one reached are gone through.
        known = [(i, grad) for i, grad in enumerate(grad_outputs) if grad is not None]
        if not known:
            return tuple(found)
        first, nothing = known[0][0], torch.zeros_like(known[0][1])
        due = slice(first, known[-1][0] + 1)
        totals = torch.stack([nothing if grad is None else grad for grad in grad_outputs[due]])
        saved = ctx.saved_tensors
        blocks, inputs_and_weights = tuple(tensor[due] for tensor in saved[: ctx.n_blocks]), saved[ctx.n_blocks :]
        reached = {i - first: inputs_and_weights[2 * i : 2 * i + 2] for i, _ in known}
        for place, own in ctx.form.gradients(blocks, totals, ctx.rows_per_step, reached).items():
            found[2 + 5 * (first + place) : 7 + 5 * (first + place)] = own  # in the order of the arguments
        return tuple(found)


def _by_step(rows: Tensor, rows_per_step: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Split ``[stack, row, ...]`` into steps. All views are made before a loop: slicing inside would cost as much."""
    return torch.split(rows, list(rows_per_step), dim=1)


class _Operations:
    """torch's operations, on any device: h = n + z (h' - n), n = tanh(x_n + r (W_n h' + b_n)), r and z sigmoids.

    Backward, with d = dL/dh of a step complete (from its own output and from the step after):
    dL/dx_n = d (1 - z)(1 - n^2), and what enters the new gate from h' gets r times that;
    dL/dx_z = d (h' - n) z (1 - z); dL/dx_r = dL/dx_n (W_n h' + b_n) r (1 - r);
    the step before gets d z + (the three recurrent gates' gradients) W_hh.
    Everything but d is known before the loop: `_factors` multiplies it out for all steps, `_step_back` completes d.
    """

    def run(self, per_gru: list[tuple[Tensor, ...]], rows_per_step: tuple[int, ...]) -> tuple[Tensor, ...]:
        """See `Form.run`."""
        total, size = per_gru[0][0].shape[0], per_gru[0][2].shape[1]
        gates = per_gru[0][0].new_empty(len(per_gru), total, 3 * size)  # one block, so that a step's product is batched
        for gate, (inputs, weight_ih, _, bias_ih, _) in zip(gates, per_gru, strict=True):
            torch.addmm(bias_ih, inputs, weight_ih.t(), out=gate)  # [row, 3 * hidden]; input widths may differ by GRU
        recurrent = torch.stack([tensors[2] for tensors in per_gru])  # [stack, 3 * hidden, hidden]
        bias = torch.stack([tensors[4] for tensors in per_gru]).unsqueeze(1)  # [stack, 1, 3 * hidden]
        return (*_step_through(gates, recurrent, bias, rows_per_step), recurrent)

    def gradients(
        self,
        blocks: tuple[Tensor, ...],
        totals: Tensor,
        rows_per_step: tuple[int, ...],
        reached: Mapping[int, tuple[Tensor, Tensor]],
    ) -> dict[int, tuple[Tensor, ...]]:
        """See `Form.gradients`."""
        *trace, recurrent = blocks
        of_input, *others = _gradients(_Trace(*trace), totals, recurrent, rows_per_step)
        return {
            i: (of_input[i] @ weight_ih, of_input[i].t() @ inputs, *(gradient[i] for gradient in others))
            for i, (inputs, weight_ih) in reached.items()
        }


def _gradients(
    trace: _Trace, totals: Tensor, recurrent: Tensor, rows_per_step: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Go back through time.

    Returns:
        Gradients of the input gates ``[stack, row, 3 * hidden]``, of weight_hh, bias_ih and bias_hh.
    """
    size = totals.shape[2]
    start = totals.new_zeros(totals.shape[0], rows_per_step[0], size)
    # Rows of a step that go on are its first ones, so that h' of all steps is the outputs, cut and shifted by a step.
    going_on = zip(_by_step(trace.after, rows_per_step), rows_per_step[1:], strict=False)
    before = torch.cat([start, *(state[:, :rows] for state, rows in going_on)], 1)  # h', what each row starts from
    factors, new_factor = _factors(trace)
    grads = _step_back(totals, factors, trace.reset_update[..., size:], recurrent, rows_per_step)
    flat = grads.flatten(2)  # [stack, row, 3 * hidden], d loss / d recurrent gates
    weight_hh, bias_hh = flat.mT @ before, flat.sum(1)  # [stack, 3 * hidden, hidden], [stack, 3 * hidden]
    # Input and recurrent gradients differ in the new gate alone, whose input is not multiplied by the reset gate. It is
    # overwritten where it lies (``flat`` is a view), so the two lines above have to come first.
    torch.mul(totals, new_factor, out=grads[:, :, 2])
    return flat, weight_hh, flat.sum(1), bias_hh


class _Trace(NamedTuple):
    """What the backward pass needs of all steps.

    Attributes:
        after: Hidden states ``[stack, row, hidden]``.
        reset_update: Reset and update gates side by side ``[stack, row, 2 * hidden]``.
        new: New gates n ``[stack, row, hidden]``.
        doubled: 2 (x_n + r (W_n h' + b_n)) ``[stack, row, hidden]``.
        doubled_input: 2 x_n ``[stack, row, hidden]``.
    """

    after: Tensor
    reset_update: Tensor
    new: Tensor
    doubled: Tensor
    doubled_input: Tensor


def _step_through(gates: Tensor, recurrent: Tensor, bias: Tensor, rows_per_step: tuple[int, ...]) -> _Trace:
    """Run the forward loop; ``gates`` ``[stack, row, 3 * hidden]`` is changed.

    tanh(a) is taken as 2 sigmoid(2 a) - 1, which costs a third of torch's tanh; doubling is exact. Near zero it has
    tanh's absolute precision and not its relative one.
    """
    n_grus, total, size = gates.shape[0], gates.shape[1], recurrent.shape[2]
    # The factor 2 of sigmoid(2 a) goes into what makes a, once per call instead of once per step.
    double = torch.ones_like(bias)  # [stack, 1, 3 * hidden]
    double[..., 2 * size :] = 2.0
    gates[..., 2 * size :] *= 2.0
    # The product keeps the strides of the transposed view; laid out in rows once, no step has to rearrange it.
    transposed, bias = (recurrent.mT * double).contiguous(), bias * double  # [stack, hidden, 3 * hidden]
    after, reset_update, new, doubled = (gates.new_empty(n_grus, total, k * size) for k in (1, 2, 1, 1))
    trace = _Trace(after, reset_update, new, doubled, gates[..., 2 * size :])
    columns = [gates[..., : 2 * size], reset_update, reset_update[..., :size], reset_update[..., size:]]
    columns += [trace.doubled_input, doubled, new, after]
    steps = zip(*(_by_step(column, rows_per_step) for column in columns), rows_per_step, strict=True)
    state = gates.new_zeros(n_grus, rows_per_step[0], size)
    minus_one = gates.new_full((), -1.0)
    # One buffer for W h' + b of whatever step; fewer rows take its front, so that the product stays contiguous.
    products = gates.new_empty(n_grus * rows_per_step[0] * 3 * size)
    n_rows = 0
    for gate_ru, both, reset, update, gate_n, scaled, fresh, state_after, rows in steps:
        if rows != n_rows:
            n_rows = rows
            product = products[: n_grus * rows * 3 * size].view(n_grus, rows, 3 * size)
            product_ru, product_n = product[..., : 2 * size], product[..., 2 * size :]
            state = state[:, :rows]  # episodes that ended are the last rows
        torch.baddbmm(bias, state, transposed, out=product)
        torch.add(gate_ru, product_ru, out=both).sigmoid_()
        torch.addcmul(gate_n, reset, product_n, out=scaled)  # 2 a
        torch.add(minus_one, torch.sigmoid(scaled, out=fresh), alpha=2.0, out=fresh)  # tanh(a) in a single addition
        state = torch.lerp(fresh, state, update, out=state_after)  # written into the trace, read by the next step
    return trace


def _factors(trace: _Trace) -> tuple[Tensor, Tensor]:
    """Return d recurrent gates / d hidden state ``[stack, row, 3, hidden]``, and that of the new gate's input."""
    after, reset_update, new, doubled, doubled_input = trace
    n_grus, total, size = after.shape
    reset, update = reset_update[..., :size], reset_update[..., size:]
    factors = after.new_empty(n_grus, total, 3, size)
    one, half = after.new_ones(()), after.new_full((), 0.5)
    kept = 1 - update  # 1 - z, [stack, row, hidden]; its memory is used again below
    torch.mul(after - new, kept, out=factors[:, :, 1])  # (h' - n) z (1 - z), since h - n = z (h' - n)
    new_factor = torch.addcmul(one, new, new, value=-1.0).mul_(kept)  # (1 - n^2)(1 - z)
    torch.mul(new_factor, reset, out=factors[:, :, 2])
    # W_n h' + b_n itself was not kept. What was kept gives it times 2 r, and r (1 - r) = (2 r)(1 - r) / 2.
    by_reset = (doubled - doubled_input).mul_(new_factor)
    torch.mul(by_reset, torch.add(half, reset, alpha=-0.5, out=kept), out=factors[:, :, 0])
    return factors, new_factor


def _step_back(
    totals: Tensor, factors: Tensor, update: Tensor, recurrent: Tensor, rows_per_step: tuple[int, ...]
) -> Tensor:
    """Complete ``totals`` step by step and give the recurrent gates' gradients ``[stack, row, 3, hidden]``."""
    grads = torch.empty_like(factors)  # every row is written by the loop
    columns = [totals, totals.unsqueeze(2), update, factors, grads, grads.flatten(2)]
    steps = list(zip(*(_by_step(column, rows_per_step) for column in columns), rows_per_step, strict=True))
    n_grus, _, size = totals.shape
    carries = totals.new_empty(n_grus * rows_per_step[0] * size)
    n_rows = 0
    for step in range(len(steps) - 1, 0, -1):
        arriving, arriving_wide, kept, factor, grad, grad_flat, rows = steps[step]
        if rows != n_rows:
            n_rows = rows
            carried = carries[: n_grus * rows * size].view(n_grus, rows, size)
        torch.mul(arriving_wide, factor, out=grad)  # [stack, row, 1, hidden] * [stack, row, 3, hidden]
        torch.mul(arriving, kept, out=carried).baddbmm_(grad_flat, recurrent)  # d z + grads W_hh
        steps[step - 1][0][:, :rows].add_(carried)  # completes d of the rows that went on; the others' is complete
    torch.mul(steps[0][1], steps[0][3], out=steps[0][4])  # before step 0 is the zero state, which takes no gradient
    return grads
