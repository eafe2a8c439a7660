from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import exporters
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks.coding import ObsCoding, StateCoding
from rmix_kit.networks.images import image_shape, planes, thumbnails
from rmix_kit.policy import GreedyPolicy
from rmix_kit.testing.episodes import make_spec, random_batch
from rmix_kit.types import EnvSpec, Progress


def picture_spec(shape: Sequence[int] = (12, 20, 3), high: float = 255.0) -> EnvSpec:
    """Return a spec whose observations are pictures, and whose state is the pictures in a row."""
    size = int(np.prod(shape))
    spec = replace(
        make_spec(), obs_shape=tuple(shape), obs_dtype="uint8", obs_low=(0.0,) * size, obs_high=(high,) * size
    )
    state = {"state_dtype": "uint8", "state_low": (0.0,) * size * 2, "state_high": (high,) * size * 2}
    return replace(spec, state_size=2 * size, **state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((12, 20, 3), (3, 12, 20, True)),
        ((4, 84, 84), (4, 84, 84, False)),
        ((84, 84, 1), (1, 84, 84, True)),
        ((3, 3, 3), None),
        ((12, 20), None),
        ((20, 20, 20), None),
    ],
)
def test_pictures_are_three_axes_of_bytes(shape: tuple[int, ...], found: tuple[int, ...] | None) -> None:
    assert image_shape(picture_spec(shape)) == found


def test_tables_of_codes_are_no_pictures() -> None:
    assert image_shape(picture_spec((10, 10, 3), high=4.0)) is None
    assert image_shape(replace(picture_spec(), obs_dtype="float32")) is None


def test_channels_lie_where_the_shape_says() -> None:
    last = torch.arange(12 * 20 * 3).reshape(1, 12, 20, 3) % 256
    first = last.permute(0, 3, 1, 2).contiguous()
    shapes = [image_shape(picture_spec(s)) for s in ((12, 20, 3), (3, 12, 20))]
    assert shapes[0] is not None
    assert shapes[1] is not None
    assert torch.equal(planes(last, shapes[0]), planes(first, shapes[1]))


def test_a_thumbnail_keeps_brightness() -> None:
    spec = picture_spec()
    shape = image_shape(spec)
    assert shape is not None
    white = torch.full((2, 12, 20, 3), 255, dtype=torch.uint8)
    assert thumbnails(white, shape).unique().tolist() == pytest.approx([1.0])
    assert ObsCoding(spec).code(white)[0].shape == (2, ObsCoding(spec).coded_size)
    state = StateCoding(spec)
    assert state(white.float().reshape(1, -1)).shape == (1, state.coded_size)


@pytest.mark.parametrize("cls", ALGORITHMS, ids=lambda cls: cls.name)
def test_every_algorithm_learns_from_pictures_with_all_weights(cls: type) -> None:
    torch.manual_seed(0)
    spec, algorithm = picture_spec(), cls(image_channels=(4, 8))
    online, target = algorithm.networks(spec), algorithm.networks(spec).requires_grad_(False)
    batch = online.coded(random_batch(spec, lengths=(3, 2), seed=0, tau_draws=algorithm.tau_draws))
    if algorithm.risk_level_draws:
        batch = replace(batch, risk_level=torch.full_like(batch.risk_level, 0.5))

    total = sum(
        loss
        for losses in algorithm.phases(
            online, target, batch, Progress(env_steps=100, updates=20, best_success_rate=1.0)
        )
        for loss in losses.groups.values()
    )
    total.backward()
    pictures = {name: p.grad for name, p in online.agent.named_parameters() if "pictures" in name}
    assert pictures
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in pictures.values())


def test_the_encoder_is_exported(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = picture_spec()
    agent = RMIX(image_channels=(4, 8)).networks(spec).eval().requires_grad_(False).agent
    policy = GreedyPolicy(agent, spec, agent_index=1, algorithm="rmix")
    assert exporters.freeze(policy, tmp_path / "agents", ("onnx", "torchscript")).is_dir()
