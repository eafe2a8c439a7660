"""One policy -> the bytes of one TorchScript file, by trace. With `torchscript_runtime` the only user of torch.jit."""

from __future__ import annotations

import io
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from exporters.contract import Policy
from exporters.errors import PolicyError, UnsupportedError
from exporters.tracing import Positional, example_inputs, in_a_line

METADATA_NAME = "policy.json"
FIRST_PYTHON_WITHOUT = (3, 14)


def check_python() -> None:
    """Refuses a Python that TorchScript does not support.

    Raises:
        UnsupportedError: on Python 3.14 and newer.
    """
    if sys.version_info[:2] >= FIRST_PYTHON_WITHOUT:
        raise UnsupportedError(
            f"TorchScript does not support Python {sys.version_info[0]}.{sys.version_info[1]}; "
            "use the format onnx, or Python 3.13 or older"
        )


@contextmanager
def jit_deprecation() -> Iterator[None]:
    """Silences torch's advice to leave TorchScript, for one call; the format was asked for by name."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is (deprecated|not supported)", category)
        yield


def to_torchscript(policy: Policy, metadata: Mapping[str, str]) -> bytes:
    """Return the policy as the bytes of one traced and frozen TorchScript file with `metadata` inside.

    Args:
        policy: the policy; its module is not changed.
        metadata: extra files by name, such as `METADATA_NAME`.

    Raises:
        UnsupportedError: on Python 3.14 and newer.
        PolicyError: if torch cannot trace the module.
    """
    check_python()
    buffer = io.BytesIO()
    with warnings.catch_warnings(), jit_deprecation(), torch.no_grad():
        # Checks of shapes become constants of the trace, and torch warns of each. Whether the trace holds for other
        # inputs and batch sizes is measured by verify.py, which is stricter than these warnings and torch's own check.
        warnings.filterwarnings("ignore", "Converting a tensor to a Python")
        try:
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                Positional(policy), example_inputs(policy.spec), check_trace=False
            )
            torch.jit.save(torch.jit.freeze(traced), buffer, _extra_files=dict(metadata))
        except RuntimeError as error:
            raise PolicyError(f"torch cannot trace {policy.spec.agent_id}'s policy: {in_a_line(error)}") from error
    return _without_debug_files(buffer.getvalue())


def _without_debug_files(data: bytes) -> bytes:
    """Drop the debug entries, which hold source paths of the exporting machine; loading does not need them."""
    stripped = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stripped, "w", zipfile.ZIP_STORED) as target:
        for info in source.infolist():
            if not info.filename.endswith(".debug_pkl"):
                target.writestr(zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0)), source.read(info))
    return stripped.getvalue()
