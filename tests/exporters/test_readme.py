"""The README of an exported folder: it is true of every agent, says what applies, and is enough to build a client."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import exporters
from exporters import parity, standalone
from exporters.bundle import AgentEntry, read_manifest
from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.readme import readme_text
from exporters.runtime import OnnxTeam
from tests.exporters.policies import TorchPolicy, carry_spec, plain_policy, risk_aware_policy
from tests.fixtures.shared import shared_folder


class Memory(nn.Module):
    """A recurrent network with or without a dial, whose memory has two parts."""

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.is_risk_aware = spec.is_risk_aware
        width = spec.obs.size + (spec.n_actions if len(spec.carry) > 1 else 0)
        self.body, self.head = nn.GRUCell(width, 6), nn.Linear(6, spec.n_actions)

    def forward(self, obs: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        levels, carry = (rest[:1], rest[1:]) if self.is_risk_aware else ((), rest)
        hidden = self.body(torch.cat([obs.flatten(1), *carry[:-1]], -1), carry[-1])
        values = self.head(hidden)
        for level in levels:
            used = torch.where(level > 0, level, 0.25)
            return values * used.unsqueeze(-1), used, hidden
        return values, hidden


def member(agent_id: str, index: int, size: int, n_actions: int, *, has_dial: bool) -> Policy:
    spec = PolicySpec(
        agent_id=agent_id,
        agent_index=index,
        n_agents=2,
        algorithm="mixed",
        obs=TensorSpec(
            name="obs",
            shape=(size,),
            dtype="float32",
            low=(-1.0,) * (size - 1) + (-float("inf"),),
            high=(1.0,) * (size - 1) + (2.0,),
        ),
        n_actions=n_actions,
        action_meanings=("wait", "left", "right", "up", "down")[:n_actions],
        carry=(*((carry_spec("last_action", n_actions),) if has_dial else ()), carry_spec("hidden_state", 6)),
        is_risk_aware=has_dial,
        default_risk_level=0.25 if has_dial else None,
        value_kind="cvar" if has_dial else "q",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(index)
        return exporters.guarded(Memory(spec).eval(), spec)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recurrent agents that have next to nothing in common."""
    team = [member("scout", 0, 8, 5, has_dial=True), member("tank", 1, 10, 3, has_dial=False)]

    def make(folder: Path) -> None:
        exporters.freeze(team, folder / "mixed", "onnx")

    return shared_folder("sealed-mixed", make, tmp_path_factory) / "mixed"


