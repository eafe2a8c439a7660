"""docs/contracts.md is what the code does: signatures, layouts, observations, tensors, steps of time.

The Commands section is held by test_commands.py.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.architecture.contract_page import PAGE, section, span_after, spans

# None marks "not given", so that both names together can be refused; what it then means has a test of its own.
HAS_OTHER_NAME = {"max_steps"}


def signatures() -> list[str]:
    """Every call of the page that names a package of ours: `macn.oracle.solve(layout, ...)` without its result."""
    found = [
        re.split(r" -> |\)\.", span)[0].rstrip(")") + ")"
        for span in spans(PAGE.read_text(encoding="utf-8"))
        if re.match(r"(macn|exporters|rmix_kit)\.[\w.]+\(", span)
    ]
    return [text for text in found if "..." not in text]


def resolve(dotted: str) -> Callable[..., Any]:
    """The object behind `package.module.name`."""
    parts = dotted.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:depth]))
        except ModuleNotFoundError as error:
            if error.name is None or not dotted.startswith(error.name):
                raise
            continue
        for name in parts[depth:]:
            value = getattr(value, name)
        return value
    raise ModuleNotFoundError(dotted)


def _complaints(call: ast.Call) -> Iterator[str]:
    """What the page's call says and the live signature does otherwise."""
    live = inspect.signature(resolve(ast.unparse(call.func))).parameters
    positional = [p for p in live.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < len(call.args):
        yield f"takes {len(positional)} by position"
    if missing := [p.name for p in positional[len(call.args) :] if p.default is p.empty]:
        yield f"also needs {missing}"
    if missing := [p.name for p in live.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty]:
        yield f"also needs {missing} by keyword"
    for keyword in call.keywords:
        written = ast.literal_eval(keyword.value)
        expected = None if keyword.arg in HAS_OTHER_NAME else written
        if keyword.arg not in live:
            yield f"has no {keyword.arg}"
        elif live[keyword.arg].default not in (expected, written):
            yield f"has the default {keyword.arg}={live[keyword.arg].default!r}"


def test_signatures_are_those_of_the_page() -> None:
    calls = [ast.parse(text, mode="eval").body for text in signatures()]
    assert calls
    found = []
    for call in calls:
        assert isinstance(call, ast.Call)
        found += [f"{ast.unparse(call)}: {complaint}" for complaint in _complaints(call)]
    assert not found, "\n".join(found)


def test_python_section_names_what_can_be_imported() -> None:
    import exporters.runtime

    for name in re.findall(r"`(Onnx\w+)", section("Python").replace("exporters.runtime.", "")):
        assert hasattr(exporters.runtime, name)


def _fields(text: str, name: str) -> list[str]:
    """The names in the page's `name(a, b, ...)`."""
    match = re.search(rf"\b{name}\(([^)]*)\)", text)
    assert match, name
    return [word for word in match[1].split(", ") if word != "..."]


def test_solution_has_the_fields_of_the_page() -> None:
    from macn.oracle import Solution

    assert set(_fields(section("MACN"), "Solution")) <= {name for name, _ in inspect.getmembers(Solution)} | set(
        Solution.__annotations__
    )


def test_progress_has_the_fields_of_the_page() -> None:
    from rmix_kit.types import Progress

    assert [field.name for field in dataclasses.fields(Progress)] == _fields(section("Training"), "Progress")


def test_named_layouts_are_those_of_the_page() -> None:
    from macn.layout import NAMED_LAYOUTS

    text = section("MACN")
    named = spans(text[text.index("Named layouts (") : text.index("(start bottom-left, goal")]) + ["bridge"]
    assert set(named) <= set(NAMED_LAYOUTS)
    assert len(set(NAMED_LAYOUTS) - set(named)) >= 2


def test_bridge_has_the_rows_of_the_page() -> None:
    from macn.layout import NAMED_LAYOUTS

    text = section("MACN")
    rows = spans(text[text.index("rows `") : text.index("the short way")])
    assert NAMED_LAYOUTS["bridge"].split() == rows


def test_cliff_layouts_start_and_end_at_the_bottom() -> None:
    from macn.layout import NAMED_LAYOUTS

    for name in ("4x7", "4x11", "4x12", "4x15"):
        rows = NAMED_LAYOUTS[name].split()
        height, width = map(int, name.split("x"))
        assert [len(row) for row in rows] == [width] * height, name
        assert rows[-1] == "S" + "C" * (width - 2) + "G", name


def _found(pattern: str) -> tuple[str, ...]:
    """The groups of the pattern in the page's section on MACN."""
    match = re.search(pattern, section("MACN"))
    assert match, pattern
    return match.groups()


def test_observation_is_that_of_the_page() -> None:
    import macn

    dtype, *shape = _found(r"Observation (\w+) \[(\d+), (\d+)\]")
    (length,) = _found(r"`include_position` makes it \[(\d+)\]")
    plain, with_position = macn.parallel_env(), macn.parallel_env(include_position=True)
    assert plain.possible_agents == spans(section("MACN")[section("MACN").index("- Agents") :])[:2]
    assert plain.observation_space("agent_0").dtype == np.dtype(dtype)
    assert plain.observation_space("agent_0").shape == tuple(map(int, shape))
    assert with_position.observation_space("agent_0").shape == (int(length),)


def test_cells_have_the_codes_of_the_page() -> None:
    import macn

    codes = {word: int(code) for code, word in re.findall(r"(\d) (safe|cliff|goal|wall|outside)", section("MACN"))}
    # Around S: the outside on the left and below, a wall above, a cliff up right, a safe cell on the right.
    observations, _ = macn.parallel_env(layout="...\n#C.\nS.G", n_agents=1).reset(seed=0)
    safe, wall, cliff, outside = (codes[word] for word in ("safe", "wall", "cliff", "outside"))
    expected = [[outside, wall, cliff], [outside, safe, safe], [outside, outside, outside]]
    assert observations["agent_0"].tolist() == expected
    observations, _ = macn.parallel_env(layout=".G\nS.", n_agents=1).reset(seed=0)
    assert observations["agent_0"][0, 2] == codes["goal"]


def test_action_mask_is_in_the_infos_as_the_page_says() -> None:
    import macn

    (dtype,) = _found(r"`action_mask` (\w+) in the infos")
    _, infos = macn.parallel_env().reset(seed=0)
    assert {info["action_mask"].dtype for info in infos.values()} == {np.dtype(dtype)}


def test_clock_stops_an_episode_where_the_page_says() -> None:
    import macn

    (limit,) = _found(r"max_steps=(\d+)")
    env = macn.parallel_env(n_agents=1)
    env.reset(seed=0)
    steps = 0
    while env.agents:
        _, _, terminations, truncations, _ = env.step({"agent_0": 0})
        steps += 1
    assert (steps, terminations["agent_0"], truncations["agent_0"]) == (int(limit), False, True)


def test_both_names_of_the_clock_together_are_refused() -> None:
    import macn
    from macn.errors import MACNError

    assert macn.parallel_env(max_cycles=7) is not None
    with pytest.raises(MACNError):
        macn.parallel_env(max_steps=7, max_cycles=7)


def test_gymnasium_id_is_that_of_the_page() -> None:
    import gymnasium

    env = gymnasium.make("macn:" + span_after("Gymnasium id", section("MACN")))
    assert isinstance(env.action_space, gymnasium.spaces.MultiDiscrete)
    env.close()


def _named_types(text: str) -> list[tuple[str, str]]:
    """`name` dtype pairs, in order."""
    return re.findall(r"`(\w+)` (bool|int64|float32) \[", text)


def test_policy_tensors_have_the_names_and_types_of_the_page() -> None:
    from exporters.contract import PolicySpec, TensorSpec

    text = section("Policy tensors")
    inputs, outputs = text[text.index("Inputs:") : text.index("Outputs:")], text[text.index("Outputs:") :]
    carry = spans(inputs[inputs.index("the carry:") :])
    spec = PolicySpec(
        agent_id="agent_0",
        agent_index=0,
        n_agents=2,
        algorithm="rmix",
        obs=TensorSpec(name="obs", shape=(3, 3), dtype="int8"),
        n_actions=4,
        carry=tuple(TensorSpec(name=name, shape=(4,), dtype="float32") for name in carry),
        is_risk_aware=True,
    )
    assert list(spec.input_names) == ["obs", *(name for name, _ in _named_types(inputs)), *carry]
    assert list(spec.output_names) == [name for name, _ in _named_types(outputs)] + [f"next_{name}" for name in carry]
    types = {tensor.name: tensor.dtype for tensor in (*spec.inputs, *spec.outputs)}
    assert dict(_named_types(inputs + outputs)).items() <= types.items()


def test_manifests_and_shared_files_are_those_of_the_page() -> None:
    from exporters import bundle, sharing
    from exporters.contract import PolicySpec, TensorSpec

    (line,) = re.findall(r"^- Files: .*?(?=^- |\Z)", section("Policy tensors") + "\n", flags=re.DOTALL | re.MULTILINE)
    single, shared = re.findall(r"format number (\d)", line)
    assert (int(single), int(shared)) == (bundle.FORMAT_VERSION, bundle.SHARED_FORMAT_VERSION)
    assert f"`{bundle.SHARED_STEM}.onnx`" in line
    spec = PolicySpec(
        agent_id="agent_0",
        agent_index=0,
        n_agents=2,
        algorithm="rmix",
        obs=TensorSpec(name="obs", shape=(3,), dtype="int8"),
        n_actions=4,
        carry=(TensorSpec(name="last_action", shape=(4,), dtype="float32"),),
    )
    together = sharing.shared_spec([spec, dataclasses.replace(spec, agent_id="agent_1", agent_index=1)])
    named = re.search(r"additional input `(\w+)`, (\w+) \[batch\]", line)
    assert named
    assert named.groups() == (sharing.AGENT_INPUT, together.inputs[-2].dtype)
    assert together.input_names == ("obs", "avail_actions", named[1], "last_action")
    assert together.shared_json() == {"agent_input": named[1], "agents": {"agent_0": 0, "agent_1": 1}}
