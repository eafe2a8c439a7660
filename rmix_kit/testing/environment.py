"""What `rmix-kit envs check` finds, as a test."""

from __future__ import annotations

from rmix_kit.doctor.environment import Finding, check
from rmix_kit.envs.given import given_environment
from rmix_kit.errors import EnvironmentContractError


def check_environment(env: object, episodes: int = 10) -> list[Finding]:
    """Play random episodes of an environment, and raise where training would be refused.

    Args:
        env: A text as after ``--env``, such as "pettingzoo:my_package.parallel_env"; or an environment, or a function
            that makes one, as `rmix_kit.train` takes them.
        episodes: Random episodes, at least 1.

    Returns:
        What was found: sizes, ranges, whether episodes can be repeated, and the like.

    Raises:
        EnvironmentContractError: With every problem.
        ConfigError: It is no environment at all.
        MissingExtraError: The kind needs an extra that is not installed.
    """
    findings = check(env, episodes)
    problems = [finding for finding in findings if finding.status == "problem"]
    if problems:
        told = "; ".join(f"{finding.name}: {finding.found}" for finding in problems)
        raise EnvironmentContractError(f"{given_environment(env)[0]}: {told}")
    return findings
