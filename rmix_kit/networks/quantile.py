"""Agents whose last layer is a return distribution: quantiles of every action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.array_agent import ArrayAgent
from rmix_kit.networks.array_layers import Affine, ArrayEncoder, ArrayInputs
from rmix_kit.networks.array_quantiles import ArrayPredictor, ArrayQuantileAgent
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.networks.images import IMAGE_CHANNELS
from rmix_kit.networks.inputs import AgentInputs, inputs_together
from rmix_kit.networks.packing import pack, shift, unpack
from rmix_kit.networks.quantile_output import LastLayer, QuantileOutput
from rmix_kit.networks.recurrent import RecurrentEncoder, unroll_encoders
from rmix_kit.networks.risk_predictor import RiskPredictor
from rmix_kit.risk.measures import RiskMeasure, risk_weights, weights_of_levels
from rmix_kit.risk.operators import quantile_edges, sort_quantiles
from rmix_kit.types import EnvSpec, EpisodeBatch

LevelSource = Literal["predicted", "static", "input"]
RiskMemory = Literal["own", "agent"]
LEVEL_WAVES = 8
"""Numbers that code a risk level where it is an input."""


class QuantileAgent(AgentNetwork):
    """x_t -> Linear, ReLU, GRU -> Linear(action * quantile), shared by all agents (RMIX, appendix C).

    The risk level comes from one of three sources: a `RiskPredictor` ("predicted"), a constant ("static"), or an input
    of the network ("input": the level's code is appended to x_t).
    """

    edges: Tensor
    levels: Tensor
    weights_by_level: Tensor

    def __init__(
        self,
        spec: EnvSpec,
        *,
        hidden_size: int,
        n_quantiles: int,
        level_source: LevelSource,
        n_levels: int,
        embed_size: int = 8,
        risk_memory: RiskMemory = "own",
        default_level: float = 1.0,
        has_shared_atom_init: bool = True,
        has_soft_level: bool = False,
        tail_level: float = 0.5,
        measure: RiskMeasure = "cvar",
        image_channels: Sequence[int] = IMAGE_CHANNELS,
    ) -> None:
        """Build the layers.

        Args:
            level_source: Where the risk level comes from.
            embed_size: Width D of the predictor's embeddings.
            risk_memory: What the predictor knows the history by: a recurrent network of its own, or the agent's.
            default_level: The static level, or the level meant by 0 where the level is an input; in (0, 1].
            has_shared_atom_init: Start all quantiles of an action almost equal instead of independent.
            has_soft_level: With a predictor, act and learn on the CVaR expected over its level probabilities, whose
                gradient reaches the scores, instead of on the best-scored level's.
            tail_level: The probability that half of the quantiles stand for, in (0, 1); 0.5 with a predictor.
            measure: What the agent maximises of a distribution, at the level.
            image_channels: Channels after each convolution, where observations are pictures.
        """
        super().__init__()
        self.measure: RiskMeasure = measure
        self.is_risk_aware = measure != "mean"  # which no level turns
        self.value_kind = measure if self.is_risk_aware else "q"
        self.n_actions, self.n_quantiles, self.n_levels = spec.n_actions, n_quantiles, n_levels
        self.level_source: LevelSource = level_source
        self.default_level = default_level
        self.has_soft_level = has_soft_level
        self.inputs = AgentInputs(spec, image_channels=image_channels)
        input_size = self.inputs.size + (LEVEL_WAVES if level_source == "input" else 0)
        self.encoder = RecurrentEncoder(input_size, hidden_size)
        self.head = nn.Linear(hidden_size, spec.n_actions * n_quantiles)
        if has_shared_atom_init:
            _tie_atoms(self.head, spec.n_actions, n_quantiles)
        self.predictor: RiskPredictor | None = None
        if level_source == "predicted":
            self.predictor = RiskPredictor(
                input_size if risk_memory == "own" else None,
                hidden_size,
                self.head.out_features,
                n_levels=n_levels,
                embed_size=embed_size,
            )
        edges = quantile_edges(n_quantiles, tail_level)
        self.register_buffer("edges", edges, persistent=False)
        self.register_buffer("weights_by_level", weights_of_levels(measure, n_levels, edges), persistent=False)
        self.register_buffer("levels", torch.arange(1, n_levels + 1) / n_levels, persistent=False)
        chooses = self.predictor is not None
        self.default_risk_level = default_level if self.is_risk_aware and not chooses else None
        self.n_risk_levels = n_levels if self.is_risk_aware and chooses else None
        self.carry_sizes = {"last_action": spec.n_actions, "hidden_state": hidden_size}
        if self.predictor is not None and self.predictor.encoder is not None:
            self.carry_sizes |= {"previous_input": self.inputs.size, "risk_hidden_state": hidden_size}

    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step.

        Args:
            obs: ``[row, *obs_shape]``.
            agent: float32 one-hot ``[row, n_agents]``.
            risk_level: float32 ``[row]``; 0 means the agent's own choice, a number in (0, 1] overrides it.
            carry: By name ``[row, size]``.

        Returns:
            Values (the measure at the level used), level and next carry.
        """
        inputs = self.inputs(obs, carry["last_action"], agent)  # [row, input]
        is_own = risk_level == 0
        if self.level_source == "input":
            level = torch.where(is_own, torch.full_like(risk_level, self.default_level), risk_level)
            hidden_state = self.encoder.step(torch.cat([inputs, code_level(level)], -1), carry["hidden_state"])
        else:
            hidden_state = self.encoder.step(inputs, carry["hidden_state"])
        flat = self.head(hidden_state)  # [row, action * quantile]
        next_carry = {"hidden_state": hidden_state}
        if self.predictor is not None:
            history = carry["hidden_state"]
            if self.predictor.encoder is not None:
                history = self.predictor.encoder.step(carry["previous_input"], carry["risk_hidden_state"])
                next_carry |= {"previous_input": inputs, "risk_hidden_state": history}
            own_weights, own_level = self.weigh(self.predictor(flat, history, self.head))
            level = torch.where(is_own, own_level, risk_level)
        elif self.level_source == "static":
            level = torch.where(is_own, torch.full_like(risk_level, self.default_level), risk_level)
        weights = risk_weights(self.measure, level, self.edges)  # [row, quantile]
        if self.predictor is not None:
            weights = torch.where(is_own.unsqueeze(-1), own_weights, weights)
        ordered = sort_quantiles(
            torch.unflatten(flat, -1, (self.n_actions, self.n_quantiles))
        )  # [row, action, quantile]
        values = (ordered * weights.unsqueeze(-2)).sum(-1)  # [row, action]
        return StepOutput(values, level, next_carry)

    def quantiles_of(self, hidden_states: Tensor) -> Tensor:
        """Return the return distributions of every action: ``[row, hidden]`` -> ``[row, action, quantile]``, ascending.

        The quantiles stand for the shares of probability between ``edges``.
        """
        return sort_quantiles(LastLayer(self.head.weight, self.head.bias, self.n_actions).of_all(hidden_states))

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in its place on the CPU; None for pictures, and for a subclass that does not say."""
        if type(self) is not QuantileAgent or self.inputs.pictures is not None:
            return None
        predictor = None
        if self.predictor is not None:
            with torch.no_grad():
                current, history = (Affine(w.t().contiguous(), b) for w, b in self.predictor.folded(self.head))
            predictor = ArrayPredictor(
                encoder=None if self.predictor.encoder is None else ArrayEncoder(self.predictor.encoder),
                current=current,
                history=history,
                scale=self.predictor.scale,
                levels=self.levels.numpy(),
                weights_by_level=self.weights_by_level.numpy(),
                is_soft=self.has_soft_level,
            )
        return ArrayQuantileAgent(
            inputs=ArrayInputs(self.inputs),
            encoder=ArrayEncoder(self.encoder),
            head=Affine.of(self.head),
            predictor=predictor,
            edges=self.edges,
            measure=self.measure,
            default_level=self.default_level,
            code_level=code_level if self.level_source == "input" else None,
        )

    def unroll(self, batch: EpisodeBatch) -> QuantileOutput:
        """Evaluate whole episodes from the zero carry.

        Returns:
            Distributions and levels of every step, ``[batch, time + 1, agent, ...]``.
        """
        return _unroll_together([self], batch)[0]

    def level_of(self, batch: EpisodeBatch) -> Tensor:
        """Return the level in force where no predictor chooses it ``[batch, time + 1, agent]``."""
        level = batch.risk_level[:, None, None].expand(batch.avail_actions.shape[:3])
        if self.level_source == "input":
            return torch.where(level == 0, torch.full_like(level, self.default_level), level)
        return torch.full_like(level, self.default_level)

    def output(
        self, batch: EpisodeBatch, hidden_states: Tensor, risk_hidden_states: Tensor | None = None
    ) -> QuantileOutput:
        """Make distributions of recurrent states.

        Args:
            hidden_states: Packed ``[row, hidden]``.
            risk_hidden_states: The predictor's own, packed ``[row, hidden]``; None without them.

        Returns:
            Distributions and levels.
        """
        packing = batch.packing
        last = LastLayer(self.head.weight, self.head.bias, self.n_actions)
        if self.predictor is None:
            level = self.level_of(batch)
            weights = risk_weights(self.measure, pack(level, packing), self.edges)  # [row, quantile]
            return QuantileOutput(hidden_states, last, packing, None, weights, level, self.weights_by_level, self.edges)
        if risk_hidden_states is None:
            # What trains the predictor never trains the agent.
            risk_hidden_states = shift(hidden_states.detach(), packing)
        scores = self.predictor.score_rows(hidden_states, risk_hidden_states, self.head)  # [row, level]
        weights, levels = self.weigh(scores)  # [row, quantile], [row]
        size, steps, n_agents = batch.avail_actions.shape[:3]
        level = unpack(levels, packing, (size, steps, n_agents))
        return QuantileOutput(hidden_states, last, packing, scores, weights, level, self.weights_by_level, self.edges)

    def weigh(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Turn the predictor's scores into what the CVaR is taken with.

        Args:
            scores: ``[row, level]``.

        Returns:
            Weights of the sorted quantiles ``[row, quantile]``, and the level ``[row]``: the best-scored one, or with
            soft levels the expected one (detached; the weights carry the gradient).
        """
        if self.has_soft_level:
            probabilities = scores.softmax(-1)  # [row, level]
            expected = (probabilities.detach() @ self.levels).clamp(max=1.0)  # [row]
            return probabilities @ self.weights_by_level, expected
        index = scores.argmax(-1)  # [row]
        return self.weights_by_level.index_select(0, index), self.levels.index_select(0, index)


def unroll_together(agents: Sequence[QuantileAgent], batch: EpisodeBatch) -> list[QuantileOutput]:
    """Evaluate whole episodes with several agents of one make at the cost of fewer operations than one by one.

    Args:
        agents: Those that learn first, frozen ones (target networks) last.

    Returns:
        Each agent's distributions and levels.
    """
    if all(type(agent).unroll is QuantileAgent.unroll for agent in agents):
        return _unroll_together(agents, batch)
    return [agent.unroll(batch) for agent in agents]  # a subclass has a way of its own


def _unroll_together(agents: Sequence[QuantileAgent], batch: EpisodeBatch) -> list[QuantileOutput]:
    first, packing = agents[0], batch.packing
    each = inputs_together([agent.inputs for agent in agents], batch)  # [row, input]
    if first.level_source == "input":
        level = code_level(pack(first.level_of(batch), packing))
        each = [torch.cat([inputs, level], -1) for inputs in each]
    encoders: list[RecurrentEncoder] = []
    encoded: list[Tensor] = []
    for agent, inputs in zip(agents, each, strict=True):
        encoders.append(agent.encoder)
        encoded.append(inputs)
        if agent.predictor is not None and agent.predictor.encoder is not None:
            encoders.append(agent.predictor.encoder)
            # What trains the predictor never trains the agent, its coding of pictures included.
            encoded.append(shift(inputs.detach(), packing))
    hidden_states = unroll_encoders(encoders, encoded, packing.rows_per_step)
    per_agent = len(hidden_states) // len(agents)
    return [
        agent.output(batch, *hidden_states[number * per_agent : (number + 1) * per_agent])
        for number, agent in enumerate(agents)
    ]


def _tie_atoms(head: nn.Linear, n_actions: int, n_quantiles: int, spread: float = 0.01) -> None:
    """Give all quantiles of an action the weights of its first one plus a small share of their own draws.

    Under the TD loss alone only the atoms below the value at risk get a gradient; quantiles that start apart stay
    apart and make the CVaR jump with the level. Starting together removes most of that artefact.
    """
    with torch.no_grad():
        for parameter in (head.weight, head.bias):
            atoms = parameter.view(n_actions, n_quantiles, -1)  # [action, quantile, ...]
            atoms.copy_(atoms[:, :1] + spread * (atoms - atoms[:, :1]))


def code_level(level: Tensor) -> Tensor:
    """Code risk levels as cos(pi k level), k = 1, ..., 8, as IQN codes fractions (Dabney et al. 2018, IQN, Eqn 4).

    As one number, neighbouring levels are almost the same input, and the policy of one blurs into that of the next.

    Args:
        level: ``[...]`` in (0, 1].

    Returns:
        ``[..., wave]``.
    """
    waves = torch.arange(1, LEVEL_WAVES + 1, device=level.device, dtype=level.dtype)
    return torch.cos(torch.pi * level.unsqueeze(-1) * waves)
