"""Battles of the built-in SMAC simulator with random allowed actions, and the same ones unit by unit in plain Python.

A step is everything that a trainer asks for: random allowed actions, the battle, observations, state, masks, reward and
end, at difficulty 7; starting a battle is inside the measured time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np
from naive_smac import NaiveBattle

from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.smac import combat
from rmix_kit.smac.arena import DIFFICULTIES, arena_of
from rmix_kit.smac.facts import layout_facts
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.types import IntArray, TimeStep

LEAST_SECONDS = 0.3  # of a turn
STEPS_AT_ONCE = 64  # of every copy, between two looks at the clock
DIFFICULTY = "7"
CAN_RESTART = hasattr(BuiltinVector, "restart")

Play = Callable[[], int]
"""Plays for a while; gives the steps of battles that went on."""


def random_actions(step: TimeStep, rng: np.random.Generator) -> IntArray:
    """Draw an allowed action for every agent, int64 ``[env, agent]``."""
    return (rng.random(step.avail_actions.shape, dtype=np.float32) * step.avail_actions).argmax(-1)


def waiting(map_name: str, copies: int) -> Play:
    """Return rounds of battles in which copies wait for the longest; only battles that go on are counted."""
    envs, rng = BuiltinVector(map_name, copies, difficulty=DIFFICULTY), np.random.default_rng(0)

    def play() -> int:
        now = envs.reset([int(seed) for seed in rng.integers(2**31, size=copies)])
        steps, goes_on = 0, np.ones(copies, dtype=np.bool_)
        while goes_on.any():
            steps += int(goes_on.sum())
            now = envs.step(random_actions(now, rng))
            goes_on = ~(now.terminated | now.truncated)
        return steps

    return play


def restarting(map_name: str, copies: int) -> Play:
    """Return steps of copies that begin the next battle at once, so that each of them counts."""
    envs, rng = BuiltinVector(map_name, copies, difficulty=DIFFICULTY), np.random.default_rng(0)
    now = envs.reset([int(seed) for seed in rng.integers(2**31, size=copies)])

    def play() -> int:
        nonlocal now
        for _ in range(STEPS_AT_ONCE):
            now = envs.step(random_actions(now, rng))
            is_over = now.terminated | now.truncated
            if is_over.any():
                now = envs.restart(is_over, [int(seed) for seed in rng.integers(2**31, size=int(is_over.sum()))])
        return STEPS_AT_ONCE * copies

    return play


def unit_by_unit(map_name: str) -> Play:
    """Return battles of the plain reference."""
    facts, arena = layout_facts(SCENARIOS[map_name]), arena_of(map_name)
    draws = random.Random(0)
    bits_of = range(len(arena.unit))
    one = NaiveBattle(facts, arena, DIFFICULTIES[DIFFICULTY], lambda tick: [draws.getrandbits(60) for _ in bits_of])

    def play() -> int:
        one.copy_from(combat.begin(arena, np.array([draws.getrandbits(31)])), 0)
        _, _, masks = one.observe()
        steps = 0
        while steps < SCENARIOS[map_name].episode_limit and not one.is_over():
            one.step([draws.choice([action for action, can in enumerate(row) if can]) for row in masks.tolist()])
            _, _, masks = one.observe()
            steps += 1
        return steps

    return play


def steps_per_cpu_second(play: Play, least_seconds: float = LEAST_SECONDS) -> float:
    """Play for a moment and return how fast that was."""
    start, steps = time.process_time(), 0
    while (seconds := time.process_time() - start) < least_seconds:
        steps += play()
    return steps / seconds
