"""Start a checkout of EPyMARL in the interpreter of its own environment, with MPE from the package it moved to.

    PYTHON _epymarl_entry.py CHECKOUT ARGUMENTS...

The checkout is not changed. Two things that it looks for under names of 2024 are given to it: PettingZoo's MPE, which
is the package `mpe2` now, and `smaclite`, which it imports whether or not it plays it. MPE gets a clock of its own
that ends one step after EPyMARL's (25): its wrapper takes rewards of the agents that are left, so that the step on
which PettingZoo's own clock ends the episode would count nothing.
"""

from __future__ import annotations

import importlib
import runpy
import sys
import types
from pathlib import Path

STEPS = 25
MPE = ("simple_speaker_listener_v4", "simple_spread_v3")


def main() -> None:
    """Make the two names known, then be EPyMARL's `main.py`."""
    checkout, *arguments = sys.argv[1:]
    program = Path(checkout).resolve() / "src" / "main.py"
    sys.path.insert(0, str(program.parent))
    sys.modules.setdefault("smaclite", types.ModuleType("smaclite"))
    sys.modules["pettingzoo.mpe"] = importlib.import_module("mpe2")
    for name in MPE:
        sys.modules[f"pettingzoo.mpe.{name}"] = importlib.import_module(f"mpe2.{name}")

    import gymnasium

    for name in MPE:
        gymnasium.register(
            f"pz-mpe-{name.replace('_', '-')}",
            entry_point="envs.pz_wrapper:PettingZooWrapper",
            kwargs={"lib_name": "mpe", "env_name": name, "max_cycles": STEPS + 1},
        )
    sys.argv = [str(program), *arguments]
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