def text_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def client_of(folder: Path) -> str:
    return (folder / "client.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("team", ["mixed", "sealed_team", "sealed_plain"])
def test_the_client_beside_the_readme_repeats_the_golden_steps_without_this_package(
    team: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(team)
    (tmp_path / "client.py").write_text(client_of(folder))
    watch = "import sys, runpy; sys.argv[1:] = [sys.argv[2]]; runpy.run_path(CLIENT, run_name='__main__'); "
    ask = "print(sorted({name.split('.')[0] for name in sys.modules} & {'exporters', 'torch', 'rmix_kit', 'onnx'}))"
    code = (watch + ask).replace("CLIENT", repr(str(tmp_path / "client.py")))
    done = subprocess.run([sys.executable, "-I", "-c", code, "-", str(folder)], capture_output=True, text=True)
    steps = {entry.spec.agent_id: 64 for entry in read_manifest(folder).agents}
    assert (done.stdout.splitlines(), done.stderr) == ([str(steps), "[]"], "")


def test_the_client_imports_numpy_and_onnxruntime_alone(mixed: Path) -> None:
    nodes = list(ast.walk(ast.parse(client_of(mixed))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} - sys.stdlib_module_names == {"numpy", "onnxruntime"}


def test_the_client_compares_by_the_parity_rule() -> None:
    assert (standalone.TOLERANCE, standalone.TIE) == (parity.TOLERANCE, parity.TIE)


def test_the_client_does_what_the_runtime_does_in_a_batch_of_episodes(mixed: Path) -> None:
    """Rows are reset one by one, other actions are done than proposed, and some rows are refused."""
    names: dict[str, object] = {"__name__": "client"}
    exec(compile(client_of(mixed), "client.py", "exec"), names)
    load = names["load"]
    assert callable(load)
    clients, team = load(mixed, 3).agents, OnnxTeam(mixed, on_invalid="return")
    generator = np.random.default_rng(0)
    for step in range(20):
        for name, agent in team.agents.items():
            spec, client = agent.spec, clients[name]
            obs = generator.uniform(-1, 1, (3, spec.obs.size)).astype(np.float32)
            obs[step % 3, 0] = np.nan if step % 4 == 0 else 0
            inputs = {"obs": obs, "avail_actions": generator.random((3, spec.n_actions)) < 0.8}
            level = np.full(3, 0.5, np.float32) if spec.is_risk_aware else 0.0
            outputs = client.step(**inputs, **({"risk_level": level} if spec.is_risk_aware else {}))
            result = agent.act_batch(**inputs, risk_level=level)
            assert np.array_equal(outputs["action"], result.action)
            assert np.allclose(outputs["action_values"], result.action_values, atol=1e-6)
            if spec.is_risk_aware:
                done = np.array([-1, step % spec.n_actions, -1])
                client.executed(done)
                agent.executed(done)
            ended = np.arange(3) == step % 5
            client.reset(ended)
            agent.reset(ended)
            for tensor, array in agent.carry().items():
                assert np.allclose(client.memory[tensor], array, atol=1e-6)


def test_a_client_can_be_built_of_what_the_readme_says_in_words(mixed: Path) -> None:
    """Files, keys, names, types, shapes and tolerances are read from the text; the manifest is not opened."""
    text = text_of(mixed)
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| `(\S+)` \| `(\S+)\.input\.NAME`", text, flags=re.MULTILINE)
    assert [row[:3] for row in rows] == [("scout", "0", "agent_0.onnx"), ("tank", "1", "agent_1.onnx")]
    (tolerance,) = re.findall(r"Numbers may differ by at most (\S+),", text)
    golden = np.load(mixed / "golden.npz", allow_pickle=False)
    for name, _, file, key in rows:
        (inputs,) = re.findall(rf"## Inputs of `{name}`, in this order\n((?:- .*\n)+)", text)
        tensors = re.findall(r"- `(\w+)` (\w+) \[batch(.*?)\]", inputs)
        session = onnxruntime.InferenceSession(mixed / file, providers=["CPUExecutionProvider"])
        outputs = [node.name for node in session.get_outputs()]
        feed = {
            tensor: np.zeros((1, *map(int, sizes.split(", ")[1:])), "bool" if dtype == "bool" else dtype)
            for tensor, dtype, sizes in tensors
        }
        for step in range(64):
            for tensor, zeros in feed.items():
                given = golden[f"{key}.input.{tensor}"]
                assert (given[0].shape, given.dtype) == (zeros.shape, zeros.dtype)
                if f"next_{tensor}" not in outputs:
                    feed[tensor] = given[step]
            found = dict(zip(outputs, session.run(None, feed), strict=True))
            for tensor, array in found.items():
                wanted = golden[f"{key}.output.{tensor}"][step]
                assert np.abs(array.astype(float) - wanted.astype(float)).max() <= float(tolerance)
            feed |= {tensor: found[f"next_{tensor}"] for tensor in feed if f"next_{tensor}" in outputs}


def test_every_agent_is_described_by_its_own_tensors(mixed: Path) -> None:
    text = text_of(mixed)
    for name, words in {
        "scout": ["`obs` float32 [batch, 8]", "`avail_actions` bool [batch, 5]", "`risk_level`", "`last_action`"],
        "tank": ["`obs` float32 [batch, 10]", "`avail_actions` bool [batch, 3]", "`hidden_state` float32 [batch, 6]"],
    }.items():
        section = text[text.index(f"## Inputs of `{name}`") : text.index(f"## Outputs of `{name}`")]
        assert not [word for word in words if word not in section]
    assert "risk_level" not in section
    assert "0 to 6: from -1 to 1; 7: at most 2" in text
    assert "Actions: 0 wait, 1 left, 2 right. `action_values` are the expected return" in text


def readme_of(*policies: TorchPolicy, onnx: bool = True) -> str:
    files = {"onnx": "agent_0.onnx"} if onnx else {"torchscript": "agent_0.pt"}
    entries = [AgentEntry(spec=policy.spec, files=files) for policy in policies]
    return " ".join(readme_text(entries, "1.18" if onnx else None).partition("```python")[0].split())


def memoryless() -> TorchPolicy:
    policy = plain_policy()
    return TorchPolicy(replace(policy.spec, carry=(), value_kind="probability"), policy.module())


def test_steps_that_do_not_apply_are_not_told() -> None:
    text = readme_of(memoryless())
    assert not [word for word in ("next_", "last_action", "risk_level", "every agent") if word in text]
    assert "There is no memory, and nothing to do when an episode ends." in text
    assert "risk_level" not in readme_of(plain_policy(0), plain_policy(1))
    assert "Inputs of every agent" in readme_of(plain_policy(0), plain_policy(1))
    assert "onnxruntime" not in readme_of(plain_policy(), onnx=False)
    assert "TorchScriptTeam" in readme_of(plain_policy(), onnx=False)


def test_probabilities_are_told_to_be_drawn_from() -> None:
    assert "divide them by their sum" in readme_of(memoryless())
    assert "Drawing actions" not in readme_of(plain_policy())


def test_many_different_bounds_are_left_to_the_manifest() -> None:
    policy = plain_policy()
    obs = TensorSpec(name="obs", shape=(40,), dtype="float32", high=tuple(map(float, range(40))))
    assert "see `low` and `high`" in readme_of(TorchPolicy(replace(policy.spec, obs=obs), policy.module()))


@pytest.mark.parametrize(
    "words",
    [
        "row-major",
        "BigInt64Array",
        "255 among them",
        "A number without it is refused, one `risk_level` for all rows among them",
        "set that row of every memory tensor to zero",
        "An agent that has left its episode",
        "Threads may share an onnxruntime session",
        "Some steps are bad on purpose: NaN",
        "risk levels that are NaN, infinite or outside [0, 1]",
        "Numbers may differ by at most 0.0001",
        "differ by less than 1e-05; write the expected one into `last_action` then",
    ],
)
def test_what_a_client_needs_is_told(words: str) -> None:
    assert words in readme_of(risk_aware_policy())


def test_bytes_and_scalars_do_what_the_readme_says(mixed: Path) -> None:
    session = onnxruntime.InferenceSession(mixed / "agent_0.onnx", providers=["CPUExecutionProvider"])
    shapes = {"obs": (1, 8), "risk_level": (1,), "last_action": (1, 5), "hidden_state": (1, 6)}
    feed = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    mask = np.array([[0, 0, 0, 255, 0]], dtype=np.uint8).view(np.bool_)
    action, *_ = session.run(["action"], {**feed, "avail_actions": mask})
    assert action.tolist() == [3]
    with pytest.raises(Exception, match="Invalid rank"):
        session.run(None, {**feed, "avail_actions": mask, "risk_level": np.zeros((), np.float32)})
