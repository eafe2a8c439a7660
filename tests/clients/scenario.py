"""Steps in words for the clients' drivers, and what `OnnxTeam` answers to them.

A step is, for each agent in order: observations, mask, risk levels and what was really done (-1 = as proposed), all
for `BATCH` episodes side by side; then which episodes end. An answer is a line per agent: actions, valid, values and,
with a dial, the levels used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exporters.agent import ActResult
from exporters.contract import PolicySpec
from exporters.runtime import OnnxTeam

BATCH = 3
STEPS = 24
TOLERANCE = 1e-5


def scenario(folder: Path, seed: int = 0) -> tuple[str, list[np.ndarray]]:
    """Return steps as words, with refused rows among them, and the answers that are expected."""
    generator = np.random.default_rng(seed)
    team = OnnxTeam(folder, on_invalid="return")
    words: list[str] = []
    answers: list[np.ndarray] = []
    for step in range(STEPS):
        given = {name: _inputs(spec, generator, step) for name, spec in team.specs.items()}
        ended = (np.arange(BATCH) == step % 5).astype(np.uint8)
        for name, spec in team.specs.items():
            obs, mask, level, done = given[name]
            words += [*map(_word, obs.ravel()), *map(_word, mask.ravel()), *map(_word, level), *map(_word, done)]
            result = team.agents[name].act_batch(obs, mask.astype(bool), level if spec.is_risk_aware else 0.0)
            answers.append(_answer(result))
            if any(tensor.name == "last_action" for tensor in spec.carry):
                team.agents[name].executed(done)
        team.reset(ended.astype(bool))
        words += map(_word, ended)
    return " ".join(words), answers


def check_answers(said: str, expected: list[np.ndarray]) -> None:
    """Compare a driver's lines with the expected answers."""
    lines = said.strip().splitlines()
    assert len(lines) == len(expected), said[:500]
    for line, answer in zip(lines, expected, strict=True):
        found = np.array([float(word) for word in line.split()])
        assert found.shape == answer.shape, line
        np.testing.assert_array_equal(found[: 2 * BATCH], answer[: 2 * BATCH])
        np.testing.assert_allclose(found, answer, rtol=0, atol=TOLERANCE)


def _inputs(spec: PolicySpec, generator: np.random.Generator, step: int) -> tuple[np.ndarray, ...]:
    low, high = (0, 5) if spec.obs.dtype == "int8" else (-1.0, 1.0)
    obs = generator.uniform(low, high, (BATCH, *spec.obs.shape)).astype(spec.obs.dtype)
    if spec.obs.dtype == "float32" and step % 4 == 0:
        obs.reshape(BATCH, -1)[step % BATCH, 0] = np.nan
    mask = (generator.random((BATCH, spec.n_actions)) < 0.7).astype(np.uint8)
    mask[:, step % spec.n_actions] = 1
    if step % 6 == 0:
        mask[(step + 1) % BATCH] = 0  # nothing is allowed
    level = generator.choice([0.0, 0.1, 0.5, 1.0], BATCH).astype(np.float32)
    if step % 7 == 3:
        level[0] = 1.5
    done = generator.choice([-1, 0, spec.n_actions - 1], BATCH)
    return obs, mask, level, done


def _answer(result: ActResult) -> np.ndarray:
    used = [] if result.risk_level_used is None else [result.risk_level_used]
    parts = [result.action, result.valid, result.action_values.ravel(), *used]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def _word(number: object) -> str:
    return repr(float(number))  # type: ignore[arg-type]
