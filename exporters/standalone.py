"""Runs the agents of an exported folder with numpy and onnxruntime alone; needs nothing else of the package.

`python client.py FOLDER` repeats the folder's golden steps. Every exported README shows this file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


class Client:
    """One agent in `batch` episodes side by side; each row has its own memory, all zero at the start of an episode."""

    def __init__(self, folder: Path, manifest: dict[str, Any], entry: dict[str, Any], batch: int = 1) -> None:
        self.index: int = entry["spec"]["agent_index"]
        figures = manifest["parity"][entry["spec"]["agent_id"]]["onnx"]
        self.tolerance, self.tie = float(figures["tolerance"]), float(figures["tie"])
        carry = entry["spec"]["carry"]
        self.memory = {tensor["name"]: np.zeros((batch, *tensor["shape"]), tensor["dtype"]) for tensor in carry}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = str(folder / entry["files"]["onnx"])
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [node.name for node in self.session.get_inputs() if node.name not in self.memory]
        self.outputs = [node.name for node in self.session.get_outputs()]

    def step(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Return every output by name for `obs`, `avail_actions` and, with a dial, `risk_level`; keep the memory."""
        outputs = dict(zip(self.outputs, self.session.run(None, inputs | self.memory), strict=True))
        self.memory = {name: outputs[f"next_{name}"].copy() for name in self.memory}
        return outputs

    def reset(self, rows: np.ndarray | slice = slice(None)) -> None:
        """Begin an episode in some rows; the others play on."""
        for array in self.memory.values():
            array[rows] = 0

    def executed(self, actions: np.ndarray) -> None:
        """Tell what was done `[batch]` where it was not the proposed action; -1 leaves a row as it is."""
        if "last_action" in self.memory:
            rows = np.flatnonzero(actions >= 0)
            self.memory["last_action"][rows] = 0
            self.memory["last_action"][rows, actions[rows]] = 1


def load(folder: Path, batch: int = 1) -> dict[str, Client]:
    """Return agent id -> client, after a look at the size and sum of every file."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (entry["size"], entry["sha256"]):
            raise ValueError(f"{name} is not the file that was exported")
    return {entry["spec"]["agent_id"]: Client(folder, manifest, entry, batch) for entry in manifest["agents"]}


def check(folder: Path) -> dict[str, int]:
    """Repeat the golden steps; return how many each agent took."""
    counts = {}
    with np.load(folder / "golden.npz", allow_pickle=False) as golden:
        for name, client in load(folder).items():
            key = f"agent_{client.index}"
            given = {tensor: golden[f"{key}.input.{tensor}"] for tensor in client.inputs}
            wanted = {tensor: golden[f"{key}.output.{tensor}"] for tensor in client.outputs}
            counts[name] = len(given["obs"])
            for step in range(counts[name]):
                found = client.step(**{tensor: array[step] for tensor, array in given.items()})
                expected = {tensor: array[step] for tensor, array in wanted.items()}
                _compare(client, found, expected, given["avail_actions"][step], f"{name}, step {step}")
    return counts


def _compare(
    client: Client, found: dict[str, np.ndarray], expected: dict[str, np.ndarray], allowed: np.ndarray, where: str
) -> None:
    compared = set(expected) - {"action"}
    if found["action"][0] != expected["action"][0]:
        best = np.sort(expected["action_values"][allowed])[::-1]
        if found["action"][0] < 0 or len(best) < 2 or best[0] - best[1] >= client.tie:
            raise ValueError(f"{where}: action is {found['action'][0]}, expected {expected['action'][0]}")
        compared -= {"next_last_action"}
        client.executed(expected["action"])
    for tensor in compared:
        gap = np.abs(found[tensor].astype(np.float64) - expected[tensor].astype(np.float64)).max()
        if not gap <= client.tolerance:  # NaN fails too
            raise ValueError(f"{where}: {tensor} is off by {gap}")


if __name__ == "__main__":
    sys.stdout.write(f"{check(Path(sys.argv[1]))}\n")
