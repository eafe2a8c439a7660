"""Golden steps: repeated by any runtime, and refused where they compare nothing."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.bundle import GOLDEN_NAME
from exporters.errors import BundleError
from exporters.golden import replay_golden
from exporters.runtime import OnnxTeam
from exporters.torchscript_runtime import TorchScriptTeam


def test_golden_steps_are_repeated_by_any_runtime(sealed_team: Path) -> None:
    onnx_figures = replay_golden(OnnxTeam(sealed_team, on_invalid="return"), sealed_team, "onnx")
    torch_figures = replay_golden(TorchScriptTeam(sealed_team, on_invalid="return"), sealed_team, "torchscript")
    for figures in (onnx_figures, torch_figures):
        assert {name: figure.rows for name, figure in figures.items()} == {"agent_0": 64, "agent_1": 64}


def _without_steps(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: array[:0] for name, array in arrays.items()}


def _with_a_step_less(arrays: dict[str, Any]) -> dict[str, Any]:
    return arrays | {"agent_1.output.action": arrays["agent_1.output.action"][1:]}


def _as_a_number(arrays: dict[str, Any]) -> dict[str, Any]:
    return arrays | {"agent_0.input.obs": np.float64(1)}


def _with_a_mask_of_one(arrays: dict[str, Any]) -> dict[str, Any]:
    return arrays | {"agent_0.input.avail_actions": arrays["agent_0.input.avail_actions"][..., :1]}


def _without_dots(arrays: dict[str, Any]) -> dict[str, Any]:
    return arrays | {"agent_0.input.obs": arrays["agent_0.input.obs"].astype("S3")}


def _as_other_numbers(arrays: dict[str, Any]) -> dict[str, Any]:
    return arrays | {"agent_0.output.action_values": arrays["agent_0.output.action_values"].astype(np.float16)}


@pytest.mark.parametrize(
    "change", [_without_steps, _with_a_step_less, _as_a_number, _with_a_mask_of_one, _as_other_numbers, _without_dots]
)
def test_golden_steps_that_compare_nothing_are_refused(
    change: Callable[[dict[str, Any]], dict[str, Any]], sealed_team: Path, tmp_path: Path
) -> None:
    with np.load(sealed_team / GOLDEN_NAME, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    buffer = io.BytesIO()
    np.savez(buffer, **change(arrays))
    _refused(sealed_team, tmp_path, buffer.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY\x01\x00", b"0" * 99])
def test_golden_steps_that_are_no_archive_are_refused(data: bytes, sealed_team: Path, tmp_path: Path) -> None:
    _refused(sealed_team, tmp_path, data)


def _refused(sealed_team: Path, tmp_path: Path, data: bytes) -> None:
    """Put a file in the golden steps' place, sum and all, and see it refused."""
    folder = shutil.copytree(sealed_team, tmp_path / "team")
    (folder / GOLDEN_NAME).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][GOLDEN_NAME] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="golden"):
        replay_golden(OnnxTeam(folder, on_invalid="return"), folder, "onnx")


def test_golden_steps_with_a_member_that_is_no_array_are_refused(sealed_team: Path, tmp_path: Path) -> None:
    with np.load(sealed_team / GOLDEN_NAME, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for foreign in ("agent_0.input.obs", "agent_0.output.valid"):
        buffer = io.BytesIO()
        np.savez(buffer, **{name: array for name, array in arrays.items() if name != foreign})
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(f"{foreign}.npy", b"no array")
        _refused(sealed_team, tmp_path / foreign, buffer.getvalue())
