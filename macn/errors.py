"""Every exception that `macn` raises, on one page."""

from __future__ import annotations


class MACNError(Exception):
    """The root of all errors of this package: catch it to catch them all."""


class ParameterError(MACNError, ValueError):
    """A constructor or function argument has a value that the environment cannot use."""


class LayoutError(MACNError, ValueError):
    """A grid was refused.

    The attributes `row` and `column` (counted from 0) say where the reader stopped, `reason` says why.
    """

    def __init__(self, reason: str, *, row: int = 0, column: int = 0) -> None:
        """Build the error.

        Args:
            reason: what came, what was expected and what to do.
            row: row of the offending cell, counted from 0 at the top.
            column: column of the offending cell, counted from 0 at the left.
        """
        super().__init__(f"layout refused at row {row}, column {column} (counted from 0): {reason}")
        self.row = row
        self.column = column
        self.reason = reason


class ActionError(MACNError, ValueError):
    """An action is missing, has the wrong shape or lies outside 0..3."""


class NotResetError(MACNError, RuntimeError):
    """The environment was stepped before its first reset or after its episode had ended."""


class ProblemTooLargeError(MACNError, ValueError):
    """The exact solution would need more joint state-actions than the oracle accepts."""
