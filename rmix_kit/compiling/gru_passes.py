"""The element-wise part of a GRU's time step, compiled: one pass over its rows forward, one back.

Arrays are float32 in C order, ``[stack, row, ...]`` with the rows of all steps, as in `rmix_kit.networks.gru`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from rmix_kit.compiling.keeping import inlined, kept
from rmix_kit.types import FloatArray

Real: TypeAlias = Any
"""One float32."""

FARTHEST = np.float32(87)
LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts, the first of so few bits that its products with small whole numbers are exact.
LN_2_HIGH, LN_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# 1.5 * 2^23: added and taken away again, it leaves the nearest whole number.
ROUNDING = np.float32(12582912)
# e^r = 1 + r + r^2 (C_2 + C_3 r + ...) for |r| <= ln(2) / 2: the Chebyshev fit of degree 4, 1.1e-8 off at most.
C_2, C_3, C_4 = np.float32(0.5), np.float32(0.16666577), np.float32(0.04166646)
C_5, C_6 = np.float32(0.00836318), np.float32(0.00139336)
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)


def _fused_inlined(function: Any) -> Any:  # noqa: ANN401 - a decorator
    return inlined(function, fused=True)


def sigmoid(x: Real) -> Real:
    """Return 1 / (1 + e^-x) within 1.2e-7; NaN of NaN. Without branches, so that a loop over it becomes vectors."""
    x = -FARTHEST if x < -FARTHEST else x
    x = FARTHEST if x > FARTHEST else x
    power = (ROUNDING - x * LOG2_E) - ROUNDING  # e^-x = 2^power e^rest
    rest = -x - power * LN_2_HIGH - power * LN_2_LOW
    series = C_2 + rest * (C_3 + rest * (C_4 + rest * (C_5 + rest * C_6)))
    exponential = ONE + rest + rest * rest * series
    scale = np.int32((np.int32(power) + np.int32(127)) << np.int32(23)).view(np.float32)
    return ONE / (ONE + exponential * scale)


_sigmoid = _fused_inlined(sigmoid)


def _forward(
    gates: FloatArray, products: FloatArray, biases: FloatArray, scaled: FloatArray, after: FloatArray,
    first: int, before: int, rows: int,
) -> None:  # fmt: skip
    """Finish a step: turn what its gates are made of into gates, and those into hidden states.

    h = n + z (h' - n), n = tanh(x_n + r m), m = W_n h' + b_n, r and z sigmoids.

    Args:
        gates: ``[stack, row, 3 * hidden]``: W x without a bias comes in, r, z and n go out.
        products: W h' of the step's rows ``[stack, row of the step, 3 * hidden]``.
        biases: ``[stack, 4 * hidden]``: of r and z (both layers' together), of n from the input, of n from h'.
        scaled: m, written ``[stack, row, hidden]``.
        after: Hidden states ``[stack, row, hidden]``; those of the step are written.
        first: The step's first row.
        before: The first row of the step before; negative where h' is zero.
        rows: How many rows the step has.
    """
    stack, _, size = after.shape
    for s in range(stack):
        bias = biases[s]
        for i in range(rows):
            gate, product, m, h = gates[s, first + i], products[s, i], scaled[s, first + i], after[s, first + i]
            for j in range(2 * size):
                gate[j] = _sigmoid(gate[j] + (product[j] + bias[j]))
            for j in range(size):
                m[j] = product[2 * size + j] + bias[3 * size + j]
                a = (gate[2 * size + j] + bias[2 * size + j]) + gate[j] * m[j]
                gate[2 * size + j] = TWO * _sigmoid(TWO * a) - ONE  # tanh(a)
            if before < 0:
                for j in range(size):
                    h[j] = gate[2 * size + j] - gate[size + j] * gate[2 * size + j]
            else:
                earlier = after[s, before + i]
                for j in range(size):
                    h[j] = gate[2 * size + j] + gate[size + j] * (earlier[j] - gate[2 * size + j])


def _backward(
    totals: FloatArray, gates: FloatArray, scaled: FloatArray, after: FloatArray, carried: FloatArray,
    grads: FloatArray, sums: FloatArray, first: int, before: int, rows: int, going_on: int,
) -> None:  # fmt: skip
    """Take the gradient of a step's hidden states back to what its gates are made of.

    With d of a hidden state complete: dn = d (1 - z)(1 - n^2) of the new gate's input, dn r of m,
    d (h' - n) z (1 - z) of the update gate, dn m r (1 - r) of the reset gate; h' gets d z beside its products' share.

    Args:
        totals: Gradients of the outputs ``[stack, row, hidden]``.
        gates: r, z and n, as `forward` left them.
        scaled: As `forward` wrote them.
        after: As `forward` wrote them.
        carried: ``[stack, row of the first step, hidden]``: what came from the step after comes in, d z goes out.
        grads: Written ``[stack, row, 4 * hidden]``: dn, those of the reset and the update gate, dn r. The first three
            are those of W x, the last three those of W h'.
        sums: ``[stack, 4 * hidden]``: the step's sums of ``grads`` are added.
        first: The step's first row.
        before: The first row of the step before; negative where h' is zero.
        rows: How many rows the step has.
        going_on: How many of them, the first ones, the step after has too.
    """
    stack, _, size = after.shape
    zeros, total = np.zeros(size, dtype=np.float32), np.empty(4 * size, dtype=np.float32)
    for s in range(stack):
        total[:] = ZERO
        for i in range(rows):
            gate, m, d = gates[s, first + i], scaled[s, first + i], carried[s, i]
            output, grad = totals[s, first + i], grads[s, first + i]
            earlier = zeros if before < 0 else after[s, before + i]
            if i < going_on:
                for j in range(size):
                    d[j] += output[j]
            else:
                for j in range(size):
                    d[j] = output[j]
            for j in range(size):
                z, n = gate[size + j], gate[2 * size + j]
                grad[2 * size + j] = d[j] * (earlier[j] - n) * z * (ONE - z)
                grad[j] = d[j] * (ONE - z) * (ONE - n * n)
                d[j] *= z
            for j in range(size):
                of_m = grad[j] * gate[j]
                grad[3 * size + j] = of_m
                grad[size + j] = of_m * m[j] * (ONE - gate[j])
            for j in range(4 * size):
                total[j] += grad[j]
        for j in range(4 * size):
            sums[s, j] += total[j]


forward = kept(_forward, fused=True)
backward = kept(_backward, fused=True)
