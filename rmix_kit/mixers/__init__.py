"""Mixers: from per-agent values to one joint value."""

from rmix_kit.mixers.qmix import QMixer
from rmix_kit.mixers.vdn import mix_sum

__all__ = ["QMixer", "mix_sum"]
