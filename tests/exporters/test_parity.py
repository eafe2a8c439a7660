from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from exporters.contract import PolicySpec
from exporters.errors import ParityError, PolicyError
from exporters.parity import TIE, TOLERANCE, Parity, Place, Tensors, compare
from exporters.sampling import legal_rows, random_inputs
from exporters.verify import BATCHES, STEPS, check_contract, eager_run, verify
from tests.exporters.policies import PlainModule, TorchPolicy, plain_policy, risk_aware_policy

PLACE = Place(format="onnx", agent_id="agent_0", step=5, batch=3)


def _step(values: list[float], action: int) -> Tensors:
    """Outputs of the plain policy for one row."""
    return {
        "action": np.array([action]),
        "action_values": np.array([values], dtype=np.float32),
        "valid": np.array([True]),
        "next_last_action": np.eye(4, dtype=np.float32)[[action]],
        "next_hidden_state": np.zeros((1, 16), dtype=np.float32),
    }


def _compared(specs: dict[str, PolicySpec], expected: Tensors, found: Tensors, mask: list[bool]) -> Parity:
    figures = Parity()
    compare(specs["plain"], expected, found, np.array([mask]), where=PLACE, figures=figures)
    return figures


@pytest.mark.parametrize("policy", [risk_aware_policy(), plain_policy()], ids=["risk_aware", "plain"])
def test_module_agrees_with_itself_at_every_batch(policy: TorchPolicy) -> None:
    module = policy.module()
    figures = verify(policy.spec, module, {"onnx": eager_run(policy.spec, module)})["onnx"]
    assert (figures.largest_difference, figures.ties) == (0.0, 0)
    assert figures.rows == STEPS * sum(BATCHES)
    assert 0 < figures.refused_rows < figures.rows / 2


@pytest.mark.parametrize("output", ["action_values", "risk_level_used", "next_hidden_state", "next_last_action"])
def test_difference_above_the_tolerance_is_named(output: str) -> None:
    policy = risk_aware_policy()
    eager = eager_run(policy.spec, policy.module())

    def shifted(inputs: Tensors) -> Tensors:
        outputs = eager(inputs)
        shift = np.float32(2 * TOLERANCE if len(outputs["action"]) == 3 else 0.0)
        return outputs | {output: outputs[output].astype(np.float32) + shift}

    with pytest.raises(ParityError) as caught:
        verify(policy.spec, policy.module(), {"torchscript": shifted})
    error = caught.value
    assert (error.format, error.agent_id, error.output, error.batch) == ("torchscript", "agent_0", output, 3)
    assert error.step == 0
    assert error.difference == pytest.approx(2 * TOLERANCE, rel=0.01)
    assert output in str(error)


def test_drift_that_builds_up_in_the_memory_is_found() -> None:
    policy = plain_policy()
    eager = eager_run(policy.spec, policy.module())

    def drifting(inputs: Tensors) -> Tensors:
        outputs = eager(inputs)
        return outputs | {"next_hidden_state": outputs["next_hidden_state"].astype(np.float32) * np.float32(1 + 3e-4)}

    with pytest.raises(ParityError) as caught:
        verify(policy.spec, policy.module(), {"onnx": drifting})
    assert caught.value.step > 0


def test_tie_between_available_actions_is_counted(specs: dict[str, PolicySpec]) -> None:
    values = [1.0, 1.0 + TIE / 2, 0.0, 9.0]  # the best value of all is not available
    figures = _compared(specs, _step(values, 1), _step(values, 0), [True, True, True, False])
    assert figures.ties == 1


def _refused(step: Tensors) -> Tensors:
    """The row as a guard leaves it: no action, and the carry as it was."""
    return step | {"action": np.array([-1]), "valid": np.array([False]), "next_last_action": np.zeros((1, 4), "f4")}


def test_rows_that_a_guard_refused_are_no_ties(specs: dict[str, PolicySpec]) -> None:
    close, clear = [1.0, 1.0 + TIE / 2, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]
    expected = [_step(close, 1), _refused(_step(clear, 0)), _refused(_step(close, 0)), _step(clear, 0)]
    found = [_step(close, 0), *expected[1:]]
    figures = Parity()
    together = [{name: np.concatenate([row[name] for row in rows]) for name in rows[0]} for rows in (expected, found)]
    tied = compare(specs["plain"], *together, np.ones((4, 4), dtype=np.bool_), where=PLACE, figures=figures)
    assert (figures.rows, figures.refused_rows, figures.ties) == (4, 2, 1)
    assert tied.tolist() == [True, False, False, False]


def test_refused_and_other_rows_add_up_over_steps(specs: dict[str, PolicySpec]) -> None:
    figures = Parity()
    close, refused = [1.0, 1.0 + TIE / 2, 0.0, 0.0], _refused(_step([1.0, 0.0, 0.0, 0.0], 0))
    for expected, found in ((_step(close, 1), _step(close, 0)), (refused, refused), (refused, refused)):
        compare(specs["plain"], expected, found, np.ones((1, 4), dtype=np.bool_), where=PLACE, figures=figures)
    assert (figures.rows, figures.refused_rows, figures.ties) == (3, 2, 1)


def test_a_row_that_only_one_of_the_two_refuses_is_no_tie(specs: dict[str, PolicySpec]) -> None:
    played = _step([1.0, 1.0 + TIE / 2, 0.0, 0.0], 1)
    for expected, found in ((played, _refused(played)), (_refused(played), played)):
        with pytest.raises(ParityError):
            _compared(specs, expected, found, [True] * 4)


def test_no_action_is_never_a_tie(specs: dict[str, PolicySpec]) -> None:
    expected = _step([1.0, 1.0 + TIE / 2, 0.0, 0.0], 1)
    with pytest.raises(ParityError, match="'action'"):
        _compared(specs, expected, expected | {"action": np.array([-1])}, [True] * 4)


