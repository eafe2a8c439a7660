"""Networks: pure functions with weights. Recurrent memory is always an argument and a result."""

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.carry import Carry, zero_carry
from rmix_kit.networks.inputs import AgentInputs
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.networks.recurrent import RecurrentEncoder
from rmix_kit.networks.risk_predictor import RiskPredictor

__all__ = ["AgentInputs", "AgentNetwork", "Carry", "QuantileAgent", "RecurrentEncoder", "RiskPredictor", "zero_carry"]
