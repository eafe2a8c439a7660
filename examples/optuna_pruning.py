"""Search a learning rate over four runs, and prune those that fall behind: `pip install optuna`, then run this."""

from __future__ import annotations

import argparse
from pathlib import Path

import optuna

import rmix_kit
from rmix_kit.callbacks import Callback, Evaluated, Stop


class Pruning(Callback):
    """Tells a trial of every evaluation, and ends training where the trial is to be pruned."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def evaluation(self, record: Evaluated) -> Stop | None:
        """Report the mean return."""
        self.trial.report(record.evaluation.return_mean, record.env_steps)
        return Stop("pruned by Optuna") if self.trial.should_prune() else None


def main() -> None:
    """Search, and print what came of each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40_000, help="environment steps of each run")
    parser.add_argument("--out", type=Path, default=Path("search"))
    given = parser.parse_args()

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True)
        values = {"learning_rate": rate, "evaluation_interval": max(given.steps // 8, 50)}
        out = given.out / f"trial-{trial.number}"
        run = rmix_kit.train(
            "vdn", "macn:4x7", steps=given.steps, out=out, overrides=values, callbacks=[Pruning(trial)]
        )
        if run.stopped:
            raise optuna.TrialPruned(run.stopped)
        return run.evaluate(episodes=32).return_mean

    sampler, pruner = optuna.samplers.TPESampler(seed=0), optuna.pruners.MedianPruner(n_startup_trials=1)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=4)
    for trial in study.trials:
        print(f"trial {trial.number}: {trial.params}, {trial.state.name}, return {trial.value}")


if __name__ == "__main__":
    main()
