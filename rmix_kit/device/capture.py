"""How a function that changes tensors in place is run again and again: as it is, or as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import torch

Program: TypeAlias = Callable[[], None]
"""Reads and changes tensors that stay where they are; takes and returns nothing."""

WARM_UP = 3
"""Runs before a capture: libraries set themselves up in the first ones, and optimisers make their moments."""


class Capture(Protocol):
    """Turns a program into one that costs less to start."""

    def __call__(self, program: Program) -> Program:
        """Return what is to be called instead; every call does what one call of the program does."""
        ...


def eager(program: Program) -> Program:
    """Return the program itself: every operation is started by the host, each time anew."""
    return program


class CudaGraphs:
    """Programs become CUDA graphs after their first runs, all in one memory pool.

    The pool may be shared because programs leave nothing behind in it: what they hand on lies in tensors that were
    there before.

    Attributes:
        pool: Of all graphs.
    """

    def __init__(self) -> None:
        """Begin without graphs."""
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, program: Program) -> Program:
        """Return what runs the program eagerly at first, then captures it, and from then on starts it as a whole."""
        return _Captured(program, self)


class _Captured:
    """One program; all its runs are real ones, those before the capture too."""

    def __init__(self, program: Program, graphs: CudaGraphs) -> None:
        self._program, self._graphs = program, graphs
        self._runs = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        self._runs += 1
        if self._runs <= WARM_UP:
            self._warm_up()
            return
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, pool=self._graphs.pool):  # what is captured is not run
                self._program()
        self._graph.replay()

    def _warm_up(self) -> None:
        """Run on a stream of its own, as a capture will."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        current = torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            self._program()
        current.wait_stream(stream)


def capture_for(device: torch.device) -> Capture:
    """Return the way that suits a device: graphs on a GPU, no change elsewhere."""
    return CudaGraphs() if device.type == "cuda" else eager
