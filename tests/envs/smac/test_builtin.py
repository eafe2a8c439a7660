"""The built-in simulator behind the trainer's interface, and its compact form in the replay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rmix_kit.envs.make import make_vector_env, remark_on, resolved_text
from rmix_kit.envs.smac import resolve
from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.envs.text import Value, parse
from rmix_kit.errors import ActionError, EnvironmentContractError, EnvironmentTextError, StarCraftError
from rmix_kit.replay.records import worst_case_bytes
from rmix_kit.smac.facts import Units, layout_facts
from rmix_kit.smac.layout import encode
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.types import IntArray
from tests.fixtures.compact_env import codec_mismatches

TABLE_3 = {"5m_vs_6m": 3.0, "8m_vs_9m": 4.9, "10m_vs_11m": 7.1, "1c3s5z": 8.6, "MMM2": 10.8, "corridor": 14.4}
"""GB of replay for 5,000 episodes in the RMIX paper's supplement."""


def random_actions(envs: BuiltinVector, masks: np.ndarray, rng: np.random.Generator) -> IntArray:
    return (rng.random(masks.shape) * masks).argmax(-1)


@pytest.mark.parametrize("name", SCENARIOS)
def test_unit_states_rebuild_every_bit(name: str) -> None:
    envs = BuiltinVector(name, 3)
    assert codec_mismatches(envs, envs.codec, steps=25) == []


@pytest.mark.parametrize("name", TABLE_3)
def test_the_replay_needs_a_third_of_the_papers_at_most(name: str) -> None:
    envs = BuiltinVector(name, 1)
    assert worst_case_bytes(envs.spec, envs.codec, 5000) <= TABLE_3[name] * 1e9 / 3


def test_copies_do_not_know_of_each_other_and_wait_when_they_are_done() -> None:
    whole, rng = BuiltinVector("3m", 3), np.random.default_rng(0)
    alone = [BuiltinVector("3m", 1) for _ in range(3)]
    step = whole.reset([5, 6, 7])
    singles = [env.reset([seed]) for env, seed in zip(alone, (5, 6, 7), strict=True)]
    for _ in range(60):
        actions = random_actions(whole, step.avail_actions, rng)
        before, step = step, whole.step(actions)
        singles = [env.step(row[None]) for env, row in zip(alone, actions, strict=True)]
        for index, single in enumerate(singles):
            np.testing.assert_array_equal(step.obs[index], single.obs[0])
            assert step.reward[index] == single.reward[0]
            if before.terminated[index] or before.truncated[index]:
                assert step.reward[index] == 0
                np.testing.assert_array_equal(step.state[index], before.state[index])
    assert (step.terminated ^ step.truncated).all()


def test_the_sizes_are_smacs() -> None:
    sizes = {
        name: (spec.n_agents, spec.n_actions, spec.obs_shape[0], spec.state_size, spec.episode_limit)
        for name in SCENARIOS
        for spec in [BuiltinVector(name, 1).spec]
    }
    assert sizes == {
        "3m": (3, 9, 30, 48, 60),
        "8m": (8, 14, 80, 168, 120),
        "5m_vs_6m": (5, 12, 55, 98, 70),
        "8m_vs_9m": (8, 15, 85, 179, 120),
        "10m_vs_11m": (10, 17, 105, 243, 150),
        "2s3z": (5, 11, 80, 120, 120),
        "3s5z": (8, 14, 128, 216, 150),
        "MMM": (10, 16, 160, 290, 150),
        "MMM2": (10, 18, 176, 322, 180),
        "1c3s5z": (9, 15, 162, 270, 180),
        "corridor": (6, 30, 156, 282, 400),
    }


def test_a_text_that_leaves_the_backend_open_is_resolved_where_the_game_is_absent(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path_factory.mktemp("empty")))
    assert str(resolve(parse("smac:3m?difficulty=5"))) == "smac:3m?backend=builtin&difficulty=5"
    assert isinstance(make_vector_env("smac:3m", 1), BuiltinVector)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout_terminates": "no"}, "timeout_terminates is 'no'; expected bool"),
        ({"timeout_terminates": 0}, "timeout_terminates is 0; expected bool"),
        ({"difficulty": "B"}, "difficulty is 'B'; it must be 1"),
        ({"illegal_action": "skip"}, "illegal_action is 'skip'; it must be raise or noop"),
        ({"games": 4}, "no option 'games' with backend=builtin, which takes difficulty"),
    ],
)
def test_options_are_checked(options: dict[str, Value], said: str) -> None:
    with pytest.raises(EnvironmentTextError, match=said):
        BuiltinVector("3m", 1, **options)


def test_a_map_in_other_letters_is_recognised() -> None:
    with pytest.raises(EnvironmentTextError, match="did you mean 'MMM2'"):
        BuiltinVector("mmm2", 1)


def test_the_difficulty_may_be_written_small() -> None:
    easy, hard = (BuiltinVector("3m", 1, difficulty=code) for code in ("a", "A"))
    np.testing.assert_array_equal(easy.reset([0]).obs, hard.reset([0]).obs)


@pytest.mark.parametrize("seeds", [[1, 2], [], [-1], [2**63]])
def test_seeds_that_do_not_fit_are_refused(seeds: list[int]) -> None:
    with pytest.raises(EnvironmentContractError, match="expected 1, each from 0 to"):
        BuiltinVector("3m", 1).reset(seeds)


