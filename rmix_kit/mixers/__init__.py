"""Mixers: from per-agent values to one joint value."""

from rmix_kit.mixers.central import CentralMixer
from rmix_kit.mixers.mixer import IndependentMixer, Mixer, SumMixer
from rmix_kit.mixers.qmix import QMixer
from rmix_kit.mixers.qplex import QPLEXMixer
from rmix_kit.mixers.qtran import JointValue, StateValue
from rmix_kit.mixers.quantile import QuantileMixer

__all__ = [
    "CentralMixer",
    "IndependentMixer",
    "JointValue",
    "Mixer",
    "QMixer",
    "QPLEXMixer",
    "QuantileMixer",
    "StateValue",
    "SumMixer",
]
