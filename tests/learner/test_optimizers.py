"""Our optimisers are torch's, bit for bit, and cost no compiler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import OptimizerSettings
from rmix_kit.training.optimizers import make_optimizer
from tests.architecture.sources import ROOT

SHAPES = {"scalar": (), "vector": (7,), "matrix": (33, 65), "late": (4, 5)}
STEPS = 50


def gradients_of(step: int) -> Iterator[tuple[str, Tensor]]:
    """Give large and tiny gradients; one parameter has its first one late, and none at every third step."""
    generator = torch.Generator().manual_seed(step)
    for name, shape in SHAPES.items():
        if name != "late" or (step > 10 and step % 3):
            scale = 10.0 ** torch.randint(-6, 4, (), generator=generator).item()
            yield name, torch.randn(shape, generator=generator) * scale


def theirs(kind: str, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if kind == "adam":
        return torch.optim.Adam(parameters, lr=1.0, eps=1e-5, fused=True)
    return torch.optim.RMSprop(parameters, lr=1.0, alpha=0.99, eps=1e-5)  # PyMARL's alpha


@pytest.mark.parametrize("kind", ["adam", "rmsprop"])
def test_weights_and_moments_are_those_of_torch(kind: str) -> None:
    ours = {name: nn.Parameter(torch.randn(shape)) for name, shape in SHAPES.items()}
    copies = {name: nn.Parameter(value.detach().clone()) for name, value in ours.items()}
    optimizer = make_optimizer(ours, OptimizerSettings(kind=kind, eps=1e-5))  # type: ignore[arg-type]
    reference = theirs(kind, list(copies.values()))
    for step in range(STEPS):
        gradients, learning_rate = dict(gradients_of(step)), 1e-2 / (1 + step)
        for name, parameter in copies.items():
            parameter.grad = gradients.get(name)
        reference.param_groups[0]["lr"] = learning_rate
        reference.step()
        optimizer.step(gradients, learning_rate)
        assert set(optimizer.moments) == {name for name, parameter in copies.items() if reference.state[parameter]}
    for name, parameter in copies.items():
        assert torch.equal(ours[name], parameter)
        assert optimizer.moments[name].keys() == reference.state[parameter].keys()
        for entry, value in reference.state[parameter].items():
            assert torch.equal(optimizer.moments[name][entry], value), (name, entry)


def test_gradients_reach_the_kernel_as_their_parameters_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Tensor]] = []
    kernel = torch._fused_adam_

    def recorded(parameters: list[Tensor], gradients: list[Tensor], *rest: list[Tensor], **options: object) -> None:
        seen.extend([parameters, gradients])
        kernel(parameters, gradients, *rest, **options)

    monkeypatch.setattr(torch, "_fused_adam_", recorded)
    weight = nn.Parameter(torch.ones(3, 5))
    make_optimizer({"weight": weight}, OptimizerSettings()).step({"weight": torch.ones(5, 3).t()}, 0.1)
    assert [tensor.stride() for tensors in seen for tensor in tensors] == [(5, 1), (5, 1)]


def test_training_does_not_load_the_compiler() -> None:
    program = """
import sys
from tests.algorithms.cases import CASES, batch_for, make_learner
from rmix_kit.types import Progress
make_learner(CASES["rmix"]).update(batch_for(CASES["rmix"]), Progress())
print("torch" in sys.modules, [name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "True []\n", done.stderr
