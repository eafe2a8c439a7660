"""CPU time of one update of every algorithm of the roster as a ratio to QMIX, and of QMIX in a per-step GRU cell loop.

    python benchmarks/roster_update_time.py

One thread; 32 x 51 x 2 observations, all episodes of full length; contenders take turns. COMA and DOP make one step of
their critic per time step or as their settings say, so their update is several steps. Context, not measured here:
EPyMARL's QMIX update of the same batch took 56 to 76 ms of CPU time and its VDN 41 to 63 ms on a machine of this kind.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from _naive_qmix import NaiveQmix
from _rmix_work import CPU, Work, make_batch, make_spec, report, take_turns

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.networks.inputs import AgentInputs
from rmix_kit.networks.unroll import agent_ids, last_actions
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import Progress

TURNS, REPEATS = 7, 3


def roster_work(algorithm: Algorithm) -> Work:
    """Return a call that makes one update with the algorithm's defaults, guard and target copy included."""
    batch = make_batch()
    size, steps = batch.obs.shape[:2]
    if algorithm.tau_draws:
        batch = replace(batch, tau=torch.rand(size, steps, algorithm.tau_draws))
    if algorithm.data != "replay":  # all fresh for COMA, a third for DOP
        batch = replace(batch, is_newest=torch.arange(size) < (size if algorithm.data == "round" else size // 3))
    if algorithm.risk_level_draws:
        batch = replace(batch, risk_level=torch.full((size,), 0.5))
    learner = Learner(algorithm, make_spec(), TargetSettings(), seed=0, device=CPU)
    return lambda: learner.update(batch, Progress())


def naive_work() -> Work:
    """Return a call that makes one naive QMIX update; its inputs are coded beforehand, which favours it."""
    batch = make_batch()
    inputs = AgentInputs(make_spec())(batch.obs, last_actions(batch), agent_ids(batch))
    learner = NaiveQmix(inputs.shape[-1], batch)
    return lambda: learner.step(inputs, batch)


def main() -> None:
    """Measure, print, write ``results/roster_update_time.csv``."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    works = {kind.name: roster_work(kind()) for kind in ALGORITHMS}
    contenders = {"qmix": works.pop("qmix"), "qmix, per-step loop": naive_work(), **works}
    measured = take_turns(contenders, turns=TURNS, repeats=REPEATS)
    report("roster_update_time", measured, baseline="qmix")


if __name__ == "__main__":
    main()
