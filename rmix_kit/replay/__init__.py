"""Replay of whole episodes."""

from rmix_kit.replay.buffer import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock
from rmix_kit.replay.records import worst_case_bytes

__all__ = ["EpisodeBlock", "ReplayBuffer", "worst_case_bytes"]
