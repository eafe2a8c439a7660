"""A device without numbers: whoever would read one back, or mix it with the host's, is named.

Torch's stand-in for a GPU (FakeTensorMode on "cuda") cannot index in a build without CUDA; "meta" asks the same.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from rmix_kit.testing.device_watch import DeviceWatch
from tests.device.setup import MACN, SMAC, Parts, make_parts
from tests.device.test_updates import OFF_POLICY, THIRDS, progress_of

META = torch.device("meta")
MEDIVACS = "smac:MMM2?backend=builtin"
each_game = pytest.mark.parametrize("env", [MACN, SMAC, MEDIVACS])


def watched(parts: Parts) -> tuple[DeviceWatch, DeviceWatch]:
    """Watch a block of play with its draws, and updates without and with the quantile loss."""
    slots = torch.zeros(6, dtype=torch.int64, device=META)
    with DeviceWatch("meta"):
        for number in (1, 3):
            parts.updates.run(slots, 16, progress_of(number), 0.5)  # makes once what is made of the host's numbers
    with DeviceWatch("meta") as playing:
        parts.rollout.run(0.3)
        drawn = parts.replay.draw(5, torch.arange(3, device=META), 6)
        torch.cat([parts.rollout.now.totals, parts.replay.lengths[drawn].amax(-1).double(), parts.updates.taken()])
    with DeviceWatch("meta") as learning:
        for number in (4, 5, 6):
            parts.updates.run(drawn[number - 4], 16, progress_of(number), 0.5)
    return playing, learning


@each_game
def test_no_value_is_read_back_in_a_block_but_the_one_of_its_end(env: str) -> None:
    playing, learning = watched(make_parts(env, algorithm=THIRDS, device=META))
    assert playing.complaints + learning.complaints == []


class Placing(TorchFunctionMode):
    """Notes numbers of the host that torch would put on the device first, which no capture allows and no watch sees.

    Attributes:
        complaints: One line per call.
    """

    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Look at the choices, then let the call happen."""
        if func is torch.where and not all(isinstance(value, torch.Tensor) for value in args):
            self.complaints.append(f"torch.where{tuple(type(value).__name__ for value in args)}")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", OFF_POLICY)
def test_every_algorithm_of_the_replay_updates_without_the_host(name: str) -> None:
    parts = make_parts(algorithm=OFF_POLICY[name], device=META)
    slots = torch.zeros(6, dtype=torch.int64, device=META)
    with DeviceWatch("meta"):
        parts.updates.run(slots, 16, progress_of(1), 0.5)
    with DeviceWatch("meta") as watch, Placing() as placing:
        parts.updates.run(slots, 16, progress_of(2), 0.5)
        parts.rollout.run(0.3)
    assert watch.complaints + placing.complaints == []


def test_a_number_that_would_be_put_on_the_device_is_seen() -> None:
    with Placing() as placing:
        torch.where(torch.ones(2, device=META) > 0, 1.0, torch.ones(2, device=META))
    assert placing.complaints == ["torch.where('Tensor', 'float', 'Tensor')"]


def test_the_one_look_of_a_block_is_seen() -> None:
    parts = make_parts(device=META)
    with DeviceWatch("meta") as watch, pytest.raises((RuntimeError, NotImplementedError)):
        parts.rollout.now.totals[0].item()
    assert len(watch.complaints) == 1


@pytest.mark.parametrize(("env", "most_a_step", "most_an_update"), [(MACN, 360, 580), (SMAC, 1130, 700)])
def test_a_step_and_an_update_start_about_so_many_operations(env: str, most_a_step: int, most_an_update: int) -> None:
    """Whatever the copies and the batch: the numbers are for docs, and for whoever makes them smaller or larger."""
    counts = []
    for num_envs in (4, 12):
        playing, learning = watched(make_parts(env, algorithm=THIRDS, num_envs=num_envs, device=META))
        counts.append((playing.launches / 8, learning.launches / 3))
    assert counts[0] == counts[1]
    step, update = counts[0]
    assert 0.9 * most_a_step < step < most_a_step
    assert 0.9 * most_an_update < update < most_an_update
