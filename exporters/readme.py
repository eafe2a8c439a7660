"""The README.md inside an exported folder: all that a client in any language needs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from exporters.bundle import CLIENT_NAME, GOLDEN_NAME, MANIFEST_NAME, AgentEntry
from exporters.contract import LAST_ACTION, PolicySpec, TensorSpec
from exporters.golden import GOLDEN_STEPS
from exporters.parity import TIE, TOLERANCE
from exporters.sharing import shared_spec

MOST_RUNS = 12  # of elements with the same bounds that are worth a line

VALUE_KINDS: Mapping[str, str] = {
    "q": "the expected return of each action",
    "cvar": "the conditional value at risk of each action's return, at the level used: the mean of its worst share",
    "var": "the value at risk of each action's return, at the level used",
    "wang": "Wang's risk measure of each action's return, at the level used",
    "probability": "the probability of each action",
}


def readme_text(agents: Sequence[AgentEntry], minimum_onnxruntime: str | None, agent_input: str | None = None) -> str:
    """Return the text that tells a stranger how to run the folder in any language.

    Args:
        agents: the team.
        minimum_onnxruntime: such as "1.18"; None if the folder holds no ONNX file.
        agent_input: as of `Manifest`.
    """
    specs = [agent.spec for agent in agents]
    if agent_input is not None:
        specs = [replace(shared_spec(specs), agent_id=spec.agent_id, agent_index=spec.agent_index) for spec in specs]
    each = "One file per agent and format" if agent_input is None else "One file per format for all agents"
    runtime = f"onnxruntime {minimum_onnxruntime} or newer, in any language" if minimum_onnxruntime else "torch"
    algorithms = ", ".join(dict.fromkeys(spec.algorithm for spec in specs))
    lines = [
        f"# {algorithms}: {len(agents)} of {specs[0].n_agents} agents",
        "",
        _text(
            f"{each}. Runs with {runtime}; nothing else is needed, neither the trainer nor the "
            "other agents. The raw observation goes in as the environment gives it."
        ),
        "",
        "| agent | place in the team | files | in golden.npz |",
        "|---|---|---|---|",
        *map(_row, agents),
        "",
        *(line for group in _alike(specs) for line in _signature(group, is_all=len(group) == len(specs))),
        *_bytes(specs, minimum_onnxruntime),
        *_step(specs),
        *(() if agent_input is None else _together(agent_input)),
        *_episodes(specs),
        *_drawing(specs),
        *_golden(specs),
        *_running(minimum_onnxruntime),
        _text(
            f"`{MANIFEST_NAME}` holds every agent's specification in full, the facts of the training, the versions, "
            "and the size and sha256 of every file. An .onnx file holds no code; load .pt files, and run "
            f"{CLIENT_NAME}, only from people whom you trust."
        ),
    ]
    return "\n".join(lines) + "\n"


def _text(text: str, marker: str = "") -> str:
    """Return a paragraph, or an item behind its marker, in lines of a readable length."""
    indent = " " * len(marker)
    return textwrap.fill(
        text, 110, initial_indent=marker, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _alike(specs: Sequence[PolicySpec]) -> list[list[PolicySpec]]:
    """Return the agents in groups that take and give the same, in their order."""
    groups: dict[PolicySpec, list[PolicySpec]] = {}
    for spec in specs:
        groups.setdefault(replace(spec, agent_id="any", agent_index=0, algorithm="any"), []).append(spec)
    return list(groups.values())


def _row(agent: AgentEntry) -> str:
    names = ", ".join(f"`{name}`" for name in agent.files.values())
    key = f"agent_{agent.spec.agent_index}"
    return f"| {_name(agent.spec)} | {agent.spec.agent_index} | {names} | `{key}.input.NAME`, `{key}.output.NAME` |"


def _name(spec: PolicySpec) -> str:
    return f"`{' '.join(spec.agent_id.split()).replace('`', '').replace('|', '/')}`"


def _signature(group: Sequence[PolicySpec], *, is_all: bool) -> list[str]:
    """Return what these agents take and give."""
    spec = group[0]
    who = "every agent" if is_all and len(group) > 1 else ", ".join(map(_name, group))
    meanings = ", ".join(f"{number} {word}" for number, word in enumerate(spec.action_meanings))
    values = f"`action_values` are {VALUE_KINDS[spec.value_kind]}, allowed or not."
    if spec.value_kind != "probability":
        values += f" Their unit is that of the training's rewards (`facts` in `{MANIFEST_NAME}`)."
    return [
        f"## Inputs of {who}, in this order",
        *map(_line, spec.inputs),
        "",
        _text(
            f"Elements of `obs`, in row-major order: {_bounds(spec.obs)}. What each one means is the environment's to "
            f"say, in its own order; `facts` in `{MANIFEST_NAME}` names it where the exporting program told it."
        ),
        "",
        f"## Outputs of {who}, in this order",
        *map(_line, spec.outputs),
        "",
        _text(
            f"Actions: {meanings or f'0 to {spec.n_actions - 1}, as the environment numbers them'}. {values}",
        ),
        "",
    ]


def _line(tensor: TensorSpec) -> str:
    return f"- `{tensor.name}` {tensor.form}" + (f": {tensor.description}" if tensor.description else "")


def _bounds(obs: TensorSpec) -> str:
    """Return between which values the elements of an observation lie; others are refused."""
    low, high = obs.low or (-math.inf,) * obs.size, obs.high or (math.inf,) * obs.size
    runs: list[list[int]] = []
    for element, pair in enumerate(zip(low, high, strict=True)):
        if runs and pair == (low[runs[-1][0]], high[runs[-1][0]]):
            runs[-1].append(element)
        else:
            runs.append([element])
    if len(runs) > MOST_RUNS:
        return f"bounds differ by element, see `low` and `high` of the agent's `obs` in `{MANIFEST_NAME}`"
    return "; ".join(
        f"{run[0]}{f' to {run[-1]}' if len(run) > 1 else ''}: {_range(low[run[0]], high[run[0]])}" for run in runs
    )


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "any finite number"
    if math.isinf(low) or math.isinf(high):
        return f"at least {low:g}" if math.isinf(high) else f"at most {high:g}"
    return f"from {low:g} to {high:g}"


def _memory(specs: Sequence[PolicySpec]) -> str:
    return ", ".join(dict.fromkeys(f"`{tensor.name}`" for spec in specs for tensor in spec.carry))


def _remembers_actions(specs: Sequence[PolicySpec]) -> bool:
    return any(tensor.name == LAST_ACTION for spec in specs for tensor in spec.carry)


def _has_dial(specs: Sequence[PolicySpec]) -> bool:
    return any(spec.is_risk_aware for spec in specs)


def _bytes(specs: Sequence[PolicySpec], minimum_onnxruntime: str | None) -> list[str]:
    types = ", ".join(sorted({tensor.dtype for spec in specs for tensor in (*spec.inputs, *spec.outputs)}))
    scalar = ", one `risk_level` for all rows among them" if _has_dial(specs) else ""
    items = [
        "Arrays are row-major (the last axis runs fastest), in the machine's own byte order; the arrays of "
        f"`{GOLDEN_NAME}` say theirs in their headers (little-endian).",
        "The batch axis is always there, at least 1 and the same for all inputs. A number without it is refused"
        f"{scalar}: give `[batch]`.",
        f"Types here: {types}. Nothing is cast: another type is refused.",
    ]
    if minimum_onnxruntime is not None:
        items += [
            "A bool is one byte, 0 or 1. onnxruntime takes any other byte, 255 among them, for 1; others need not.",
            "int64, which `action` is, comes to JavaScript as a `BigInt64Array`: `Number(action[0])` is the number.",
        ]
    return ["## Bytes", *(_text(item, "- ") for item in items), ""]


def _step(specs: Sequence[PolicySpec]) -> list[str]:
    """Return the steps that some agent of the folder needs."""
    memory = _memory(specs)
    steps = ["Give `obs`, and in `avail_actions` True for every action that is allowed now, at least one."]
    if _has_dial(specs):
        levels = dict.fromkeys(spec.default_risk_level for spec in specs if spec.is_risk_aware)
        own = " or ".join("its predictor" if level is None else f"the level {level:g}" for level in levels)
        steps.append(
            "Turn the dial with `risk_level` in (0, 1]: 1 is risk-neutral, lower is more careful. 0 leaves it to the "
            f"agent: {own}. `risk_level_used` says which it was."
        )
    if memory:
        steps.append(f"Give the memory ({memory}): zeros at the start of an episode, later what the step before gave.")
    steps.append("Run the file, and do `action`, the best allowed one.")
    if memory:
        steps.append("Keep each `next_NAME`: it is `NAME` of the next step.")
    if _remembers_actions(specs):
        steps.append(f"If you do another action, write its one-hot into `{LAST_ACTION}` before the next step.")
    level = ", or a bad risk level" if _has_dial(specs) else ""
    kept = ", and the row's memory is as it was, so that the next good observation goes on from there" if memory else ""
    steps.append(
        "`valid` False means that a guard refused the row: NaN, infinity or a number out of bounds in the observation, "
        f"no allowed action{level}. `action` is -1 there{kept}."
    )
    if len(_alike(specs)) > 1:
        steps.append("Leave out what an agent does not take; its own inputs are above.")
    return ["## A step", *(_text(step, f"{number}. ") for number, step in enumerate(steps, start=1)), ""]


def _together(agent_input: str) -> list[str]:
    """Return how rows of several agents go into one call."""
    return [
        "## One call for all agents",
        _text(
            "The agents share one network. Each row of a batch is one agent in one episode, and says in "
            f"`{agent_input}` which: its place in the team. Give the rows of all agents in one call, in any order, "
            "each with the memory that it had; one agent alone, or a batch of its episodes, goes as well. A row whose "
            "place is not in the team is refused as a bad observation is."
        ),
        "",
    ]


def _episodes(specs: Sequence[PolicySpec]) -> list[str]:
    items = ["A batch is one agent in several episodes; its rows know nothing of each other."]
    if _memory(specs):
        items += [
            "When the episode of one row ends, set that row of every memory tensor to zero before its next step, and "
            "leave the other rows alone. When all end, zero all of it; another batch size begins with zeros, too.",
        ]
    else:
        items.append("There is no memory, and nothing to do when an episode ends.")
    items.append(
        "An agent that has left its episode need not be run. In a batch, where its row is there anyway, give it the "
        "observation nearest to zero within its bounds, and action 0 alone as allowed, as rmix-kit's training does; "
        "what it answers is not done."
    )
    return ["## Episodes and batches", *(_text(item, "- ") for item in items), ""]


def _drawing(specs: Sequence[PolicySpec]) -> list[str]:
    if not any(spec.value_kind == "probability" for spec in specs):
        return []
    told = f" The one-hot of what was drawn goes into `{LAST_ACTION}`." if _remembers_actions(specs) else ""
    return [
        "## Drawing actions",
        _text(
            "`action` is the likeliest allowed action. To draw one, as in training, set `action_values` to zero where "
            "an action is not allowed, divide them by their sum (where that is zero, every allowed action is as likely "
            f"as another), and draw from these.{told}"
        ),
        "",
    ]


def _golden(specs: Sequence[PolicySpec]) -> list[str]:
    levels = ", risk levels that are NaN, infinite or outside [0, 1]" if _has_dial(specs) else ""
    memory = ", the memory as it was" if _memory(specs) else ""
    tie = f"; write the expected one into `{LAST_ACTION}` then" if _remembers_actions(specs) else ""
    return [
        f"## Checking a port: {GOLDEN_NAME}",
        _text(
            "A zip of .npy arrays, not compressed: `agent_INDEX.input.NAME` and `agent_INDEX.output.NAME` for every "
            f"input and output of the agent in that place, each `[{GOLDEN_STEPS}, 1, ...]`: {GOLDEN_STEPS} steps of "
            "one episode in a batch of 1, from its start."
        ),
        "",
        _text(
            f"Some steps are bad on purpose: NaN, infinity or numbers out of bounds in `obs`, masks that allow nothing"
            f"{levels}. `valid` is False there, `action` -1{memory}; they are compared as the others are."
        ),
        "",
        _text(
            f"Numbers may differ by at most {TOLERANCE:g}, `valid` not at all, and `action` only where the two largest "
            f"expected values of allowed actions differ by less than {TIE:g}{tie}."
        ),
        "",
    ]


def _running(minimum_onnxruntime: str | None) -> list[str]:
    """Return how Python runs the folder, and what threads may share."""
    if minimum_onnxruntime is None:
        return [
            "## In Python",
            _text(
                'With rmix-kit and torch: `exporters.torchscript_runtime.TorchScriptTeam("this/folder")`, whose `act` '
                "takes dictionaries by agent. Threads may not share it, since it has a memory: each opens its own."
            ),
            "",
        ]
    return [
        "## Threads",
        _text(
            "Threads may share an onnxruntime session: a run leaves nothing in it. What they may not share are memory "
            "tensors, and so rmix-kit's `OnnxAgent` and `OnnxTeam`: each opens its own. One thread inside a session "
            "(`intra_op_num_threads` 1) is fastest for networks of this size."
        ),
        "",
        "## In Python",
        _text(
            'With rmix-kit, without torch: `exporters.runtime.OnnxTeam("this/folder")`, whose `act` takes dictionaries '
            f"by agent. With numpy and onnxruntime alone: `{CLIENT_NAME}` beside this file, to copy or to read, with "
            f"the same calls; `python {CLIENT_NAME}` repeats the golden steps."
        ),
        "",
        "```python",
        "from client import load",
        "",
        'team = load("this/folder")  # batch=32 for as many episodes side by side',
        "team.reset()",
        "actions = team.act(observations, avail_actions)  # numpy arrays by agent id",
        "```",
        "",
    ]
