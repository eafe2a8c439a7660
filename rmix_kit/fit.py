"""Whether agents can act in an environment: one rule for runs and for exported agents."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exporters.contract import PolicySpec
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.types import EnvSpec

ADVICE = "give the environment that they were trained in, with the same options"


def check_fit(
    specs: Mapping[str, PolicySpec], env: EnvSpec, text: str = "the environment", *, state_size: int | None = None
) -> None:
    """Refuse agents that were trained for another sort of environment.

    Args:
        specs: What each agent was trained with, by id, in the order of the agent axis.
        env: The environment that they are to act in.
        text: Its environment text, for the error.
        state_size: Length of the state that their mixer was trained with; None where no mixer is asked.

    Raises:
        EnvironmentContractError: Naming the first thing that differs, both ways.
    """
    if tuple(specs) != env.agent_ids:
        raise EnvironmentContractError(
            f"the agents that were trained are {', '.join(specs)}; {text} has {', '.join(env.agent_ids)}; {ADVICE}"
        )
    for agent, spec in specs.items():
        facts: dict[str, tuple[object, object]] = {
            "observation shape": (spec.obs.shape, env.obs_shape),
            "observation dtype": (spec.obs.dtype, env.obs_dtype),
            "number of actions": (spec.n_actions, env.n_actions),
        }
        if state_size is not None:
            facts["state size"] = (state_size, env.state_size)
        for name, (expected, found) in facts.items():
            if expected != found:
                raise EnvironmentContractError(
                    f"{agent} was trained with the {name} {expected}; {text} has {found}; {ADVICE}"
                )
        # Wider bounds are refused although the arithmetic would go through: an exported agent refuses what lies outside
        # of those it was trained with, and a run codes by them, so that it would see numbers that it never met.
        low, high = spec.obs.low or (-np.inf,), spec.obs.high or (np.inf,)
        if (np.asarray(env.obs_low) < low).any() or (np.asarray(env.obs_high) > high).any():
            raise EnvironmentContractError(
                f"{agent} was trained with observations from {min(low):g} to {max(high):g}, element by element; {text} "
                f"has wider ones; {ADVICE}"
            )
