"""Every algorithm has one look, which those who see few colours can tell apart."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest

from rmix_kit.algorithms import ALGORITHMS as ROSTER
from rmix_kit.plotting.style import ALGORITHMS, COLOURS, house_style, looks_of, new_figure, rank_of

LEAST_DISTANCE = 0.12  # in linear red, green, blue, each in [0, 1]
# Machado et al. 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.
DEFICIENCIES = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "none": np.eye(3).tolist(),
}


def test_every_algorithm_of_the_roster_has_a_look() -> None:
    assert set(ALGORITHMS) == {algorithm.name for algorithm in ROSTER}


def test_no_two_algorithms_look_the_same() -> None:
    assert len(set(looks_of(ALGORITHMS).values())) == len(ALGORITHMS)


def test_algorithms_of_one_colour_differ_in_line_and_mark() -> None:
    for first, second in itertools.combinations(looks_of(ALGORITHMS).values(), 2):
        if first.colour == second.colour:
            assert first.line != second.line
            assert (first.mark, first.is_hollow) != (second.mark, second.is_hollow)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_stay_apart_for_those_who_see_few(deficiency: str) -> None:
    shown = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS]) ** 2.2
    seen = shown @ np.array(DEFICIENCIES[deficiency]).T
    for first, second in itertools.combinations(range(len(COLOURS)), 2):
        assert np.linalg.norm(seen[first] - seen[second]) > LEAST_DISTANCE, (COLOURS[first], COLOURS[second])


def test_an_unknown_algorithm_has_a_look_and_comes_last() -> None:
    assert looks_of(["mine"]) == looks_of(["mine"])
    assert sorted(["mine", *ALGORITHMS], key=rank_of)[-1] == "mine"


def test_an_algorithm_looks_the_same_in_whatever_company() -> None:
    everyone = looks_of(ALGORITHMS)
    for name in ALGORITHMS:
        assert looks_of([f"{name} gamma={place}" for place in range(5)] + [name])[name] == everyone[name]


def test_variants_of_an_algorithm_look_different_and_stand_beside_it() -> None:
    names = ["rmix", "vdn", *(f"rmix hidden_size={size}" for size in range(12))]
    assert len(set(looks_of(names).values())) == len(names)
    assert sorted(["vdn", "rmix hidden_size=64", "rmix", "rmix-quick", "qmix"], key=rank_of) == [
        *("rmix", "rmix hidden_size=64", "rmix-quick", "qmix", "vdn")
    ]


def test_a_picture_of_more_names_than_looks_repeats_them() -> None:
    assert len(looks_of([f"mine {place}" for place in range(30)])) == 30


def test_the_style_is_gone_after_its_block() -> None:
    before = dict(matplotlib.rcParams)
    with house_style():
        new_figure(50.0)
    assert dict(matplotlib.rcParams) == before
