"""Small torch policies that satisfy the contract, for the tests and the latency benchmark; they know no trainer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.contract import PolicySpec, TensorSpec

OBS_SIZE = 9
N_ACTIONS = 4
MEANINGS = ("up", "down", "left", "right")


def obs_spec() -> TensorSpec:
    """int8 [3, 3] cell codes 0..4."""
    return TensorSpec(name="obs", shape=(3, 3), dtype="int8", low=(0.0,) * OBS_SIZE, high=(4.0,) * OBS_SIZE)


def float_obs_spec() -> TensorSpec:
    """float32 [5] with one unbounded element."""
    return TensorSpec(
        name="obs",
        shape=(5,),
        dtype="float32",
        low=(-1.0, -1.0, 0.0, -2.0, -float("inf")),
        high=(1.0, 1.0, 3.0, 2.0, float("inf")),
    )


def carry_spec(name: str, size: int) -> TensorSpec:
    """float32 [size]."""
    return TensorSpec(name=name, shape=(size,), dtype="float32")


def choose(values: Tensor, avail_actions: Tensor, valid: Tensor) -> Tensor:
    """Greedy available action, -1 where not valid.

    Args:
        values: `[batch, action]`.
        avail_actions: bool `[batch, action]`.
        valid: bool `[batch]`.

    Returns:
        int64 `[batch]`.
    """
    best = values.masked_fill(~avail_actions, -torch.inf).argmax(-1)  # [batch]
    return torch.where(valid, best, -1)


class Inputs(nn.Module):
    """Guards the raw observation and joins it with the previous action and the agent's identity."""

    low: Tensor
    high: Tensor
    identity: Tensor

    def __init__(self, obs: TensorSpec, agent_index: int, n_agents: int) -> None:
        super().__init__()
        assert obs.low is not None
        assert obs.high is not None
        finite = torch.finfo(torch.float32)
        self.register_buffer("low", torch.tensor(obs.low).clamp(min=finite.min))
        self.register_buffer("high", torch.tensor(obs.high).clamp(max=finite.max))
        self.register_buffer("identity", torch.eye(n_agents)[agent_index])

    def forward(self, obs: Tensor, last_action: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input `[batch, feature]` and whether the observation is legal, bool `[batch]`."""
        flat = obs.flatten(1).to(torch.float32)  # [batch, obs]
        legal = ((flat >= self.low) & (flat <= self.high)).all(-1)  # [batch]; NaN compares false
        safe = torch.where(legal[:, None], flat, 0.0)
        identity = self.identity.expand(obs.shape[0], -1)  # [batch, agent]
        return torch.cat([safe, last_action, identity], -1), legal


class RiskAwareModule(nn.Module):
    """GRU, quantile head, CVaR and a learned risk predictor, with the guards of the contract."""

    levels: Tensor
    ranks: Tensor
    weights: Tensor

    def __init__(self, spec: PolicySpec, *, hidden: int, n_quantiles: int, n_levels: int) -> None:
        super().__init__()
        self.n_actions, self.n_quantiles, self.n_levels = spec.n_actions, n_quantiles, n_levels
        self.inputs = Inputs(spec.obs, spec.agent_index, spec.n_agents)
        width = spec.obs.size + spec.n_actions + spec.n_agents
        self.body, self.risk_body = nn.Linear(width, hidden), nn.Linear(width, hidden)
        self.gru, self.risk_gru = nn.GRUCell(hidden, hidden), nn.GRUCell(hidden, hidden)
        self.head = nn.Linear(hidden, spec.n_actions * n_quantiles)
        self.embed = nn.Linear(spec.n_actions * n_quantiles, 8, bias=False)
        self.history = nn.Linear(spec.n_actions * n_quantiles, 8 * n_levels, bias=False)
        self.register_buffer("levels", torch.arange(1, n_levels + 1) / n_levels)
        self.register_buffer("ranks", torch.arange(n_quantiles, dtype=torch.float32))

    def predict(self, quantiles: Tensor, risk_hidden_state: Tensor) -> Tensor:
        """Return the predictor's risk level `[batch]` from quantiles `[batch, action * quantile]`."""
        now = self.embed(quantiles)  # [batch, width]
        past = self.history(self.head(risk_hidden_state)).view(-1, 8, self.n_levels)  # [batch, width, level]
        scores = (now[:, None, :] @ past)[:, 0]  # [batch, level]
        return self.levels[scores.argmax(-1)]

    def forward(
        self,
        obs: Tensor,
        avail_actions: Tensor,
        risk_level: Tensor,
        last_action: Tensor,
        hidden_state: Tensor,
        previous_input: Tensor,
        risk_hidden_state: Tensor,
    ) -> tuple[Tensor, ...]:
        """The policy contract; shapes are in the specification."""
        features, legal = self.inputs(obs, last_action)
        valid = legal & avail_actions.any(-1) & (risk_level >= 0.0) & (risk_level <= 1.0)  # [batch]
        next_hidden = self.gru(torch.relu(self.body(features)), hidden_state)
        next_risk_hidden = self.risk_gru(torch.relu(self.risk_body(previous_input)), risk_hidden_state)
        quantiles = self.head(next_hidden)  # [batch, action * quantile]
        dial = torch.where(valid, risk_level, 0.0)
        level = torch.where(dial > 0.0, dial, self.predict(quantiles, next_risk_hidden))  # [batch]
        kept = level[:, None] * self.n_quantiles  # [batch, 1]
        weight = (kept - self.ranks).clamp(0.0, 1.0) / kept  # [batch, quantile]
        ordered = quantiles.view(-1, self.n_actions, self.n_quantiles).sort(-1).values  # [batch, action, quantile]
        values = (ordered @ weight[:, :, None])[:, :, 0]  # [batch, action]
        action = choose(values, avail_actions, valid)
        keep = valid[:, None]
        return (
            action,
            values,
            level,
            valid,
            torch.where(keep, (action[:, None] == torch.arange(self.n_actions)).to(torch.float32), last_action),
            torch.where(keep, next_hidden, hidden_state),
            torch.where(keep, features, previous_input),
            torch.where(keep, next_risk_hidden, risk_hidden_state),
        )


class PlainModule(nn.Module):
    """A recurrent value network without a risk dial."""

    def __init__(self, spec: PolicySpec, *, hidden: int) -> None:
        super().__init__()
        self.n_actions = spec.n_actions
        self.inputs = Inputs(spec.obs, spec.agent_index, spec.n_agents)
        self.body = nn.Linear(spec.obs.size + spec.n_actions + spec.n_agents, hidden)
        self.gru = nn.GRUCell(hidden, hidden)
        self.head = nn.Linear(hidden, spec.n_actions)

    def forward(
        self, obs: Tensor, avail_actions: Tensor, last_action: Tensor, hidden_state: Tensor
    ) -> tuple[Tensor, ...]:
        """The policy contract; shapes are in the specification."""
        features, legal = self.inputs(obs, last_action)
        valid = legal & avail_actions.any(-1)  # [batch]
        next_hidden = self.gru(torch.relu(self.body(features)), hidden_state)
        values = self.head(next_hidden)  # [batch, action]
        action = choose(values, avail_actions, valid)
        proposed = (action[:, None] == torch.arange(self.n_actions)).to(torch.float32)  # [batch, action]
        keep = valid[:, None]
        return (
            action,
            values,
            valid,
            torch.where(keep, proposed, last_action),
            torch.where(keep, next_hidden, hidden_state),
        )


class TorchPolicy:
    """A specification and its module, as the trainer would hand over."""

    def __init__(self, spec: PolicySpec, module: nn.Module) -> None:
        self.spec = spec
        self._module = module.eval()

    def module(self) -> nn.Module:
        """The module given at the start."""
        return self._module


def risk_aware_policy(
    agent_index: int = 0,
    *,
    n_agents: int = 2,
    hidden: int = 16,
    n_quantiles: int = 10,
    n_levels: int = 10,
    seed: int = 0,
) -> TorchPolicy:
    """A risk-aware policy with random weights that depend on `seed` alone."""
    obs = obs_spec()
    width = obs.size + N_ACTIONS + n_agents
    spec = PolicySpec(
        agent_id=f"agent_{agent_index}",
        agent_index=agent_index,
        n_agents=n_agents,
        algorithm="rmix",
        obs=obs,
        n_actions=N_ACTIONS,
        action_meanings=MEANINGS,
        carry=(
            carry_spec("last_action", N_ACTIONS),
            carry_spec("hidden_state", hidden),
            carry_spec("previous_input", width),
            carry_spec("risk_hidden_state", hidden),
        ),
        is_risk_aware=True,
        n_risk_levels=n_levels,
        value_kind="cvar",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = RiskAwareModule(spec, hidden=hidden, n_quantiles=n_quantiles, n_levels=n_levels)
    return TorchPolicy(spec, module)


def plain_policy(agent_index: int = 0, *, n_agents: int = 2, hidden: int = 16, seed: int = 0) -> TorchPolicy:
    """A plain recurrent policy with a float observation."""
    spec = PolicySpec(
        agent_id=f"agent_{agent_index}",
        agent_index=agent_index,
        n_agents=n_agents,
        algorithm="vdn",
        obs=float_obs_spec(),
        n_actions=N_ACTIONS,
        carry=(carry_spec("last_action", N_ACTIONS), carry_spec("hidden_state", hidden)),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = PlainModule(spec, hidden=hidden)
    return TorchPolicy(spec, module)
