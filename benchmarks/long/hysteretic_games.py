"""Hysteretic tables on games where trusting a teammate's exploration leads astray: how many of 200 runs find the best.

    python benchmarks/long/hysteretic_games.py

Two independent learners, one table of values each, learn from the team reward with the loss of LH-IQN
(`rmix_kit.losses.hysteresis`): one quantile at 1/2 with a threshold wider than any error, stepped by SGD, is exactly
hysteretic Q-learning (Matignon, Laurent and Le Fort-Piat 2007). alpha 0.1, epsilon 1 times 0.9997 after each of 10,000
steps. beta is the step size on the way down; beta = alpha forgives nothing. All runs of all games step together, one
thread. Writes ``results/hysteretic_games.csv``.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from rmix_kit.envs.didactic.games import climbing, penalty, qtran
from rmix_kit.envs.didactic.table import TableGame
from rmix_kit.losses import quantile_huber_loss
from rmix_kit.losses.hysteresis import hysteretic_weights

RESULTS = Path(__file__).resolve().parents[1] / "results" / "hysteretic_games.csv"
ALPHA, EPSILON_FACTOR, STEPS, RUNS = 0.1, 0.9997, 10_000, 200
BETAS = (0.1, 0.05, 0.02, 0.01, 0.001, 0.0)
KAPPA = 1024.0  # above every error, and a power of two, which rescales without rounding
GAMES: dict[str, TableGame] = {
    "climbing": climbing(),
    "climbing, one cell a coin": climbing("partial"),
    "climbing, every cell a coin": climbing("full"),
    "penalty, k = -10": penalty(-10.0),
    "penalty, k = -100": penalty(-100.0),
    "qtran": qtran(),
}


class Outcome(NamedTuple):
    """How one game ended with one beta.

    Attributes:
        game: Its name.
        beta: Step size on the way down.
        best: Share of runs whose greedy joint action pays the most.
        payoffs: Share of runs by expected payoff of the greedy joint action, highest first.
    """

    game: str
    beta: float
    best: float
    payoffs: dict[float, float]


def learn(games: Sequence[TableGame], betas: Sequence[float], *, runs: int, steps: int, seed: int) -> Tensor:
    """Learn every game with every beta.

    Args:
        games: One-step games of two agents with the same number of actions.
        betas: Step sizes on the way down, in [0, alpha].
        runs: Runs of each pair.
        steps: Episodes of one step.
        seed: Of exploration and of the games' coins.

    Returns:
        The greedy joint actions int64 ``[game, beta, run, agent]``.
    """
    generator = torch.Generator().manual_seed(seed)
    size, n_actions = (len(games), len(betas), runs), games[0].spec.n_actions
    payoffs = stacked_payoffs(games)  # [game, outcome, first action, second action]
    game = torch.arange(len(games))[:, None, None].expand(size)  # [game, beta, run]
    least = (torch.tensor(betas, dtype=torch.float64) / ALPHA)[:, None, None]  # [beta, 1, 1]
    tables = torch.zeros(*size, 2, n_actions, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([tables], lr=2 * KAPPA * ALPHA)
    tau = torch.full((1,), 0.5, dtype=torch.float64)
    epsilon = 1.0
    for _ in range(steps):
        greedy = tables.detach().argmax(-1)  # [game, beta, run, agent]
        is_random = torch.rand(greedy.shape, generator=generator) < epsilon
        actions = torch.where(is_random, torch.randint(n_actions, greedy.shape, generator=generator), greedy)
        outcome = torch.randint(payoffs.shape[1], size, generator=generator)
        reward = payoffs[game, outcome, actions[..., 0], actions[..., 1]]  # [game, beta, run]
        quantiles = tables.gather(-1, actions.unsqueeze(-1))  # [game, beta, run, agent, quantile]
        targets = reward[..., None, None].expand_as(quantiles)
        weights = hysteretic_weights(quantiles, targets, tau, beta=least)  # [game, beta, run, agent]
        loss = (weights * quantile_huber_loss(quantiles, targets, tau, kappa=KAPPA)).sum()
        (tables.grad,) = torch.autograd.grad(loss, [tables])
        optimizer.step()
        epsilon *= EPSILON_FACTOR
    return tables.detach().argmax(-1)


def stacked_payoffs(games: Sequence[TableGame]) -> Tensor:
    """Return all payoffs float64 ``[game, outcome, *action]``, a game's outcomes repeated up to the most there are."""
    most = max(game.payoffs.shape[1] for game in games)
    rows = [torch.from_numpy(game.payoffs[0]) for game in games]  # [outcome, *action] each
    return torch.stack([row.repeat(most // len(row), 1, 1) for row in rows])


def outcomes(*, runs: int = RUNS, steps: int = STEPS, seed: int = 0) -> list[Outcome]:
    """Learn all games and count what the greedy joint actions pay."""
    actions = learn(list(GAMES.values()), BETAS, runs=runs, steps=steps, seed=seed)
    found = []
    for index, (name, game) in enumerate(GAMES.items()):
        expected = torch.from_numpy(game.expected_payoffs[0])  # [first action, second action]
        for row, beta in enumerate(BETAS):
            first, second = actions[index, row].unbind(-1)  # [run]
            paid = expected[first, second].tolist()
            shares = {value: paid.count(value) / runs for value in sorted(set(paid), reverse=True)}
            found.append(Outcome(name, beta, shares.get(float(expected.max()), 0.0), shares))
    return found


def table(found: Sequence[Outcome]) -> str:
    """Return the shares of runs that found the best joint action as a Markdown table."""
    lines = ["| game | " + " | ".join(f"beta {beta:g}" for beta in BETAS) + " |", "|---" * (len(BETAS) + 1) + "|"]
    for name in GAMES:
        shares = [f"{100 * outcome.best:.1f} %" for outcome in found if outcome.game == name]
        lines.append(f"| {name} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def main() -> None:
    """Learn, write the CSV and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each game and beta")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = outcomes(runs=arguments.runs, seed=arguments.seed)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["game", "beta", "runs", "steps", "seed", "share_best", "shares_by_payoff"])
        for outcome in found:
            shares = "; ".join(f"{payoff:g}: {share:g}" for payoff, share in outcome.payoffs.items())
            row = [outcome.game, outcome.beta, arguments.runs, STEPS, arguments.seed, outcome.best, shares]
            writer.writerow(row)
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
