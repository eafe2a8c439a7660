"""Collecting whole episodes."""

from rmix_kit.collect.collector import Collector, Starts
from rmix_kit.collect.exploration import LinearSchedule
from rmix_kit.collect.unfinished import Round

__all__ = ["Collector", "LinearSchedule", "Round", "Starts"]
