"""The sample in C#: that it parses, and that it names the tensors of an exported file; it is not compiled here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from exporters.bundle import read_manifest
from tests.fixtures.trained import Trained

pytestmark = pytest.mark.clients

SAMPLE = Path(__file__).resolve().parents[2] / "clients" / "csharp" / "RmixAgent.cs"


def _parse(path: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("mcs") is None:
        pytest.fail("mcs is missing; as root: apt-get install mono-mcs")
    return subprocess.run(["mcs", "--parse", str(path)], capture_output=True, text=True, check=False)


def test_the_sample_parses_and_a_broken_one_does_not(tmp_path: Path) -> None:
    assert _parse(SAMPLE).returncode == 0
    broken = tmp_path / "Broken.cs"
    broken.write_text(SAMPLE.read_text(encoding="utf-8").replace("session.InputNames", "session..InputNames"))
    assert _parse(broken).returncode != 0


def test_the_sample_names_what_an_exported_file_takes_and_gives(trained: Trained) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    spec = read_manifest(trained.agents).agents[0].spec
    carried = {tensor.name for tensor in spec.carry}
    inputs = re.search(r"NoMemory = \{ (.*?) \};", text)
    assert inputs is not None
    assert re.findall(r'"(\w+)"', inputs[1]) == [name for name in spec.input_names if name not in carried]
    read = text[text.index("private Step Read") : text.index("private long[] ShapeOf")]
    outputs = [name for name in spec.output_names if name.removeprefix("next_") not in carried]
    assert re.findall(r'case "(\w+)":', read) == outputs
    assert all(tensor.dtype == "float32" for tensor in spec.carry)  # the only memory that the sample carries
