"""Do return distributions say what comes? Predicted quantiles beside the returns that greedy episodes then had.

An agent's quantiles are those of the action that it takes, of the discounted return of the whole team from that step
on, under greedy play: what quantile losses on the environment's reward learn. The agents of DMIX, DDN and RiskQ have
parts of a distribution, and the joint one is taken, once a step. Two measures of forecasts by Gneiting,
Balabdaoui and Raftery (2007), "Probabilistic forecasts, calibration and sharpness":

- the probability integral transform (PIT): where in the predicted distribution the return fell, uniform for a
  calibrated forecast; where the return is one of several equal quantiles, drawn evenly between its two ends;
- the pinball loss, proper for quantiles, beside that of a forecast that knows no state: the quantiles of all the
  returns that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from rmix_kit.algorithms import Algorithm, Networks
from rmix_kit.algorithms.dmix import DMIX, DMIXNetworks
from rmix_kit.algorithms.riskq import RiskQ, RiskQNetworks
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.episodes import saved_share
from rmix_kit.errors import ConfigError, EnvironmentContractError
from rmix_kit.losses import quantile_fractions
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.policy import team_policy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock
from rmix_kit.seeding import generator
from rmix_kit.training.evaluator import greedy_player
from rmix_kit.training.forecast_scores import Floats, distance_from_uniform, moments, pinball_loss, pit
from rmix_kit.types import EpisodeBatch

BINS = 10
IMPLICIT_FRACTIONS = 32
"""Quantiles that are asked of a network which gives any."""
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Forecasts and what came, over all steps and agents of the episodes whose task ended; in reward units.

    Attributes:
        env: Environment text.
        algorithm: Roster name.
        checkpoint_step: Environment steps of the checkpoint.
        risk_level: Asked of all agents; None left it to them.
        seed: Of the episodes.
        episodes: That ended by their task.
        cut_episodes: That the clock ended: what would have come is not known, and they are left out.
        gamma: The discount.
        fractions: Of the quantiles, ``[quantile]`` in (0, 1).
        pit: Share of the forecasts in each tenth of the unit interval, ``[bin]``.
        pit_distance: Largest distance of the PIT's distribution function from the uniform one.
        pinball: Mean pinball loss of the forecasts.
        pinball_constant: That of the constant forecast.
        bias: Mean forecast less mean return; quantiles count as the shares of probability that they stand for.
        spread: Mean standard deviation of a forecast, counted likewise.
        return_spread: Standard deviation of all returns, over states and luck alike.
        first_quantiles: Forecasts of the first step, mean over agents and episodes, ``[quantile]``.
        first_returns: Discounted returns from the first step, ``[episode]``.
        returns: Undiscounted returns of the same episodes, ``[episode]``.
    """

    env: str
    algorithm: str
    checkpoint_step: int
    risk_level: float | None
    seed: int
    episodes: int
    cut_episodes: int
    gamma: float
    fractions: Floats
    pit: Floats
    pit_distance: float
    pinball: float
    pinball_constant: float
    bias: float
    spread: float
    return_spread: float
    first_quantiles: Floats
    first_returns: Floats
    returns: Floats

    @property
    def skill(self) -> float:
        """Share of the constant forecast's pinball loss that the forecasts save; 0 where there is nothing to save."""
        return saved_share(self.pinball, self.pinball_constant)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, `skill` among them."""
        plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}
        return plain | {"skill": self.skill}


def check_distributional(agent: AgentNetwork, name: str) -> None:
    """Refuse agents without a return distribution.

    Args:
        agent: The network.
        name: The algorithm's.

    Raises:
        ConfigError: It has none.
    """
    if not isinstance(agent, QuantileAgent | ImplicitQuantileAgent):
        raise ConfigError(f"{name} predicts no return distribution, so there is none to calibrate; leave it out")


def calibrate(
    algorithm: Algorithm[Any],
    networks: Networks[AgentNetwork],
    envs: VectorEnv,
    *,
    env_text: str,
    episodes: int,
    seed: int,
    checkpoint_step: int,
    reward_scale: float,
    risk_level: float | None = None,
) -> Calibration:
    """Play greedy episodes, and compare what the agents predicted with what came.

    Args:
        networks: On the CPU.
        envs: Copies of the environment.
        env_text: Its text, for the record.
        episodes: How many, at least 1; episode i is reset with the seed of (seed, "test", i).
        checkpoint_step: Environment steps of the weights.
        reward_scale: The factor on rewards that the networks were trained with.
        risk_level: In (0, 1] for all agents; None leaves it to them.

    Raises:
        ConfigError: The agents predict no distribution.
        EnvironmentContractError: The clock ended every episode, or all broke.
    """
    check_distributional(networks.agent, algorithm.name)
    cut, parts = 0, list[_Part]()
    for block in _played(networks.agent, envs, episodes, seed, risk_level):
        cut += int((~block.terminated).sum())
        if block.terminated.any():
            ended = block.of_episodes(block.terminated)
            parts.append(_part(algorithm, networks, envs, ended, reward_scale))
    if not parts:
        raise EnvironmentContractError(
            f"the clock ended all {cut} episodes on {env_text}, so that no return from a step on is known; train the "
            "team until it ends some"
        )
    fractions = parts[0].fractions
    forecasts = np.concatenate([part.forecasts for part in parts])  # [step row, quantile]
    came = np.concatenate([part.came for part in parts])  # [step row]
    shares = pit(forecasts, came, fractions, generator(seed, "calibration"))
    means, deviations = moments(forecasts, fractions)
    return Calibration(
        env=env_text,
        algorithm=algorithm.name,
        checkpoint_step=checkpoint_step,
        risk_level=risk_level,
        seed=seed,
        episodes=sum(len(part.returns) for part in parts),
        cut_episodes=cut,
        gamma=algorithm.gamma,
        fractions=fractions,
        pit=np.histogram(shares, bins=BINS, range=(0.0, 1.0))[0] / len(shares),
        pit_distance=distance_from_uniform(shares),
        pinball=pinball_loss(forecasts, came, fractions),
        pinball_constant=pinball_loss(np.quantile(came, fractions), came, fractions),
        bias=float(means.mean() - came.mean()),
        spread=float(deviations.mean()),
        return_spread=float(came.std()),
        first_quantiles=np.concatenate([part.first for part in parts]).mean(0),
        first_returns=np.concatenate([part.first_returns for part in parts]),
        returns=np.concatenate([part.returns for part in parts]),
    )


def _played(
    agent: AgentNetwork, envs: VectorEnv, episodes: int, seed: int, risk_level: float | None
) -> Iterator[EpisodeBlock]:
    """Play greedy episodes, a round at a time."""
    play = greedy_player(team_policy(agent, envs.spec, CPU), envs, seed=seed, risk_level=risk_level)
    for first in range(0, episodes, envs.num_envs):
        block = play(range(first, first + envs.num_envs)).block
        yield block.of_episodes(np.arange(len(block.length)) < episodes - first)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """Forecasts of some episodes: sorted quantiles ``[step row, quantile]``, and the returns ``[step row]``."""

    fractions: Floats
    forecasts: Floats
    came: Floats
    first: Floats
    first_returns: Floats
    returns: Floats


def _part(
    algorithm: Algorithm[Any],
    networks: Networks[AgentNetwork],
    envs: VectorEnv,
    block: EpisodeBlock,
    reward_scale: float,
) -> _Part:
    replay = ReplayBuffer(envs.spec, len(block.length), CPU, codec=codec_of(envs))
    replay.add(block)
    batch = replay.sample(
        0,
        np.random.default_rng(0),  # nothing is drawn
        reward_scale=reward_scale,
        newest=len(block.length),
        level_draws=algorithm.risk_level_draws,
        level_redraw_share=0.0,
    )
    quantiles, fractions = _predicted(algorithm, networks, networks.coded(batch))  # [batch, time, agent, quantile]
    ordered = np.sort(quantiles, -1) / reward_scale
    rewards = batch.reward.double().numpy() / reward_scale  # [batch, time], zeros after the end
    to_go = np.zeros_like(rewards)
    following = np.zeros(len(rewards))
    for step in reversed(range(rewards.shape[1])):
        following = rewards[:, step] + algorithm.gamma * following
        to_go[:, step] = following
    is_real = batch.mask.numpy()  # [batch, time]
    n_agents = ordered.shape[2]
    return _Part(
        fractions=fractions,
        forecasts=ordered[is_real].reshape(-1, ordered.shape[-1]),
        came=np.repeat(to_go[is_real], n_agents),
        first=ordered[:, 0].mean(1),
        first_returns=to_go[:, 0],
        returns=rewards.sum(1),
    )


@torch.no_grad()
def _predicted(algorithm: Algorithm[Any], networks: Networks[Any], batch: EpisodeBatch) -> tuple[Floats, Floats]:
    """Return quantiles of the actions taken ``[batch, time, agent, quantile]`` (one "agent" for a joint distribution).

    Returns:
        The quantiles, and their fractions.
    """
    agent = networks.agent
    if isinstance(algorithm, RiskQ):
        quantiles, given = algorithm.joint_quantiles(cast(RiskQNetworks, networks), batch)  # [batch, time, quantile]
        return quantiles.unsqueeze(2).double().numpy(), given.double().numpy()
    if isinstance(agent, QuantileAgent):
        output = agent.unroll(batch)
        return output.quantiles_of(batch.actions).double().numpy(), quantile_fractions(output.edges).double().numpy()
    assert isinstance(agent, ImplicitQuantileAgent)
    fractions = (torch.arange(IMPLICIT_FRACTIONS) + 0.5) / IMPLICIT_FRACTIONS
    if isinstance(algorithm, DMIX):
        joint = algorithm.joint_quantiles(cast(DMIXNetworks, networks), batch, fractions)  # [batch, time, quantile]
        return joint.unsqueeze(2).double().numpy(), fractions.double().numpy()
    tau = fractions.expand(*batch.mask.shape[:1], batch.mask.shape[1] + 1, -1)
    return agent.unroll(batch).quantiles_of(batch.actions, tau).double().numpy(), fractions.double().numpy()


def rows_of(found: Calibration) -> Sequence[tuple[str, str]]:
    """Return what is shown of a calibration: a name and a number each."""
    level = "the agents' own" if found.risk_level is None else f"{found.risk_level:g}"
    return (
        ("episodes that the task ended", f"{found.episodes} (the clock ended {found.cut_episodes})"),
        ("risk level", level),
        ("PIT, largest distance from uniform", f"{found.pit_distance:.3f}"),
        ("PIT by tenths", " ".join(f"{share:.2f}" for share in found.pit)),
        ("pinball loss", f"{found.pinball:.4g}"),
        ("pinball loss of a constant forecast", f"{found.pinball_constant:.4g}"),
        ("skill", f"{found.skill:.1%}"),
        ("mean forecast less mean return", f"{found.bias:.4g}"),
        ("standard deviation of a forecast, mean", f"{found.spread:.4g}"),
        ("standard deviation of all returns", f"{found.return_spread:.4g}"),
    )
