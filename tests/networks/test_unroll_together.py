"""Agents that step through time together give what they give alone, and a subclass's own way is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from rmix_kit.networks import implicit_quantile, quantile, value
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent, ImplicitQuantileOutput
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.networks.quantile_output import QuantileOutput
from rmix_kit.networks.value import ValueAgent, ValueOutput
from rmix_kit.testing.episodes import make_spec, random_batch
from rmix_kit.types import EpisodeBatch

SPEC = make_spec()


class OwnValueAgent(ValueAgent):
    def unroll(self, batch: EpisodeBatch) -> ValueOutput:
        output = super().unroll(batch)
        return output._replace(outputs=output.outputs + 100)


class OwnQuantileAgent(QuantileAgent):
    def unroll(self, batch: EpisodeBatch) -> QuantileOutput:
        output = super().unroll(batch)
        return output._replace(hidden_states=output.hidden_states + 100)


class OwnImplicitQuantileAgent(ImplicitQuantileAgent):
    def unroll(self, batch: EpisodeBatch) -> ImplicitQuantileOutput:
        output = super().unroll(batch)
        return output._replace(hidden_states=output.hidden_states + 100)


MAKERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[Sequence[Any], EpisodeBatch], Any]]] = {
    "value": (ValueAgent, OwnValueAgent, value.unroll_together),
    "quantile": (
        lambda spec, **sizes: QuantileAgent(spec, n_quantiles=4, level_source="predicted", n_levels=3, **sizes),
        lambda spec, **sizes: OwnQuantileAgent(spec, n_quantiles=4, level_source="predicted", n_levels=3, **sizes),
        quantile.unroll_together,
    ),
    "implicit": (
        lambda spec, **sizes: ImplicitQuantileAgent(spec, n_acting_quantiles=3, **sizes),
        lambda spec, **sizes: OwnImplicitQuantileAgent(spec, n_acting_quantiles=3, **sizes),
        implicit_quantile.unroll_together,
    ),
}


def numbers(output: Any) -> torch.Tensor:
    found: torch.Tensor = output.outputs if isinstance(output, ValueOutput) else output.hidden_states
    return found.detach()


def made(make: Callable[..., AgentNetwork], seed: int) -> AgentNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(SPEC, hidden_size=8)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("is_own", [False, True])
def test_together_they_give_what_they_give_alone(kind: str, is_own: bool) -> None:
    plain, own, together = MAKERS[kind]
    agents: list[Any] = [made(plain, 0), made(own if is_own else plain, 1)]
    batch = random_batch(SPEC, [5, 3, 3, 1], 0)
    for agent, output in zip(agents, together(agents, batch), strict=True):
        torch.testing.assert_close(numbers(output), numbers(agent.unroll(batch)), rtol=1e-6, atol=1e-6)
    assert numbers(together(agents, batch)[1]).max() > 50 or not is_own
