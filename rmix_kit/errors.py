"""Every exception that rmix_kit raises on purpose."""

from __future__ import annotations


class RmixKitError(Exception):
    """Root of all errors of this package: one line that says what came, what was expected and what to do."""


class ShapeError(RmixKitError, ValueError):
    """An array or tensor has the wrong rank, size or dtype."""


class EnvironmentTextError(RmixKitError, ValueError):
    """An environment text such as ``macn:4x12?slip=0.1`` cannot be read."""


class UntrustedCodeError(RmixKitError):
    """A file names code, and no person has consented to run it."""


class EnvironmentContractError(RmixKitError, ValueError):
    """An environment returned something that its contract does not allow."""


class ActionError(RmixKitError, ValueError):
    """An action is missing, unknown or out of range, or no episode is running in which to take it."""


class AlgorithmContractError(RmixKitError, ValueError):
    """An algorithm does not do what every algorithm does (`rmix_kit.testing.check_algorithm`)."""


class ConfigError(RmixKitError, ValueError):
    """A configuration value is unknown, of the wrong type or out of range."""


class CheckpointError(RmixKitError):
    """A run folder or checkpoint is damaged, foreign, or of another format."""


class RunFolderError(RmixKitError):
    """A run folder exists already, is missing, or is in use."""


class RecordError(RmixKitError):
    """A record of a run is missing, damaged, or of another format."""


class NonFiniteError(RmixKitError, ArithmeticError):
    """An observation, loss or gradient is NaN or infinite; training stopped before the step."""


class DeviceError(RmixKitError, ValueError):
    """The requested device does not exist on this machine."""


class MissingExtraError(RmixKitError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


class Interrupted(RmixKitError):  # noqa: N818 - it reports a wish, not a fault
    """A signal ended training; the command line exits with 128 + its number."""

    def __init__(self, signal: int, what_stands: str = "") -> None:
        """Return which signal came.

        Args:
            signal: Its number, such as ``signal.SIGTERM``.
            what_stands: What was saved, for the message.
        """
        super().__init__(f"interrupted by signal {signal}" + (f": {what_stands}" if what_stands else ""))
        self.signal = int(signal)


class AgentProcessError(RmixKitError):
    """The process of an isolated agent ended, hangs, or refused its observation."""


class StarCraftError(RmixKitError):
    """The real StarCraft II cannot be started, or fails again and again."""
