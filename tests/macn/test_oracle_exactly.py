"""The oracle against plain Python on fractions, where ties are ties."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest

from macn import oracle

Spread = dict[Fraction, Fraction]
"""Probability of each return."""
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


def moved(rows: tuple[str, ...], cell: tuple[int, int], action: int) -> tuple[int, int]:
    row, column = cell[0] + MOVES[action][0], cell[1] + MOVES[action][1]
    is_inside = 0 <= row < len(rows) and 0 <= column < len(rows[0])
    is_held = rows[cell[0]][cell[1]] == "G" or not is_inside or rows[row][column] == "#"
    return cell if is_held else (row, column)


def step_of(rows: tuple[str, ...], cells: tuple[tuple[int, int], ...]) -> tuple[Fraction, bool]:
    """Reward of a step that ended in these cells, and whether the episode is over."""
    marks = [rows[row][column] for row, column in cells]
    if "C" in marks:
        return Fraction(-100), True
    if set(marks) == {"G"}:
        return Fraction(0), True
    return Fraction(-1, 2) if "G" in marks else Fraction(-1), False


def mean_of(spread: Spread) -> Fraction:
    return sum((value * share for value, share in spread.items()), Fraction(0))


def cvar_of(spread: Spread, level: Fraction) -> Fraction:
    left, total = level, Fraction(0)
    for value in sorted(spread):
        share = min(spread[value], left)
        total, left = total + share * value, left - share
    return total / level


def solved(text: str, n_agents: int, slip: Fraction, max_steps: int, level: Fraction) -> tuple[Spread, list[int]]:
    """The return of the policy that is greedy on the CVaR, then on the mean, and its first actions."""
    rows = tuple(text.split("\n"))
    (start,) = [(row, line.index("S")) for row, line in enumerate(rows) if "S" in line]
    joint_actions = list(product(range(4), repeat=n_agents))

    def chance(chosen: tuple[int, ...], executed: tuple[int, ...]) -> Fraction:
        result = Fraction(1)
        for own, done in zip(chosen, executed, strict=True):
            result *= slip / 4 + (1 - slip if own == done else 0)
        return result

    @cache
    def best(cells: tuple[tuple[int, int], ...], steps: int) -> tuple[tuple[tuple[Fraction, Fraction], ...], int]:
        if steps == 0:
            return ((Fraction(0), Fraction(1)),), 0
        options = []
        for chosen in joint_actions:
            spread: Spread = defaultdict(Fraction)
            for executed in joint_actions:
                after = tuple(moved(rows, cell, action) for cell, action in zip(cells, executed, strict=True))
                reward, is_over = step_of(rows, after)
                rest = ((Fraction(0), Fraction(1)),) if is_over else best(after, steps - 1)[0]
                for value, share in rest:
                    spread[reward + value] += chance(chosen, executed) * share
            options.append({value: share for value, share in spread.items() if share})
        values = [(cvar_of(option, level), mean_of(option)) for option in options]
        first = values.index(max(values))
        return tuple(sorted(options[first].items())), first

    spread, first = best((start,) * n_agents, max_steps)
    return dict(spread), list(joint_actions[first])


BRIDGE = "...\nS.G\n#C#"  # two steps past a cliff, or four that pass none
EDGE = "C.\nSG"
CASES = [
    (BRIDGE, 1, "0.05", 6, "0.5"),  # CVaRs within 1 of each other, where the better mean has the worse one
    (BRIDGE, 1, "0.08", 6, "0.7"),
    (BRIDGE, 1, "0.1", 6, "0.2"),
    (EDGE, 1, "0.1", 3, "0.05"),
    (EDGE, 2, "0.1", 2, "0.3"),
    (EDGE, 2, "0.2", 2, "0.1"),  # falling at once, -100, is better than falling later, -101
    ("S.\n.G", 2, "0", 3, "0.5"),
]


@pytest.mark.parametrize(("text", "n_agents", "slip", "max_steps", "level"), CASES)
def test_the_solution_is_that_of_plain_python_on_fractions(
    text: str, n_agents: int, slip: str, max_steps: int, level: str
) -> None:
    expected, first = solved(text, n_agents, Fraction(slip), max_steps, Fraction(level))
    solution = oracle.solve(
        text, n_agents=n_agents, slip=float(Fraction(slip)), max_steps=max_steps, risk_level=float(Fraction(level))
    )
    returns = sorted(expected)
    # Products of at most 8 probabilities, added up: 1e-12 is far below any probability here.
    np.testing.assert_array_equal(solution.evaluation.returns, [float(value) for value in returns])
    probabilities = [float(expected[value]) for value in returns]
    np.testing.assert_allclose(solution.evaluation.probabilities, probabilities, rtol=1e-9, atol=1e-12)
    assert solution.cvar(float(Fraction(level))) == pytest.approx(float(cvar_of(expected, Fraction(level))), abs=1e-9)
    assert solution.optimal_return == pytest.approx(float(mean_of(expected)), abs=1e-9)
    start = text.replace("\n", "").index("S")
    assert solution.policy(0, np.full((1, n_agents), start)).tolist() == [first]
