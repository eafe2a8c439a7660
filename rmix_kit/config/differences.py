"""What of a run's configuration is not its preset's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rmix_kit.config.load import resolve
from rmix_kit.config.schema import RunConfig
from rmix_kit.config.values import SECTIONS
from rmix_kit.spelling import dotted


def differences_from_preset(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a run was given besides its preset.

    Args:
        config: `RunConfig.to_dict` of the run.

    Returns:
        By dotted name, such as ``training.batch_size``; compared with the preset as this version has it, its values
        for the run's map included.

    Raises:
        ConfigError: The configuration is not one of this version.
    """
    stored = RunConfig.from_dict(config)
    plain = resolve(
        algo=stored.algorithm.name,
        env=stored.env,
        seed=stored.seed,
        steps=stored.steps,
        preset=stored.preset,
        report=lambda line: None,
    ).to_dict()
    own = dict(dotted({name: plain[name] for name in SECTIONS}))
    given = dict(dotted({name: config[name] for name in SECTIONS}))
    return {name: value for name, value in given.items() if value != own[name]}
