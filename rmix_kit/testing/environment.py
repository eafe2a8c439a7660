"""What `rmix-kit envs check` finds, as a test."""

from __future__ import annotations

from rmix_kit.doctor.environment import Finding, check
from rmix_kit.errors import EnvironmentContractError


def check_environment(text: str, episodes: int = 10) -> list[Finding]:
    """Play random episodes of an environment, and raise where training would be refused.

    Args:
        text: As after ``--env``, such as "pettingzoo:my_package.parallel_env".
        episodes: Random episodes, at least 1.

    Returns:
        What was found: sizes, ranges, whether episodes can be repeated, and the like.

    Raises:
        EnvironmentContractError: With every problem.
        MissingExtraError: The kind needs an extra that is not installed.
    """
    findings = check(text, episodes)
    problems = [finding for finding in findings if finding.status == "problem"]
    if problems:
        told = "; ".join(f"{finding.name}: {finding.found}" for finding in problems)
        raise EnvironmentContractError(f"{text}: {told}")
    return findings
