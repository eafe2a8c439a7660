"""Where training happens, and on how many threads."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rmix_kit.compiling.finding import compiled_module, is_kept
from rmix_kit.errors import DeviceError
from rmix_kit.training.run_config import Device

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGEST_HEAP_BLOCK = 32 * 2**20  # the most that glibc allows
_KEPT_BYTES = 512 * 2**20


def choose_device(name: Device) -> torch.device:
    """Find the device of that name.

    Args:
        name: "auto" takes CUDA if there is one, and the CPU otherwise.

    Returns:
        The device.

    Raises:
        DeviceError: CUDA is asked for and absent.
    """
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        built = "is built without CUDA" if torch.version.cuda is None else "sees no GPU"
        raise DeviceError(
            f"device is cuda, but torch {torch.__version__} {built}; "
            "use --device cpu or auto, or install a CUDA build of torch and its driver"
        )
    return torch.device("cuda" if name != "cpu" and has_cuda else "cpu")


def why_slow(device: torch.device) -> list[str]:
    """Return why updates take longer than they could, and what to do; nothing where they do not.

    Args:
        device: Where updates happen; on a GPU nothing is compiled here.
    """
    if device.type != "cpu":
        return []
    passes = compiled_module("rmix_kit.compiling.gru_passes")
    if isinstance(passes, str):
        return [f"updates take longer than they could: {passes}"]
    if not is_kept(passes.forward):
        return [
            "what updates call is compiled anew in every process, which takes some four seconds: there is no place to "
            "keep what numba compiles; name a folder in NUMBA_CACHE_DIR"
        ]
    return []


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch's operators use so many threads, and put the number of before back at the end.

    The setting belongs to the process. One thread is as fast as several on networks of this size, and sums are then
    always added up in the same order, which exact resume needs.

    Args:
        count: At least 1.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next update instead of giving it back to the system.

    By default glibc returns what an update frees and asks for it again in the next one; the pages, cleared anew each
    time, cost a tenth of an update. The setting belongs to the process; other C libraries are left as they are.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_HEAP_BLOCK)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
