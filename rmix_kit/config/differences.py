"""What of a run's configuration is not its preset's."""

from __future__ import annotations

from typing import Any

from rmix_kit.config.load import resolve
from rmix_kit.config.schema import RunConfig
from rmix_kit.errors import ConfigError
from rmix_kit.spelling import dotted


def differences_from_preset(config: RunConfig) -> dict[str, Any] | None:
    """Return the values that a run is given besides its preset.

    Returns:
        By dotted name, such as ``training.batch_size``; compared with the preset as this version has it, its values
        for the run's map included. None where this version has no such preset of the algorithm.
    """
    try:
        plain = resolve(
            algo=type(config.algorithm),
            env=config.env,
            seed=config.seed,
            steps=config.steps,
            preset=config.preset,
            report=lambda line: None,
        )
    except ConfigError:
        return None
    own, given = (dict(dotted(one.settings)) for one in (plain, config))
    return {name: value for name, value in given.items() if value != own[name]}
