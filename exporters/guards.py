"""The contract's guards, choice and last action around a torch module that knows none of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exporters.contract import LAST_ACTION, PolicySpec
from exporters.errors import PolicyError, SpecError


class GuardedPolicy:
    """A policy whose module is another one with the contract's guards around it; satisfies `Policy`.

    Args:
        module: see `exporters.guarded`.
        spec: what the guarded policy takes and gives.
        takes_agent: see `exporters.guarded`.

    Raises:
        SpecError: if these are no module and no specification.
    """

    def __init__(self, module: nn.Module, spec: PolicySpec, *, takes_agent: bool = False) -> None:
        if not isinstance(module, nn.Module):
            raise SpecError(f"module is a {type(module).__name__}; expected a torch.nn.Module")
        if not isinstance(spec, PolicySpec):
            raise SpecError(f"spec is a {type(spec).__name__}; expected an exporters.PolicySpec")
        self._inner, self._spec, self._takes_agent = module, spec, takes_agent
        self._module = GuardedStep(_OfOneAgent(module, spec) if takes_agent else module, spec)

    @property
    def spec(self) -> PolicySpec:
        """The specification given at the start."""
        return self._spec

    def module(self) -> nn.Module:
        """Return the module given at the start, guarded."""
        return self._module

    def shared_module(self) -> nn.Module:
        """Return the module that serves every agent of its network: it takes `agent_index` before the carry."""
        inner = self._inner if self._takes_agent else _OfAnyAgent(self._inner, self._spec)
        return GuardedStep(inner, self._spec, takes_agent=True)


class _OfOneAgent(nn.Module):
    """A network that is told which agent it acts for, as one that acts for one."""

    def __init__(self, inner: nn.Module, spec: PolicySpec) -> None:
        super().__init__()
        self.inner, self.index, self.n_before = inner, spec.agent_index, int(spec.is_risk_aware)

    def forward(self, obs: Tensor, *rest: Tensor) -> object:
        """Pass everything on, and who the agent is."""
        who = torch.full((obs.shape[0],), self.index, dtype=torch.int64, device=obs.device)  # [batch]
        return self.inner(obs, *rest[: self.n_before], who, *rest[self.n_before :])


class _OfAnyAgent(nn.Module):
    """A network that does not ask which agent it acts for, as one that is told."""

    def __init__(self, inner: nn.Module, spec: PolicySpec) -> None:
        super().__init__()
        self.inner, self.n_before = inner, int(spec.is_risk_aware)

    def forward(self, obs: Tensor, *rest: Tensor) -> object:
        """Pass everything on but who the agent is."""
        return self.inner(obs, *rest[: self.n_before], *rest[self.n_before + 1 :])


class GuardedStep(nn.Module):
    """One step of `inner` with the guards of the contract inside the graph.

    Args:
        inner: see `exporters.guarded`.
        spec: what the whole takes and gives for one agent.
        takes_agent: whether it also takes `agent_index`, before the carry, and hands it on.
    """

    obs_low: Tensor
    obs_high: Tensor
    obs_safe: Tensor

    def __init__(self, inner: nn.Module, spec: PolicySpec, *, takes_agent: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.is_risk_aware, self.takes_agent, self.n_agents = spec.is_risk_aware, takes_agent, spec.n_agents
        self.carry_names = tuple(tensor.name for tensor in spec.carry)
        ours = ("action", "valid", f"next_{LAST_ACTION}")
        self.given_shapes = {tensor.name: tensor.shape for tensor in spec.outputs if tensor.name not in ours}
        low = torch.tensor(spec.obs.low or (-torch.inf,) * spec.obs.size)  # [element]
        high = torch.tensor(spec.obs.high or (torch.inf,) * spec.obs.size)  # [element]
        self.register_buffer("obs_low", low)
        self.register_buffer("obs_high", high)
        self.register_buffer("obs_safe", torch.where(low.isfinite(), low, high.clamp(max=0.0)))

    def forward(self, obs: Tensor, avail_actions: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """Map the inputs of the specification to its outputs."""
        flat = obs.flatten(1).float()  # [batch, element]
        valid = ((flat >= self.obs_low) & (flat <= self.obs_high) & (flat.abs() != torch.inf)).all(-1)  # NaN fails too
        valid = valid & avail_actions.any(-1)  # [batch]
        levels, rest = (rest[:1], rest[1:]) if self.is_risk_aware else ((), rest)
        agents, carry_values = (rest[:1], rest[1:]) if self.takes_agent else ((), rest)
        carry = dict(zip(self.carry_names, carry_values, strict=True))
        for level in levels:
            valid = valid & (level >= 0) & (level <= 1)
        for agent in agents:
            valid = valid & (agent >= 0) & (agent < self.n_agents)
        # A refused row is computed on a legal observation and level instead, so that no NaN meets the arithmetic.
        told = [torch.where(valid, level, torch.zeros_like(level)) for level in levels]
        told += [agent.clamp(0, self.n_agents - 1) for agent in agents]
        safe = torch.where(valid.unsqueeze(-1), flat, self.obs_safe)
        safe = torch.unflatten(safe, 1, obs.shape[1:])  # [batch, *obs]
        given = self._given(self.inner(safe, *told, *carry_values))
        values = given["action_values"]  # [batch, action]
        allowed = avail_actions | ~valid.unsqueeze(-1)
        greedy = values.masked_fill(~allowed, -torch.inf).argmax(-1)  # [batch]
        action = torch.where(valid, greedy, torch.full_like(greedy, -1))
        coded = action.unsqueeze(-1) == torch.arange(values.shape[-1], device=action.device)  # [batch, action]
        following = []
        for name, before in carry.items():
            after = coded.to(before.dtype) if name == LAST_ACTION else given[f"next_{name}"]
            keep = valid[(...,) + (None,) * (before.dim() - 1)]  # [batch, 1, ...]
            following.append(torch.where(keep, after, before))
        used = (given["risk_level_used"],) if self.is_risk_aware else ()
        return (action, values, *used, valid, *following)

    def _given(self, result: object) -> dict[str, Tensor]:
        """Return what the inner module gave by name; refuses another number or other shapes."""
        tensors = result if isinstance(result, tuple | list) else (result,)
        expected = ", ".join(f"{name} {['batch', *shape]}" for name, shape in self.given_shapes.items())
        if len(tensors) != len(self.given_shapes) or not all(isinstance(tensor, Tensor) for tensor in tensors):
            given = f"{len(tensors)} values" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
            raise PolicyError(f"the guarded module gives {given}; expected tensors: {expected}")
        for tensor, (name, shape) in zip(tensors, self.given_shapes.items(), strict=True):
            if tuple(tensor.shape[1:]) != shape:
                raise PolicyError(f"the guarded module gives {name} as {tuple(tensor.shape)}; expected {expected}")
        return dict(zip(self.given_shapes, tensors, strict=True))
