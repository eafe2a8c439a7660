"""Runs the agents of the exported folder that it lies in with numpy and onnxruntime alone.

`python client.py` repeats the folder's golden steps; `python client.py FOLDER` those of another. From Python:

    from client import load

    team = load("agents")
    team.reset()
    actions = team.act(observations, avail_actions)  # dictionaries by agent id; risk_level=0.5 turns the dial

rmix-kit writes it into every folder with ONNX files; its `exporters.runtime.OnnxTeam` does the same faster, and says
more of what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FORMAT, FORMAT_VERSIONS = "rmix-kit-policy", (1, 2)
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
Tensors = dict[str, np.ndarray]


class Agent:
    """One agent in `batch` episodes side by side; each row has its own memory, all zero at the start of an episode."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        spec: Mapping[str, Any],
        session: onnxruntime.InferenceSession,
        batch: int = 1,
    ) -> None:
        self.name: str = spec["agent_id"]
        self.index: int = spec["agent_index"]
        self.n_actions: int = spec["n_actions"]
        self.batch = batch
        self.session, self.agent_input = session, manifest.get("agent_input")
        figures = manifest["parity"][self.name]["onnx"]
        self.tolerance, self.tie = float(figures["tolerance"]), np.float32(figures["tie"])
        self.memory = {tensor["name"]: np.zeros((batch, *tensor["shape"]), tensor["dtype"]) for tensor in spec["carry"]}
        taken = [node.name for node in session.get_inputs()]
        self.inputs = [name for name in taken if name not in self.memory and name != self.agent_input]
        self.outputs = [node.name for node in session.get_outputs()]

    def feeds(self, obs: np.ndarray, avail_actions: np.ndarray, risk_level: float | np.ndarray = 0.0) -> Tensors:
        """Return every input of a step by name, `[batch, ...]`."""
        rows = self.batch
        if len(obs) != rows or len(avail_actions) != rows:
            raise ValueError(
                f"{self.name} got {len(obs)} observations and {len(avail_actions)} masks; it plays {rows} episodes "
                "side by side (load(folder, batch=...))"
            )
        if avail_actions.dtype == np.int8 and not (avail_actions & ~1).any():
            avail_actions = avail_actions.astype(bool)
        feeds = {"obs": obs, "avail_actions": avail_actions, **self.memory}
        if "risk_level" in self.inputs:
            feeds["risk_level"] = np.broadcast_to(np.asarray(risk_level, dtype=np.float32), rows)
        elif np.any(risk_level):
            raise ValueError(f"{self.name} has no risk dial; leave risk_level at 0")
        if self.agent_input is not None:
            feeds[self.agent_input] = np.full(rows, self.index)
        return feeds

    def step(self, obs: np.ndarray, avail_actions: np.ndarray, risk_level: float | np.ndarray = 0.0) -> Tensors:
        """Return every output by name, `[batch, ...]`, and keep the memory; `valid` says which rows were refused."""
        outputs = dict(
            zip(self.outputs, self.session.run(self.outputs, self.feeds(obs, avail_actions, risk_level)), strict=True)
        )
        self.keep(outputs)
        return outputs

    def keep(self, outputs: Tensors) -> None:
        """Make a step's memory that of the next one."""
        self.memory = {name: outputs[f"next_{name}"].copy() for name in self.memory}

    def reset(self, rows: np.ndarray | slice = slice(None)) -> None:
        """Begin an episode in some rows; the others play on."""
        for array in self.memory.values():
            array[rows] = 0

    def executed(self, actions: np.ndarray) -> None:
        """Tell what was done `[batch]` where it was not the proposed action; -1 leaves a row as it is."""
        self.remember(self.checked(actions))

    def checked(self, actions: np.ndarray) -> np.ndarray:
        """Return actions `[batch]`, refusing what is none."""
        actions = np.atleast_1d(actions)
        if actions.shape != (self.batch,) or actions.dtype.kind not in "iu":
            raise ValueError(
                f"{self.name} was told of {actions}; expected {self.batch} whole numbers, -1 = as proposed"
            )
        if actions.min() < -1 or actions.max() >= self.n_actions:
            raise ValueError(
                f"{self.name} was told of {actions}; actions are 0 to {self.n_actions - 1}, -1 = as proposed"
            )
        return actions

    def remember(self, actions: np.ndarray) -> None:
        """Write into the memory what `checked` gave."""
        if "last_action" in self.memory:
            rows = np.flatnonzero(actions >= 0)
            self.memory["last_action"][rows] = 0
            self.memory["last_action"][rows, actions[rows]] = 1


