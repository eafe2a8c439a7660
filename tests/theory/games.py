"""Random tabular games on which the paper's operators are applied exactly, in float64."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from rmix_kit.mixers import QMixer


@dataclass(frozen=True, kw_only=True)
class TabularGame:
    """A fully observed cooperative game.

    Attributes:
        reward: Expected reward ``[state, joint action]``.
        transition: Probabilities ``[state, joint action, next state]``.
        gamma: Discount below 1.
    """

    reward: Tensor
    transition: Tensor
    gamma: float


def random_game(seed: int, *, n_states: int = 6, n_joint_actions: int = 9, gamma: float = 0.9) -> TabularGame:
    """Draw a game."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(n_states, n_joint_actions, n_states, generator=generator, dtype=torch.float64)
    reward = 5 * torch.randn(n_states, n_joint_actions, generator=generator, dtype=torch.float64)
    return TabularGame(reward=reward, transition=weights / weights.sum(-1, keepdim=True), gamma=gamma)


def rmix_operator(game: TabularGame, values: Tensor) -> Tensor:
    """T C(s, u) = E[R(s, u) + gamma max_u' C_tot(s', u')] (RMIX appendix, Eqn 10), ``[state, joint action]``."""
    return game.reward + game.gamma * game.transition @ values.amax(-1)


def joint_actions(n_agents: int, n_actions: int) -> Tensor:
    """Return every joint action, int64 ``[joint action, agent]``."""
    return torch.tensor(list(product(range(n_actions), repeat=n_agents)))


def joint_values(values: Tensor, state: Tensor, mixer: QMixer | None) -> Tensor:
    """Mix every joint action's values: ``[game, agent, action]``, ``[game, state]`` -> ``[game, joint action]``.

    Without a mixer the values are added.
    """
    n_games, n_agents, n_actions = values.shape
    actions = joint_actions(n_agents, n_actions)
    chosen = values[:, torch.arange(n_agents), actions]  # [game, joint action, agent]
    if mixer is None:
        return chosen.sum(-1)
    mixed: Tensor = mixer(chosen, state.unsqueeze(1).expand(-1, len(actions), -1))
    return mixed.view(n_games, len(actions))


def random_mixer(seed: int, n_agents: int, state_size: int) -> QMixer:
    """Draw the product's monotonic mixer, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return QMixer(n_agents, state_size, embed_size=8, hypernet_size=16).double()
