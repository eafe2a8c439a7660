"""Rows of a training's numbers for Weights & Biases, MLflow, or whatever a user extends `Logger` for."""

from __future__ import annotations

from rmix_kit.loggers.interface import Logger
from rmix_kit.loggers.making import make_loggers
from rmix_kit.loggers.mlflow import MlflowLogger
from rmix_kit.loggers.wandb import WandbLogger

__all__ = ["Logger", "MlflowLogger", "WandbLogger", "make_loggers"]