def test_the_references_values_say_what_a_tie_is(specs: dict[str, PolicySpec]) -> None:
    close, clear = [1.0, 1.0 + TIE / 2, 0.0, 0.0], [1.0, 1.0 + 2 * TIE, 0.0, 0.0]  # both within the tolerance
    assert _compared(specs, _step(close, 1), _step(clear, 0), [True] * 4).ties == 1
    with pytest.raises(ParityError, match="'action'"):
        _compared(specs, _step(clear, 1), _step(close, 0), [True] * 4)


def test_another_shape_is_refused_though_it_would_spread(specs: dict[str, PolicySpec]) -> None:
    expected = _step([1.0, 0.0, 0.0, 0.0], 0)
    with pytest.raises(ParityError, match="next_hidden_state"):
        _compared(specs, expected, expected | {"next_hidden_state": np.zeros((1, 1), dtype=np.float32)}, [True] * 4)


def test_a_difference_of_exactly_the_tie_is_none(specs: dict[str, PolicySpec]) -> None:
    with pytest.raises(ParityError, match="'action'"):
        _compared(specs, _step([TIE, 0.0, -1.0, -1.0], 0), _step([TIE, 0.0, -1.0, -1.0], 1), [True] * 4)


def test_another_action_than_the_only_available_one_is_refused(specs: dict[str, PolicySpec]) -> None:
    values = [1.0, 1.0, 0.0, 0.0]
    with pytest.raises(ParityError, match="'action'"):
        _compared(specs, _step(values, 0), _step(values, 1), [True, False, False, False])


def test_the_largest_difference_of_all_outputs_is_kept(specs: dict[str, PolicySpec]) -> None:
    expected = _step([1.0, 0.0, 0.0, 0.0], 0)
    found = expected | {"action_values": expected["action_values"] + np.float32(TOLERANCE / 2)}
    assert _compared(specs, expected, found, [True] * 4).largest_difference == pytest.approx(TOLERANCE / 2, rel=1e-2)


def test_other_action_without_a_tie_is_refused(specs: dict[str, PolicySpec]) -> None:
    values = [1.0, 1.0 + 2 * TIE, 0.0, 0.0]
    with pytest.raises(ParityError, match="'action'"):
        _compared(specs, _step(values, 1), _step(values, 0), [True] * 4)


def test_nan_is_never_equal(specs: dict[str, PolicySpec]) -> None:
    values = [1.0, 0.0, 0.0, 0.0]
    with pytest.raises(ParityError, match="action_values"):
        _compared(specs, _step(values, 0), _step([1.0, np.nan, 0.0, 0.0], 0), [True] * 4)


def test_other_dtype_is_refused(specs: dict[str, PolicySpec]) -> None:
    expected = _step([1.0, 0.0, 0.0, 0.0], 0)
    found = expected | {"action_values": expected["action_values"].astype(np.float64)}
    with pytest.raises(ParityError, match="action_values"):
        _compared(specs, expected, found, [True] * 4)


def test_after_a_tie_the_row_goes_on_from_torchs_memory() -> None:
    policy = plain_policy()
    module = policy.module()
    assert isinstance(module, PlainModule)
    nn.init.zeros_(module.head.weight)
    nn.init.zeros_(module.head.bias)
    eager = eager_run(policy.spec, module)

    def last_best(inputs: Tensors) -> Tensors:
        outputs = eager(inputs)
        last = 3 - inputs["avail_actions"][:, ::-1].argmax(-1)
        action = np.where(outputs["valid"], last, -1)
        coded = np.where(outputs["valid"][:, None], np.eye(4, dtype=np.float32)[action], inputs["last_action"])
        return outputs | {"action": action, "next_last_action": coded}

    figures = verify(policy.spec, module, {"onnx": last_best})["onnx"]
    assert figures.ties > 50
    assert figures.largest_difference == 0.0


@pytest.mark.parametrize("name", ["risk_aware", "plain"])
def test_random_inputs_exercise_every_guard(specs: dict[str, PolicySpec], name: str) -> None:
    spec = specs[name]
    inputs = random_inputs(spec, 400, np.random.default_rng(0))
    good = legal_rows(spec, inputs)
    assert 0.5 < good.mean() < 0.95
    full = {"avail_actions": np.ones((400, 4), dtype=np.bool_), "risk_level": np.ones(400, dtype=np.float32)}
    assert not legal_rows(spec, inputs | full).all()
    assert not inputs["avail_actions"].any(-1).all()


@pytest.mark.parametrize("change", ["finite", "action", "carry", "valid", "forbidden"])
def test_module_that_breaks_the_contract_is_refused(specs: dict[str, PolicySpec], change: str) -> None:
    policy = risk_aware_policy()
    inputs = random_inputs(policy.spec, 50, np.random.default_rng(1))
    inputs |= {tensor.name: np.zeros((50, *tensor.shape), dtype=np.float32) for tensor in policy.spec.carry}
    outputs = eager_run(policy.spec, policy.module())(inputs)
    valid = outputs["valid"]
    check_contract(policy.spec, inputs, outputs)
    broken = {
        "finite": {"action_values": np.where(valid[:, None], outputs["action_values"], np.float32(np.nan))},
        "action": {"action": np.where(valid, outputs["action"], 0)},
        "carry": {"next_hidden_state": outputs["next_hidden_state"].astype(np.float32) + np.float32(1)},
        "valid": {"valid": np.ones_like(valid)},
        "forbidden": {"action": np.where(valid, inputs["avail_actions"].argmin(-1), -1)},
    }[change]
    with pytest.raises(PolicyError):
        check_contract(policy.spec, inputs, outputs | broken)
