"""What both exporters share: the module to trace, and the tensors to trace it with."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from exporters.contract import Policy, PolicySpec
from exporters.errors import PolicyError

TRACED_BATCH = 2  # a batch of 1 would be frozen into the graph as a constant


class Positional(nn.Module):
    """A frozen copy of a policy's module with the plainest signature, whatever the module's own looks like."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = copy.deepcopy(policy.module()).requires_grad_(False)
        self.eval()

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Pass the inputs of the specification on by position."""
        return tuple(self.policy(*tensors))


def example_inputs(spec: PolicySpec, batch: int = TRACED_BATCH) -> tuple[Tensor, ...]:
    """Return legal inputs `[batch, ...]` of a first step: lowest observation, all actions, no dial, no memory."""
    tensors = [torch.zeros((batch, *tensor.shape), dtype=getattr(torch, tensor.dtype)) for tensor in spec.inputs]
    if spec.obs.low is not None:
        low = torch.tensor(spec.obs.low).nan_to_num(neginf=0.0).reshape(spec.obs.shape)
        tensors[0] = low.expand(batch, *spec.obs.shape).to(tensors[0].dtype).clone()
    tensors[1].fill_(True)
    return tuple(tensors)


def in_a_line(error: BaseException) -> str:
    """Return what torch's error came from, and the first line of what that says."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def check_outputs(spec: PolicySpec, outputs: object) -> tuple[Tensor, ...]:
    """Check that a module's result is the tuple of tensors that its specification promises.

    Raises:
        PolicyError: naming the tensor that is missing or different.
    """
    if not isinstance(outputs, tuple) or len(outputs) != len(spec.outputs):
        given = f"{len(outputs)} values" if isinstance(outputs, tuple) else f"a {type(outputs).__name__}"
        raise PolicyError(f"{spec.agent_id}'s module gives {given}; expected a tuple of {', '.join(spec.output_names)}")
    for tensor, output in zip(spec.outputs, outputs, strict=True):
        dtype = str(output.dtype).removeprefix("torch.")
        if dtype != tensor.dtype or tuple(output.shape[1:]) != tensor.shape:
            raise PolicyError(
                f"{spec.agent_id}'s module gives {tensor.name} as {dtype} {tuple(output.shape)}; "
                f"its specification says {tensor.dtype} [batch, *{tensor.shape}]"
            )
    return outputs
