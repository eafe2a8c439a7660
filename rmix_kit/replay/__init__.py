"""Replay of whole episodes."""

from rmix_kit.replay.buffer import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock

__all__ = ["EpisodeBlock", "ReplayBuffer"]
