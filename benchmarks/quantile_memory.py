"""Peak memory of one quantile-regression step beside the naive form: 32 x 51 x 2 observations, 100 quantiles.

    python benchmarks/quantile_memory.py

One thread. Memory is the rise of the process's peak resident size over its size with everything built, each contender
in a process of its own. Its time is in the table of `speed.py`.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import torch
from _rmix_work import RESULTS, machine_note, naive_work, our_work

MAKERS = {"ours": our_work, "naive": naive_work}
KIB_PER_MB = 1000 * 1000 / 1024
STATUS = Path("/proc/self/status")  # Linux; ru_maxrss would start from the parent's peak


def peak_mb() -> float:
    """Return the process's peak resident size in MB; 0 where the system does not say."""
    if not STATUS.exists():
        return 0.0
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / KIB_PER_MB


def memory_of(name: str) -> float:
    """Measure the rise in a fresh process."""
    done = subprocess.run([sys.executable, __file__, "--memory", name], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure, print, write ``results/quantile_memory.csv``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", choices=sorted(MAKERS), help=argparse.SUPPRESS)
    only: str | None = parser.parse_args().memory
    torch.set_num_threads(1)
    if only is not None:
        work = MAKERS[only]("quantile")
        base = peak_mb()
        for _ in range(3):
            work()
        print(peak_mb() - base)
        return
    peaks = {name: memory_of(name) for name in MAKERS}
    rows = [
        {"contender": name, "peak_mb_over_base": round(peak), "times_ours": round(peak / peaks["ours"], 1)}
        for name, peak in peaks.items()
    ]
    with (RESULTS / "quantile_memory.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], "machine"])
        writer.writeheader()
        for row in rows:
            print("  ".join(f"{key}={value}" for key, value in row.items()))
            writer.writerow(row | {"machine": machine_note()})


if __name__ == "__main__":
    main()
