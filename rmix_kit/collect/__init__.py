"""Collecting whole episodes."""

from rmix_kit.collect.collector import Collector, Round
from rmix_kit.collect.exploration import LinearSchedule

__all__ = ["Collector", "LinearSchedule", "Round"]
