from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT


def test_the_gpu_benchmark_runs_dry_on_the_cpu(tmp_path: Path) -> None:
    table = tmp_path / "gpu.csv"
    command = [sys.executable, "benchmarks/gpu.py", "--dry", "--csv", str(table), "--only", "losses"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == {"losses"}
    assert {row["value"] for row in rows} == {"0"}  # the CPU is compared with itself
