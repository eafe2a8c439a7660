"""Microseconds of a whole exported team's step: onnxruntime alone and `OnnxTeam.act`, one thread, in one run.

    python benchmarks/team_latency.py [--csv PATH] [--algorithms rmix,qmix] [--sizes 2,10]

Teams on MACN with fresh weights of an algorithm's defaults, exported one file an agent. Everything acts on the same
observations and masks, in turns, so that a busy machine slows all alike; ratios are of medians. "session.run" calls
`session.run(None, feeds)` of every agent's session with its memory fed back, and looks at nothing else; "io-binding" is
each agent's graph alone, bound to fixed arrays; "OnnxTeam.act" checks inputs and refusals and keeps the memory;
"shared" are the same of one file for all agents, in one call, and "two calls" twice one agent's `session.run`.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxruntime
import torch
from _turns import Step, microseconds

import exporters
from exporters.contract import PolicySpec
from exporters.runtime import OnnxTeam, open_session
from exporters.sampling import zero_carry
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import GreedyPolicy

CALLS = 50
SIZES = (2, 4, 10)
NAMES = ("rmix", "vdn", "coma", "dmix", "riskq", "ddn", "qmix")
RESULTS = Path(__file__).parent / "results" / "team_latency.csv"
COLUMNS = ("algorithm", "agents", "contender", "p50_us", "p50_ratio_to_session_run", "machine")
RAW = "session.run"

Inputs = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]
"""Observations and masks by agent id."""


def policies_of(name: str, n_agents: int) -> tuple[list[GreedyPolicy], Inputs]:
    """Return a team with fresh weights, and what it sees at an episode's start."""
    envs = make_vector_env(f"macn:4x12?n_agents={n_agents}", 1)
    first, spec = envs.reset([0]), envs.spec
    envs.close()
    torch.manual_seed(0)
    agent = next(kind for kind in ALGORITHMS if kind.name == name)().networks(spec).agent.eval()
    team = [GreedyPolicy(agent, spec, agent_index=index, algorithm=name) for index in range(n_agents)]
    ids = spec.agent_ids
    seen = ({one: first.obs[0, at].copy() for at, one in enumerate(ids)},)
    return team, (*seen, {one: first.avail_actions[0, at].copy() for at, one in enumerate(ids)})


def raw_step(folder: Path, specs: dict[str, PolicySpec], inputs: Inputs) -> Step:
    """Return a step of every agent's session by `session.run` with a dictionary, its memory fed back."""
    parts = []
    for spec in specs.values():
        path = folder / f"agent_{spec.agent_index}.onnx"
        level = {"risk_level": np.zeros(1, dtype=np.float32)} if spec.is_risk_aware else {}
        feeds = {"obs": inputs[0][spec.agent_id][None], "avail_actions": inputs[1][spec.agent_id][None], **level}
        parts.append((open_session(path.read_bytes(), str(path))[0], {**feeds, **zero_carry(spec, 1)}))
    names = [tensor.name for tensor in spec.carry]

    def step() -> None:
        for session, feeds in parts:
            outputs = session.run(None, feeds)
            feeds.update(zip(names, outputs[len(outputs) - len(names) :], strict=True))

    return step


def bound_step(team: OnnxTeam) -> Step:
    """Return every agent's graph alone: no checks, no copies, no memory that moves."""
    steps = [agent._steps[0] for agent in team.agents.values()]

    def step() -> None:
        for one in steps:
            one()

    return step


def acting_step(team: OnnxTeam, inputs: Inputs) -> Step:
    """Return `act` of a team."""
    return lambda: team.act(*inputs)


def two_calls(folder: Path, specs: dict[str, PolicySpec], inputs: Inputs) -> Step:
    """Return two `session.run` of the first agent."""
    name, spec = next(iter(specs.items()))
    once = raw_step(folder, {name: spec}, inputs)

    def step() -> None:
        once()
        once()

    return step


def whole_step(team: OnnxTeam) -> Step:
    """Return the graph of a shared file alone, for all agents."""
    assert team._together is not None
    return team._together._steps[0]


def contenders(folder: Path, shared: Path, inputs: Inputs) -> dict[str, Step]:
    """Return every step by name."""
    team = OnnxTeam(folder)
    return {
        RAW: raw_step(folder, team.specs, inputs),
        "two calls": two_calls(folder, team.specs, inputs),
        "io-binding": bound_step(OnnxTeam(folder)),
        "OnnxTeam.act": acting_step(team, inputs),
        "shared, io-binding": whole_step(OnnxTeam(shared)),
        "shared, OnnxTeam.act": acting_step(OnnxTeam(shared), inputs),
    }


def measure(steps: dict[str, Step]) -> dict[str, float]:
    """Return each contender's median of microseconds."""
    return {name: statistics.median(taken) for name, taken in microseconds(steps, CALLS).items()}


def measured(name: str, n_agents: int) -> list[tuple[str, float, float]]:
    """Return each contender with its median and that beside `session.run`, for one team."""
    policies, inputs = policies_of(name, n_agents)
    with tempfile.TemporaryDirectory() as temporary:
        folder = exporters.freeze(policies, Path(temporary) / "team", "onnx")
        shared = exporters.freeze(policies, Path(temporary) / "shared", "onnx", shared=True)
        taken = measure(contenders(folder, shared, inputs))
    return [(contender, p50, p50 / taken[RAW]) for contender, p50 in taken.items()]


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    parser.add_argument("--algorithms", default=",".join(NAMES), help="which, by name")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of agents")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    machine = f"{platform.machine()}, Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}"
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for name in arguments.algorithms.split(","):
            for size in map(int, arguments.sizes.split(",")):
                for contender, p50, ratio in measured(name, size):
                    table.writerow((name, size, contender, f"{p50:.1f}", f"{ratio:.2f}", machine))
                    print(
                        f"{name:12} {size:2} agents  {contender:24} p50 {p50:8.1f} us  {ratio:5.2f} x {RAW}", flush=True
                    )
                file.flush()


if __name__ == "__main__":
    main()
