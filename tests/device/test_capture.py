"""Between two starts of captured programs nothing is allocated and nothing read; and captured, they stay themselves."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rmix_kit.device import capture
from rmix_kit.device.capture import WARM_UP, CudaGraphs, Program, capture_for, eager
from rmix_kit.testing.device_watch import HOST_READS
from tests.device.setup import CPU, MACN, make_parts, play
from tests.device.test_updates import THIRDS, progress_of


class Outside(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what the host does besides starting programs; a program's own work is not looked at.

    Attributes:
        allocated: Operations that made a new tensor.
        read: Operations that read one back.
        starts: Programs started.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allocated: list[str] = []
        self.read: list[str] = []
        self.starts = 0
        self._is_inside = False

    def __call__(self, program: Program) -> Program:
        """Stand in for a capture."""

        def started() -> None:
            self.starts += 1
            self._is_inside = True
            program()
            self._is_inside = False

        return started

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name.split("::")[-1]
        if not self._is_inside:
            if name in HOST_READS:
                self.read.append(str(func))
            elif not func.is_view and not func._schema.is_mutable and name != "detach":
                self.allocated.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("copies_target", [False, True])
def test_nothing_is_allocated_or_read_between_updates(copies_target: bool) -> None:
    outside = Outside()
    parts = make_parts(MACN, algorithm=THIRDS, capture=outside)
    if copies_target:  # every update brings the episode that the next copy waits for
        parts.learner._target_settings = type(parts.learner._target_settings)(interval_episodes=1)
    play(parts, 12)
    slots = parts.replay.draw(3, torch.arange(6), 6)
    for number in (1, 3):
        parts.updates.run(slots[0], 12, progress_of(number), 0.5)
    outside.starts = 0
    with outside:
        for number in range(6):
            parts.updates.run(slots[number], 12, progress_of(number + 4), 0.5)
    assert outside.starts == 6
    assert outside.allocated == outside.read == []


def test_nothing_is_allocated_or_read_to_play_a_block() -> None:
    outside = Outside()
    parts = make_parts(MACN, capture=outside)
    with outside:
        parts.rollout.run(0.5)
        parts.rollout.run(0.4)
    assert outside.starts == 2
    assert outside.allocated == outside.read == []


def test_what_is_noted_outside_is_noted() -> None:
    outside = Outside()
    with outside:
        outside(lambda: torch.ones(2))()
        assert outside.allocated == outside.read == []
        torch.ones(2)[0].item()
    assert outside.allocated == ["aten.ones.default"]
    assert outside.read == ["aten._local_scalar_dense.default"]


def no_program() -> None:
    """Do nothing."""


def test_a_cpu_starts_every_operation_itself() -> None:
    assert capture_for(CPU) is eager
    assert eager(no_program) is no_program


class FakeCuda:
    """Plays torch.cuda: what happens while a capture is open is noted, and replayed as a whole."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def graph_pool_handle(self) -> str:
        return "pool"

    def CUDAGraph(self) -> Any:  # noqa: N802 - torch's name
        fake = self

        class Graph:
            def replay(self) -> None:
                fake.events.append("replay")

        return Graph()

    def graph(self, graph: Any, pool: str) -> FakeCuda:
        assert pool == "pool"
        return self

    def __enter__(self) -> None:
        self.events.append("capture")

    def __exit__(self, *_: object) -> None:
        self.events.append("captured")

    def Stream(self) -> FakeCuda:  # noqa: N802
        return self

    current_stream = Stream

    def wait_stream(self, _: object) -> None:
        """Streams of a fake are one."""

    def stream(self, _: object) -> Any:
        return contextlib.nullcontext()


def test_a_graph_is_captured_once_after_real_runs_and_then_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeCuda()
    monkeypatch.setattr(capture.torch, "cuda", fake)
    started = CudaGraphs()(lambda: fake.events.append("run"))
    for _ in range(WARM_UP + 3):
        started()
    assert fake.events == ["run"] * WARM_UP + ["capture", "run", "captured", "replay", "replay", "replay"]
