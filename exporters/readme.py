"""The short README.md inside an exported folder. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.bundle import GOLDEN_NAME, MANIFEST_NAME, AgentEntry
from exporters.contract import TensorSpec


def readme_text(agents: Sequence[AgentEntry], minimum_onnxruntime: str | None) -> str:
    """Return the text that tells a stranger how to run the folder in any language.

    Args:
        agents: the team; the first one's tensors stand for all.
        minimum_onnxruntime: such as "1.18"; None if the folder holds no ONNX file.
    """
    spec = agents[0].spec
    names = ", ".join(sorted(name for agent in agents for name in agent.files.values()))
    runtime = f"onnxruntime {minimum_onnxruntime} or newer, in any language" if minimum_onnxruntime else "torch"
    meanings = (
        ", ".join(f"{number} {word}" for number, word in enumerate(spec.action_meanings)) or "see the environment"
    )
    lines = [
        f"# {spec.algorithm}: {len(agents)} of {spec.n_agents} agents",
        "",
        f"One file per agent and format: {names}. Runs with {runtime}.",
        "Nothing else is needed, neither the trainer nor other agents. The raw observation goes in as the environment",
        "gives it.",
        "",
        "## Inputs, in this order",
        *map(_line, spec.inputs),
        "",
        "## Outputs, in this order",
        *map(_line, spec.outputs),
        "",
        "## A step",
        "1. At the start of an episode every memory tensor"
        + (f" ({', '.join(tensor.name for tensor in spec.carry)})" if spec.carry else "")
        + " is zero.",
        "2. Run the file. Feed each `next_NAME` back as `NAME` in the next step.",
        "3. If you execute another action than `action`, put its one-hot into `last_action` before the next step.",
        "4. `valid` False means that a guard refused the row (bad observation, no action available, bad risk level):",
        "   `action` is -1 and the memory is unchanged.",
        "",
        f"Actions: {meanings}.",
        "",
        "## In Python, without torch",
        "```python",
        "from exporters.runtime import OnnxTeam",
        "",
        'team = OnnxTeam("this/folder")',
        "team.reset()",
        "actions = team.act(observations, avail_actions)  # dictionaries by agent",
        "```",
        "",
        f"`{GOLDEN_NAME}` holds 64 recurrent steps of each agent, inputs and outputs, to check a port against.",
        f"`{MANIFEST_NAME}` holds the specification, the facts of the training, the versions and every file's sha256.",
        "Load .pt files only from people whom you trust; an .onnx file holds no code.",
    ]
    return "\n".join(lines) + "\n"


def _line(tensor: TensorSpec) -> str:
    shape = ", ".join(["batch", *map(str, tensor.shape)])
    return f"- `{tensor.name}` {tensor.dtype} [{shape}]" + (f": {tensor.description}" if tensor.description else "")
