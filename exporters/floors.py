"""The oldest libraries that run exported ONNX files. Standard library only.

This is the one place that says so: files name what they need by it, and tests hold pyproject.toml and the documentation
to it, and run it (`make test-clients`).
"""

from __future__ import annotations

from collections.abc import Mapping

FIRST_ONNXRUNTIME: Mapping[int, str] = {8: "1.10", 9: "1.15", 10: "1.18"}
"""IR version of a file -> the first onnxruntime that reads it."""

ONNXRUNTIME = FIRST_ONNXRUNTIME[10]
"""What reads the files that torch's exporter writes now."""

NUMPY = "1.26"
