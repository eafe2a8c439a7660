"""Collecting whole episodes."""

from rmix_kit.collect.collector import Collector, Starts, spare_rows
from rmix_kit.collect.exploration import LinearSchedule
from rmix_kit.collect.unfinished import Round

__all__ = ["Collector", "LinearSchedule", "Round", "Starts", "spare_rows"]
