"""Where the time of an RMIX update goes, phase by phase.

    python benchmarks/update_phases.py [--turns 40] [--csv PATH]

The batch of `benchmarks/speed.py` (32 episodes x 51 observations x 2 agents, 100 quantiles) on one thread. The phases
of `RMIX.losses` and of the learner are called one after the other, each timed alone; the least of all turns counts.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from _rmix_work import CPU, N_LEVELS, N_QUANTILES, RESULTS, machine_note, make_batch, make_spec

from rmix_kit.algorithms.algorithm import Losses
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.value_decomposition import squared_td_error
from rmix_kit.networks.inputs import inputs_together
from rmix_kit.networks.packing import shift
from rmix_kit.networks.recurrent import unroll_encoders
from rmix_kit.training.device import keep_freed_memory
from rmix_kit.training.learner import Learner, TargetSettings


def phases(learner: Learner, algorithm: RMIX) -> Iterator[str]:
    """Make one update; yield the name of each phase at its end."""
    batch = learner.online.coded(make_batch())
    yield ""  # what comes before is not timed
    online, target = learner.online, learner.target
    agents = [online.agent, target.agent]
    each = inputs_together([agent.inputs for agent in agents], batch)
    rows = [part for inputs in each for part in (inputs, shift(inputs.detach(), batch.packing))]
    yield "inputs"
    encoders = [encoder for agent in agents for encoder in (agent.encoder, agent.predictor.encoder)]
    states = unroll_encoders(encoders, rows, batch.packing.rows_per_step)
    yield "four GRUs forward"
    output, target_output = (agent.output(batch, *states[2 * i : 2 * i + 2]) for i, agent in enumerate(agents))
    yield "scores of the levels"
    greedy = algorithm.greedy(output, batch)
    yield "greedy values"
    chosen = algorithm.chosen_values(output, batch)
    yield "chosen values"
    c_tot = online.mixer(chosen, batch.state[:, :-1])
    with torch.no_grad():
        next_c_tot = target.mixer(target_output.cvar_of(greedy.actions)[:, 1:], batch.state[:, 1:])
        targets = algorithm.td_targets(batch, next_c_tot, greedy.actions)
    loss = squared_td_error(c_tot, targets, batch)
    yield "targets, mixers and loss"
    hidden = torch.autograd.grad(loss, states[:2], retain_graph=True)
    yield "(of backward: to the hidden states)"
    weights = [weight for encoder in encoders[:2] for weight in encoder.parameters()]
    torch.autograd.grad(states[:2], weights, hidden, retain_graph=True)
    yield "(of backward: through the GRUs)"
    gradients, norms = learner.gradients(Losses({"td": loss}, {}))
    yield "backward"
    learner.guard(Losses({"td": loss}, {}), norms)
    learner.step(gradients, learner.kept_shares(norms), 1.0)
    yield "guard and step"


def main() -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--csv", type=Path, default=RESULTS / "update_phases.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    algorithm = RMIX(n_quantiles=N_QUANTILES, n_risk_levels=N_LEVELS)
    learner = Learner(algorithm, make_spec(), TargetSettings(), seed=0, device=CPU)
    least: dict[str, float] = {}
    for _ in range(options.turns):
        start = time.perf_counter()
        for name in phases(learner, algorithm):
            least[name] = min(least.get(name, float("inf")), time.perf_counter() - start)
            start = time.perf_counter()
    del least[""]
    with options.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("phase", "ms", "machine"))
        for name, seconds in least.items():
            print(f"{name:38} {1e3 * seconds:6.2f} ms")
            writer.writerow((name, round(1e3 * seconds, 2), machine_note()))


if __name__ == "__main__":
    main()
