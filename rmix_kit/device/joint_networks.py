"""The networks of several seeds as one, with the same algorithm files: weights ``[seed, ...]``, batched products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rmix_kit.algorithms.algorithm import Algorithm, Networks
from rmix_kit.device.rollout import Acting
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.stacked import laid_together
from rmix_kit.training.learner import Learner
from rmix_kit.types import EpisodeBatch, Losses, Progress

AGENT = "agent."
"""What the names of the acting network's weights begin with."""


class Weights(NamedTuple):
    """Of all seeds' networks, ``[seed, ...]`` by name; each learner's own are parts of them.

    Attributes:
        online: What gradients are asked for.
        target: What none are asked for.
    """

    online: dict[str, Tensor]
    target: dict[str, Tensor]


def weights_together(learners: Sequence[Learner]) -> Weights:
    """Lay the weights of several seeds' networks together.

    Args:
        learners: Of one algorithm and environment.
    """

    def stacks(networks: Sequence[Networks[Any]]) -> dict[str, Tensor]:
        named = [dict(each.named_parameters()) for each in networks]
        return {name: laid_together([weights[name] for weights in named]) for name in named[0]}

    online = {name: stack.requires_grad_() for name, stack in stacks([each.online for each in learners]).items()}
    return Weights(online, stacks([each.target for each in learners]))


class _Acts(nn.Module):
    """An agent whose call is a step."""

    def __init__(self, agent: AgentNetwork) -> None:
        super().__init__()
        self.agent = agent

    def forward(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        return self.agent.step(obs, agent, risk_level, carry)


def acting_together(agent: AgentNetwork, weights: Weights) -> Acting:
    """Return the step of all seeds' agents, whose rows lie one seed after the other.

    Args:
        agent: Of any of the seeds; its buffers are those of all.
        weights: Of all.
    """
    module = _Acts(agent)
    named = {name: stack for name, stack in weights.online.items() if name.startswith(AGENT)}
    n_seeds = len(next(iter(named.values())))

    def one(weights: Mapping[str, Tensor], *rows: Tensor | Carry) -> StepOutput:
        output: StepOutput = functional_call(module, dict(weights), rows)
        return output

    def act(obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        def apart(rows: Tensor) -> Tensor:
            return torch.unflatten(rows, 0, (n_seeds, -1))  # [seed, row, ...]

        parted = {name: apart(value) for name, value in carry.items()}
        output = torch.vmap(one)(named, apart(obs), apart(agent), apart(risk_level), parted)
        after = {name: value.flatten(0, 1) for name, value in output.carry.items()}
        return StepOutput(output.action_values.flatten(0, 1), output.risk_level.flatten(0, 1), after)

    return act


class _Loses(nn.Module):
    """Networks whose call is the losses of a batch."""

    def __init__(self, algorithm: Algorithm[Any], online: Networks[Any], target: Networks[Any]) -> None:
        super().__init__()
        self.algorithm, self.online, self.target = algorithm, online, target

    def forward(self, batch: EpisodeBatch, progress: Progress) -> Losses:
        return self.algorithm.losses(self.online, self.target, self.online.coded(batch), progress)


class JointLosses:
    """The losses of all seeds' networks, each on a batch of its own, and their gradients."""

    def __init__(self, learner: Learner, weights: Weights) -> None:
        """Prepare the call.

        Args:
            learner: Of any of the seeds.
            weights: Of all.
        """
        self._module = _Loses(learner.algorithm, learner.online, learner.target)
        self._weights = {f"online.{name}": stack for name, stack in weights.online.items()}
        self._weights |= {f"target.{name}": stack for name, stack in weights.target.items()}
        self._stepped = {
            group: [weights.online[name] for name in learner.algorithm.parameters_of(group, learner.online)]
            for group in learner.algorithm.optimizers()
        }

    def __call__(self, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Return losses and metrics, ``[seed]`` each.

        Args:
            batch: Its tensors are ``[seed, ...]``, its packing that of every seed.
            progress: Of any seed of which `Algorithm.loss_variant` says the same.
        """
        named = {entry.name: getattr(batch, entry.name) for entry in fields(batch) if entry.name != "packing"}

        def one(weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> Losses:
            own = EpisodeBatch(**tensors, packing=batch.packing)
            losses: Losses = functional_call(self._module, dict(weights), (own, progress))
            return losses

        return torch.vmap(one)(self._weights, named)

    def gradients(self, losses: Losses) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
        """Do what `Learner.gradients` does for every seed: no seed's loss knows of another's weights.

        Returns:
            Gradients ``[seed, ...]`` by group in parameter order, and their global norms ``[seed]``.
        """
        gradients: dict[str, list[Tensor | None]] = {}
        norms: dict[str, Tensor] = {}
        for group, loss in losses.groups.items():
            is_last = len(gradients) + 1 == len(losses.groups)
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                loss.sum(), self._stepped[group], allow_unused=True, retain_graph=not is_last
            )
            gradients[group] = list(found)
            flat = torch.cat([gradient.flatten(1) for gradient in found if gradient is not None], 1)
            norms[group] = torch.linalg.vector_norm(flat, dim=1)
        return gradients, norms
