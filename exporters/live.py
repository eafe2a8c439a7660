"""Acts with policies that are not exported, through the same calls and checks as their files will: torch, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn

from exporters.agent import Agent
from exporters.contract import Policy, PolicySpec
from exporters.sharing import SharedSpec
from exporters.team import Team
from exporters.tensors import Tensors


class ModuleAgent(Agent):
    """One agent whose steps are those of a torch module.

    Args:
        module: takes `spec.inputs` by position and gives `spec.outputs`.
        spec: the policy's specification.
        on_invalid: "raise" or "return"; see `Agent`.
        shared: what the module takes, where it serves several agents.
    """

    def __init__(self, module: nn.Module, spec: PolicySpec, on_invalid: str, shared: SharedSpec | None = None) -> None:
        self._module = module
        super().__init__(spec, on_invalid, shared)

    def compile(self, tensors: Tensors) -> tuple[Callable[[], object], Callable[[], object]]:
        """See `Agent.compile`."""
        return self._bind(tensors, 0), self._bind(tensors, 1)

    def _bind(self, tensors: Tensors, source: int) -> Callable[[], object]:
        inputs = [torch.from_numpy(array) for array in tensors.inputs(source)]
        outputs = [torch.from_numpy(array) for array in tensors.outputs(source)]
        return partial(_step_into, self._module, inputs, outputs)


class LiveAgent(ModuleAgent):
    """One agent that acts with a policy's module; the interface of `OnnxAgent`.

    Args:
        policy: whose weights act; read at every step, never changed.
        on_invalid: "raise" or "return"; see `Agent`.
    """

    def __init__(self, policy: Policy, *, on_invalid: str = "raise") -> None:
        super().__init__(policy.module(), policy.spec, on_invalid)


class LiveTeam(Team[LiveAgent]):
    """All agents of some policies; the interface of `OnnxTeam`.

    Args:
        policies: one for each agent.
        on_invalid: "raise" or "return"; see `Agent`.
    """

    def __init__(self, policies: Iterable[Policy], *, on_invalid: str = "raise") -> None:
        super().__init__({policy.spec.agent_id: LiveAgent(policy, on_invalid=on_invalid) for policy in policies})


def _step_into(module: nn.Module, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    with torch.inference_mode():
        for target, result in zip(outputs, module(*inputs), strict=True):
            target.copy_(result)
