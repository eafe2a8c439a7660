"""Use MACN from gymnasium: one import in the id registers it, one loop plays it, one call gives the exact optimum."""

from __future__ import annotations

import gymnasium

from macn import oracle

UP, DOWN, LEFT, RIGHT = range(4)


def main() -> float:
    """Play one episode along the cliff's edge and return its return."""
    env = gymnasium.make("macn:MACN-v0", layout="4x12", render_mode="ansi")
    env.reset(seed=0)
    total, is_over = 0.0, False
    for move in [UP] + [RIGHT] * 11 + [DOWN]:
        _, reward, terminated, truncated, info = env.step([move, move])  # one action per agent
        total += float(reward)
        is_over = terminated or truncated
    print(env.render())
    print(f"return {total:g}, success {info['success']}, over {is_over}")
    print(f"the exact optimum is {oracle.solve('4x12').optimal_return:g}")
    env.close()
    return total


if __name__ == "__main__":
    main()
