"""End a training when its evaluations stop improving: `python early_stopping.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

import rmix_kit
from rmix_kit.callbacks import Callback, Evaluated, Stop


class EarlyStopping(Callback):
    """Stops a training whose return has been no better for some evaluations."""

    def __init__(self, patience: int) -> None:
        self.best, self.patience, self.since = float("-inf"), patience, 0

    def evaluation(self, record: Evaluated) -> Stop | None:
        """Compare with the best so far."""
        mean = record.evaluation.return_mean
        self.since = 0 if mean > self.best else self.since + 1
        self.best = max(mean, self.best)
        if self.since >= self.patience:
            return Stop(f"no return above {self.best:g} in {self.patience} evaluations")
        return None


def main() -> None:
    """Train until nothing changes, and say why it ended; `train(..., resume=True)` would go on exactly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="environment steps at most")
    parser.add_argument("--patience", type=int, default=4, help="evaluations")
    parser.add_argument("--out", type=Path, default=Path("stopped"))
    given = parser.parse_args()
    run = rmix_kit.train(
        "vdn",
        "macn:4x7",
        steps=given.steps,
        out=given.out,
        overrides={"evaluation_interval": max(given.steps // 20, 50)},
        callbacks=[EarlyStopping(given.patience)],
    )
    print(f"{run.checkpoint_step} of {run.config.steps} steps: {run.stopped or 'finished'}")


if __name__ == "__main__":
    main()
