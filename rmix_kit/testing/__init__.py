"""Checks for what users write: the bar that this package's own algorithms and environments pass.

from rmix_kit.testing import check_algorithm, check_environment

def test_mine():
check_algorithm(MyAlgorithm)
check_environment("pettingzoo:my_package.parallel_env")
"""

from rmix_kit.testing.algorithm import CHECKS, check_algorithm, made_small
from rmix_kit.testing.environment import check_environment

__all__ = ["CHECKS", "check_algorithm", "check_environment", "made_small"]
