"""CPU time of one RMIX update beside the naive form: 32 x 51 x 2 observations, 100 quantiles, 10 levels.

    python benchmarks/update_time.py

One thread. "naive" is `_naive_rmix.py`, in the structure of the released implementation.
"""

from __future__ import annotations

import torch
from _rmix_work import naive_work, our_work, report, take_turns


def main() -> None:
    """Measure, print, write ``results/update_time.csv``."""
    torch.set_num_threads(1)
    measured = take_turns({"ours": our_work("td"), "naive": naive_work("td")}, turns=9, repeats=3)
    report("update_time", measured)


if __name__ == "__main__":
    main()
