"""What discounting does to the dial: CVaR of the two ways of `bridge`, of returns with and without a discount.

    python benchmarks/discounted_levels.py [--episodes 400000]

The exact policies at levels 0.5 (the long way) and 1.0 (the short one) play MACN's exact transition table; the
difference of their CVaR says which way a level prefers, and by how much.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from macn.joint import KIND_REWARD, joint_game, mix_slips
from macn.oracle import solve
from macn.settings import make_settings
from rmix_kit.episodes import tail_mean

GAMMAS = (1.0, 0.999, 0.99)
LEVELS = (0.5, 0.7, 0.8, 0.9, 1.0)
STEPS = 50


def returns(level: float, episodes: int) -> dict[float, npt.NDArray[np.float64]]:
    """Play the exact policy of a level; the returns of every episode by discount."""
    game = joint_game(make_settings("bridge", n_agents=2, slip=0.1, max_steps=STEPS))
    n_joint = game.entry.shape[1]
    chances = mix_slips(np.eye(n_joint)[..., None], game.settings)[..., 0].T.cumsum(-1)  # [chosen, executed]
    actions = solve("bridge", slip=0.1, max_steps=STEPS, risk_level=level).policy.joint_actions
    rng, end = np.random.default_rng(0), game.n_states
    earned = {gamma: np.zeros(episodes) for gamma in GAMMAS}
    state, alive = np.full(episodes, game.start), np.arange(episodes)
    for time in range(STEPS):
        chosen = actions[time, state[alive]]
        drawn = rng.random(len(alive))[:, None]
        executed = (drawn > chances[chosen]).sum(-1).clip(max=n_joint - 1)
        kind, state[alive] = np.divmod(game.entry[state[alive], executed], end + 1)
        for gamma, totals in earned.items():
            totals[alive] += gamma**time * KIND_REWARD[kind]
        alive = alive[state[alive] != end]
    return earned


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=400_000)
    episodes = parser.parse_args().episodes
    ways = {name: returns(level, episodes) for name, level in (("long", 0.5), ("short", 1.0))}
    print("| level | " + " | ".join(f"gamma {gamma:g}: long, short, difference" for gamma in GAMMAS) + " |")
    print("|---|" + "---|" * len(GAMMAS))
    for level in LEVELS:
        cells = []
        for gamma in GAMMAS:
            long, short = (tail_mean(ways[name][gamma], level) for name in ways)
            cells.append(f"{long:.2f}, {short:.2f}, {long - short:+.2f}")
        print(f"| {level:g} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
