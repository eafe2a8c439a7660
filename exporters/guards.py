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

    Raises:
        SpecError: if these are no module and no specification.
    """

    def __init__(self, module: nn.Module, spec: PolicySpec) -> None:
        if not isinstance(module, nn.Module):
            raise SpecError(f"module is a {type(module).__name__}; expected a torch.nn.Module")
        if not isinstance(spec, PolicySpec):
            raise SpecError(f"spec is a {type(spec).__name__}; expected an exporters.PolicySpec")
        self._module = GuardedStep(module, spec)
        self._spec = spec

    @property
    def spec(self) -> PolicySpec:
        """The specification given at the start."""
        return self._spec

    def module(self) -> nn.Module:
        """Return the module given at the start, guarded."""
        return self._module


class GuardedStep(nn.Module):
    """One step of `inner` with the guards of the contract inside the graph.

    Args:
        inner: see `exporters.guarded`.
        spec: what the whole takes and gives.
    """

    obs_low: Tensor
    obs_high: Tensor
    obs_safe: Tensor

    def __init__(self, inner: nn.Module, spec: PolicySpec) -> None:
        super().__init__()
        self.inner = inner
        self.is_risk_aware = spec.is_risk_aware
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
        levels, carry_values = (rest[:1], rest[1:]) if self.is_risk_aware else ((), rest)
        carry = dict(zip(self.carry_names, carry_values, strict=True))
        for level in levels:
            valid = valid & (level >= 0) & (level <= 1)
        # A refused row is computed on a legal observation and level instead, so that no NaN meets the arithmetic.
        safe_levels = [torch.where(valid, level, torch.zeros_like(level)) for level in levels]
        safe = torch.where(valid.unsqueeze(-1), flat, self.obs_safe)
        safe = torch.unflatten(safe, 1, obs.shape[1:])  # [batch, *obs]
        given = self._given(self.inner(safe, *safe_levels, *carry_values))
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
