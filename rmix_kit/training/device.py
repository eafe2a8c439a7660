"""Where training happens, and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rmix_kit.errors import DeviceError
from rmix_kit.training.run_config import Device


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