@pytest.mark.parametrize("actions", [np.zeros((1, 2), dtype=np.int64), np.full((1, 3), 1.7)])
def test_actions_that_do_not_fit_are_refused(actions: np.ndarray) -> None:
    envs = BuiltinVector("3m", 1)
    envs.reset([0])
    with pytest.raises(ActionError, match=r"expected whole numbers \(1, 3\)"):
        envs.step(actions)


def test_a_chosen_game_that_cannot_be_played_names_the_simulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "Versions" / "Base75689"
    folder.mkdir(parents=True)
    (folder / "SC2_x64").touch(mode=0o755)
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.setenv("RMIX_SMAC_PYTHON", str(tmp_path / "no-python"))
    with pytest.raises(StarCraftError, match="append backend=builtin"):
        make_vector_env("smac:3m", 1)
    assert resolved_text("smac:3m?difficulty=5") == "smac:3m?backend=sc2&difficulty=5"
    # A run that goes on keeps the backend that it has.
    assert resolved_text("smac:3m", "smac:3m?backend=builtin") == "smac:3m?backend=builtin"
    assert resolved_text("smac:8m", "smac:3m?backend=builtin") == "smac:8m?backend=sc2"


def test_results_of_the_simulator_carry_its_label() -> None:
    assert "do not compare" in remark_on("smac:3m?backend=builtin")
    assert remark_on("smac:3m?backend=sc2") == remark_on("macn:4x7") == ""


@pytest.mark.parametrize("option", ["num_envs=4", "self=1", "map_name=3m", "options=1"])
def test_arguments_of_our_own_are_no_options(option: str) -> None:
    with pytest.raises(EnvironmentTextError, match="has no option"):
        make_vector_env(f"smac:3m?backend=builtin&{option}", 2)


@pytest.mark.parametrize("name", SCENARIOS)
def test_arrays_and_tensors_are_rebuilt_to_the_bits_of_the_layout(name: str) -> None:
    """Arrays are laid out compiled, tensors are not; padding is all zeros."""
    envs, rng = BuiltinVector(name, 4), np.random.default_rng(3)
    step, kept = envs.reset([1, 2, 3, 4]), []
    for _ in range(30):
        kept.append({field: np.array(rows) for field, rows in (step.compact or {}).items()})
        step = envs.step(random_actions(envs, step.avail_actions, rng))
    kept.append({field: np.zeros_like(rows) for field, rows in kept[0].items()})
    fields = {field: np.stack([rows[field] for rows in kept], 1) for field in kept[0]}  # [env, time, ...]
    rebuilt = envs.codec.rebuild(fields)
    tensors = envs.codec.rebuild({field: torch.from_numpy(rows) for field, rows in fields.items()})
    flat = Units(**{field: torch.from_numpy(rows).flatten(0, 1) for field, rows in fields.items()})
    layout = encode(layout_facts(SCENARIOS[name]).to(torch.as_tensor), flat)
    for ours, theirs, plain in zip(rebuilt, tensors, layout, strict=True):
        assert ours.shape[:2] == tuple(theirs.shape[:2]) == (4, 31)
        expected = plain.numpy().view(np.uint8)
        np.testing.assert_array_equal(ours.reshape(plain.shape).view(np.uint8), expected)
        np.testing.assert_array_equal(theirs.numpy().reshape(plain.shape).view(np.uint8), expected)


def test_numbers_of_a_higher_precision_are_rebuilt_in_it() -> None:
    envs = BuiltinVector("3m", 2)
    fields = {name: np.asarray(rows) for name, rows in (envs.reset([1, 2]).compact or {}).items()}
    wide = {name: rows.astype(np.float64) if rows.dtype == np.float32 else rows for name, rows in fields.items()}
    np.testing.assert_allclose(envs.codec.rebuild(wide)[0], envs.codec.rebuild(fields)[0], atol=1e-6)


PLAYED = """
import hashlib, sys
if BLOCKED:
    sys.modules["numba"] = None
import numpy as np
from rmix_kit.envs.smac.builtin import BuiltinVector
assert "numba" not in sys.modules or BLOCKED
told, digest = [], hashlib.sha256()
for name in ("3m", "MMM2", "1c3s5z", "corridor"):
    envs, rng = BuiltinVector(name, 3), np.random.default_rng(0)
    step = envs.reset([1, 2, 3])
    for _ in range(40):
        arrays = [step.obs, step.state, step.avail_actions, step.reward, step.terminated, step.success]
        arrays += envs.codec.rebuild(step.compact)
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        step = envs.step((rng.random(step.avail_actions.shape) * step.avail_actions).argmax(-1))
    told += envs.notes
print(digest.hexdigest(), len(told), *told[:1])
"""


def test_without_numba_the_same_battles_are_played_and_it_is_said() -> None:
    blocked, compiled = (
        subprocess.run(
            [sys.executable, "-W", "error", "-c", PLAYED.replace("BLOCKED", value)],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        ).stdout.split(maxsplit=2)
        for value in ("True", "False")
    )
    assert blocked[0] == compiled[0]
    assert compiled[1:] == ["0"]
    assert blocked[1] == "4"
    assert "numba is not installed" in blocked[2]
