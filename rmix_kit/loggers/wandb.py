"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rmix_kit.callbacks import Ended, Started
from rmix_kit.loggers.interface import Logger, library


class WandbLogger(Logger):
    """Sends rows to a run of Weights & Biases, with ``env_steps`` as the axis of all of them."""

    name = "wandb"

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - handed on to wandb
        """Keep what `wandb.init` is to be given.

        Args:
            settings: Such as ``project="cliffs"``, ``mode="offline"`` or ``dir="logs"``; what is left out is as wandb's
                environment variables have it, the project "rmix-kit" aside.

        Raises:
            MissingExtraError: The library is not installed.
        """
        self._wandb, self._settings = library(self.name), settings
        self._run: Any = None  # wandb.Run

    def begin(self, started: Started, continued: str | None) -> str:
        """Open the run, or go on with it."""
        config = started.config
        named = {"project": "rmix-kit", "name": started.run.name, "group": f"{config['algo']} {config['env']}"}
        going_on = {"id": continued, "resume": "allow"} if continued else {}
        self._run = self._wandb.init(**{**named, "config": dict(config), **self._settings, **going_on})
        self._run.define_metric("env_steps")
        self._run.define_metric("*", step_metric="env_steps")
        return str(self._run.id)

    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float]) -> None:
        """Send a row."""
        self._run.log({"env_steps": env_steps, **{f"{kind}/{name}": value for name, value in numbers.items()}})

    def end(self, ended: Ended) -> None:
        """Close the run; one that failed or was interrupted is marked so."""
        self._run.summary["ended"] = ended.how
        self._run.summary["reason"] = ended.reason
        self._run.finish(exit_code=1 if ended.how in ("failed", "interrupted") else 0)
