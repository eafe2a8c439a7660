"""Microseconds of one agent's step: torch eager, TorchScript, onnxruntime; one thread each, in one run.

    python benchmarks/act_latency.py [EXPORTED_FOLDER] [--csv PATH]

Every contender takes a numpy observation and gives an int, carries its own memory, and takes turns with the others, so
that a busy machine slows them alike. Without a folder a policy of RMIX's size with random weights is frozen first:
GRU 64, 4 actions x 100 quantiles, risk predictor over 10 levels, guards. With a folder torch eager is left out, since
an exported folder holds no eager module. "naive" is what a reader of onnxruntime's tutorial would write.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))  # the synthetic policy lives with the tests

import numpy as np
import onnxruntime
import torch
from _turns import Step, microseconds

import exporters
from exporters.agent import Agent
from exporters.contract import Policy, PolicySpec
from exporters.runtime import OnnxAgent
from exporters.sampling import legal_rows, random_inputs, zero_carry
from exporters.torchscript_runtime import TorchScriptAgent

CALLS = 250
ROWS = 32
RESULTS = Path(__file__).parent / "results" / "act_latency.csv"
OURS = "OnnxAgent.act"


def legal_step(spec: PolicySpec) -> tuple[np.ndarray, np.ndarray]:
    """Return one legal observation `[...]` and mask `[action]`."""
    inputs = random_inputs(spec, 100, np.random.default_rng(0))
    row = int(np.flatnonzero(legal_rows(spec, inputs))[0])
    return inputs["obs"][row], inputs["avail_actions"][row]


def eager_step(policy: Policy) -> Step:
    """Return a step of the torch module."""
    spec, module = policy.spec, policy.module().eval()
    obs, mask = legal_step(spec)
    carry = [torch.from_numpy(array) for array in zero_carry(spec, 1).values()]

    def step() -> int:
        nonlocal carry
        level = [torch.zeros(1)] if spec.is_risk_aware else []
        with torch.inference_mode():
            outputs = module(torch.from_numpy(obs)[None], torch.from_numpy(mask)[None], *level, *carry)
        carry = list(outputs[len(outputs) - len(carry) :])
        return int(outputs[0])

    return step


def naive_step(path: Path, spec: PolicySpec) -> Step:
    """Return a step by `session.run` with a dictionary of arrays and default options."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    obs, mask = legal_step(spec)
    names = [tensor.name for tensor in spec.carry]
    carry = zero_carry(spec, 1)

    def step() -> int:
        nonlocal carry
        level = {"risk_level": np.zeros(1, dtype=np.float32)} if spec.is_risk_aware else {}
        outputs = session.run(None, {"obs": obs[None], "avail_actions": mask[None], **level, **carry})
        carry = dict(zip(names, outputs[len(outputs) - len(names) :], strict=True))
        return int(outputs[0][0])

    return step


def graph_step(agent: OnnxAgent) -> Step:
    """Return the graph alone: no checks, no copies, no memory that moves."""
    return agent._steps[0]


def agent_step(agent: Agent) -> Step:
    """Return `act` of an exported agent."""
    obs, mask = legal_step(agent.spec)
    return lambda: agent.act(obs, mask)


def batch_step(agent: Agent) -> Step:
    """Return `act_batch` of an exported agent on many rows."""
    obs, mask = legal_step(agent.spec)
    rows, masks = np.stack([obs] * ROWS), np.stack([mask] * ROWS)
    return lambda: agent.act_batch(rows, masks)


def contenders(folder: Path, policy: Policy | None) -> dict[str, Step]:
    """Return every step by name for the folder's first agent."""
    path = folder / "agent_0.onnx"
    steps = {} if policy is None else {"torch eager": eager_step(policy)}
    if path.with_suffix(".pt").exists():
        steps["TorchScriptAgent.act"] = agent_step(TorchScriptAgent(path.with_suffix(".pt")))
    agent = OnnxAgent(path)
    steps["onnxruntime, naive"] = naive_step(path, agent.spec)
    steps[OURS] = agent_step(agent)
    steps["graph alone"] = graph_step(OnnxAgent(path))
    steps[f"OnnxAgent.act_batch, {ROWS} rows"] = batch_step(OnnxAgent(path))
    return steps


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="an exported folder; without it a synthetic policy")
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.folder is None:
            from tests.exporters.policies import risk_aware_policy

            policy: Policy | None = risk_aware_policy(hidden=64, n_quantiles=100)
            assert policy is not None
            folder = exporters.freeze(policy, Path(temporary) / "synthetic")
        else:
            policy, folder = None, arguments.folder
        taken = microseconds(contenders(folder, policy), CALLS)
    versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    machine = f"{platform.machine()}, Python {platform.python_version()}, {versions}"
    ours = statistics.median(taken[OURS])
    rows = [("work", "p50_us", "p99_us", "p50_ratio_to_act", "machine")]
    for name, all_taken in taken.items():
        p50, p99 = (float(np.percentile(all_taken, share)) for share in (50, 99))
        rows.append((name, f"{p50:.1f}", f"{p99:.1f}", f"{p50 / ours:.2f}", machine))
        print(f"{name:32} p50 {p50:8.1f} us   p99 {p99:8.1f} us   {p50 / ours:6.2f} x {OURS}")
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
