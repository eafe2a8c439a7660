"""What a user's environment does, found out by playing it: `rmix-kit envs check`."""

from rmix_kit.doctor.environment.check import check
from rmix_kit.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "check"]