class Team:
    """The agents of a folder. A step is all or nothing: if a row is refused, no memory moves and `ValueError` says so.

    With `on_invalid` "return" a refused row has action -1 and `valid` False instead, and alone keeps its memory.
    """

    def __init__(self, agents: Mapping[str, Agent], on_invalid: str = "raise") -> None:
        if on_invalid not in ("raise", "return"):
            raise ValueError(f"on_invalid is {on_invalid!r}; expected 'raise' or 'return'")
        self.agents, self.raises = dict(agents), on_invalid == "raise"

    def act(
        self,
        observations: Mapping[str, np.ndarray],
        avail_actions: Mapping[str, np.ndarray],
        risk_level: float | Mapping[str, float] = 0.0,
    ) -> dict[str, int]:
        """Return each named agent's action in one environment, of `[...]` and `[action]`; see `act_batch`."""
        obs, allowed = ({name: array[None] for name, array in given.items()} for given in (observations, avail_actions))
        return {name: int(outputs["action"][0]) for name, outputs in self.act_batch(obs, allowed, risk_level).items()}

    def act_batch(
        self,
        observations: Mapping[str, np.ndarray],
        avail_actions: Mapping[str, np.ndarray],
        risk_level: float | np.ndarray | Mapping[str, Any] = 0.0,
    ) -> dict[str, Tensors]:
        """Return each named agent's outputs; agents that are gone may be left out.

        Give `[batch, ...]` and `[batch, action]` by agent id, and a risk level: one, `[batch]`, or either by agent id.
        """
        levels = risk_level if isinstance(risk_level, Mapping) else dict.fromkeys(observations, risk_level)
        feeds = {
            name: self.agents[name].feeds(obs, avail_actions[name], levels[name]) for name, obs in observations.items()
        }
        answers = _run(self.agents, feeds)
        for name, outputs in answers.items() if self.raises else ():
            if not outputs["valid"].all():
                rows = np.flatnonzero(~outputs["valid"]).tolist()
                raise ValueError(
                    f"{name} refuses the rows {rows}: a bad observation, an empty mask or a bad risk level; no memory "
                    "has moved"
                )
        for name, outputs in answers.items():
            self.agents[name].keep(outputs)
        return answers

    def executed(self, actions: Mapping[str, int | np.ndarray]) -> None:
        """Tell what was done where it was not proposed: agent id -> action, or `[batch]` with -1 = as proposed."""
        checked = {name: self.agents[name].checked(np.asarray(action)) for name, action in actions.items()}
        for name, done in checked.items():
            self.agents[name].remember(done)

    def reset(self, rows: np.ndarray | slice = slice(None)) -> None:
        """Begin an episode in some rows of all agents."""
        for agent in self.agents.values():
            agent.reset(rows)


def _run(agents: Mapping[str, Agent], feeds: Mapping[str, Tensors]) -> dict[str, Tensors]:
    """Return every agent's outputs; those of one session in one call."""
    sessions = {id(agents[name].session): agents[name].session for name in feeds}
    answers: dict[str, Tensors] = {}
    for key, session in sessions.items():
        names = [name for name in feeds if id(agents[name].session) == key]
        parts = {tensor: [feeds[name][tensor] for name in names] for tensor in feeds[names[0]]}
        rows = {tensor: arrays[0] if len(names) == 1 else np.concatenate(arrays) for tensor, arrays in parts.items()}
        ends = np.cumsum([len(feeds[name]["obs"]) for name in names])[:-1]
        outputs = agents[names[0]].outputs
        split = [np.split(array, ends) for array in session.run(outputs, rows)]
        for place, name in enumerate(names):
            answers[name] = {tensor: arrays[place] for tensor, arrays in zip(outputs, split, strict=True)}
    return {name: answers[name] for name in feeds}


def load(folder: str | Path, batch: int = 1, on_invalid: str = "raise") -> Team:
    """Return the folder's team for so many episodes side by side, after a look at the size and sum of every file."""
    folder = Path(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT or manifest["format_version"] not in FORMAT_VERSIONS:
        raise ValueError(f"{folder} has format number {manifest['format_version']}; known are {FORMAT_VERSIONS}")
    oldest, installed = manifest["minimum_onnxruntime"], onnxruntime.__version__
    if [int(part) for part in installed.split(".")[:2]] < [int(part) for part in oldest.split(".")]:
        raise RuntimeError(f"{folder} needs onnxruntime {oldest} or newer; installed is {installed}")
    for name in (*manifest["files"], *(entry["files"]["onnx"] for entry in manifest["agents"])):
        if not PLAIN_NAME.fullmatch(name) or name not in manifest["files"]:
            raise ValueError(f"manifest.json names {name!r}, which is no file of this folder that it lists")
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (entry["size"], entry["sha256"]):
            raise ValueError(f"{name} is not the file that was exported")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        for name in {entry["files"]["onnx"] for entry in manifest["agents"]}
    }
    agents = [Agent(manifest, entry["spec"], sessions[entry["files"]["onnx"]], batch) for entry in manifest["agents"]]
    return Team({agent.name: agent for agent in agents}, on_invalid)


def check(folder: str | Path) -> dict[str, int]:
    """Repeat the golden steps; return how many each agent took."""
    counts = {}
    with np.load(Path(folder) / "golden.npz", allow_pickle=False) as golden:
        for name, agent in load(folder).agents.items():
            key = f"agent_{agent.index}"
            given = {tensor: golden[f"{key}.input.{tensor}"] for tensor in agent.inputs}
            wanted = {tensor: golden[f"{key}.output.{tensor}"] for tensor in agent.outputs}
            counts[name] = len(given["obs"])
            for step in range(counts[name]):
                found = agent.step(**{tensor: array[step] for tensor, array in given.items()})
                expected = {tensor: array[step] for tensor, array in wanted.items()}
                _compare(agent, found, expected, given["avail_actions"][step], f"{name}, step {step}")
    return counts


def _compare(agent: Agent, found: Tensors, expected: Tensors, allowed: np.ndarray, where: str) -> None:
    compared = set(expected) - {"action"}
    if found["action"][0] != expected["action"][0]:
        best = np.sort(expected["action_values"][allowed])[::-1]
        if found["action"][0] < 0 or len(best) < 2 or best[0] - best[1] >= agent.tie:
            raise ValueError(f"{where}: action is {found['action'][0]}, expected {expected['action'][0]}")
        compared -= {"next_last_action"}
        agent.executed(expected["action"])
    for tensor in compared:
        gap = np.abs(found[tensor].astype(np.float64) - expected[tensor].astype(np.float64)).max()
        if not gap <= agent.tolerance:  # NaN fails too
            raise ValueError(f"{where}: {tensor} is off by {gap}")


if __name__ == "__main__":
    sys.stdout.write(f"{check(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)}\n")
