"""MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rmix_kit.callbacks import Ended, Started
from rmix_kit.loggers.interface import Logger, library
from rmix_kit.spelling import dotted

_STATUS = {"finished": "FINISHED", "stopped": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
_LARGEST_BATCH = 100
"""Parameters that MLflow takes at once."""


class MlflowLogger(Logger):
    """Sends rows to a run of MLflow, with environment steps as the step of every metric."""

    name = "mlflow"

    def __init__(self, *, tracking_uri: str | None = None, experiment: str = "rmix-kit") -> None:
        """Say where to.

        Args:
            tracking_uri: Server or store; None for what MLflow is set to.
            experiment: Its name; made where there is none.

        Raises:
            MissingExtraError: The library is not installed.
        """
        self._mlflow, self._entities = library(self.name), library("mlflow.entities")
        self._uri, self._experiment = tracking_uri, experiment
        self._client: Any = None  # mlflow.MlflowClient
        self._run = ""

    def begin(self, started: Started, continued: str | None) -> str:
        """Open the run, or go on with it."""
        self._client = client = self._mlflow.MlflowClient(self._uri)
        if continued is not None:
            client.update_run(continued, status="RUNNING")
            self._run = continued
            return continued
        experiment = client.get_experiment_by_name(self._experiment)
        number = client.create_experiment(self._experiment) if experiment is None else experiment.experiment_id
        self._run = client.create_run(number, run_name=started.run.name).info.run_id
        parameters = [self._entities.Param(name, str(value)) for name, value in dotted(started.config)]
        for first in range(0, len(parameters), _LARGEST_BATCH):
            client.log_batch(self._run, params=parameters[first : first + _LARGEST_BATCH])
        return self._run

    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float]) -> None:
        """Send a row."""
        now = int(time.time() * 1000)
        metrics = [self._entities.Metric(f"{kind}/{name}", value, now, env_steps) for name, value in numbers.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def end(self, ended: Ended) -> None:
        """Close the run with how training ended."""
        self._client.set_tag(self._run, "rmix-kit.reason", ended.reason or ended.how)
        self._client.set_terminated(self._run, status=_STATUS[ended.how])
