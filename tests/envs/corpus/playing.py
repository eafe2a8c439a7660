"""Plays one episode of a case and says what was seen."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from rmix_kit.envs.interface import VectorEnv, is_reproducible
from rmix_kit.envs.make import make_vector_env
from rmix_kit.networks.coding import ObsCoding
from rmix_kit.types import EnvSpec, TimeStep
from tests.envs.corpus.team import Case

SEED = 5
SEE_STEP = 3


def measured(case: Case) -> dict[str, object]:
    """The case's facts, as far as it names them: of the spec, of an episode by the first allowed actions, and so on."""
    envs = make_vector_env(case.text, case.num_envs)
    try:
        facts = of_spec(envs.spec) | of_episode(envs)
        if "highest_return" in case.facts:
            facts["highest_return"] = of_episode(envs, highest=True)["team_return"]
        facts["reports_success"] = getattr(envs, "reports_success", None)
        if "is_reproducible" in case.facts:
            facts["is_reproducible"] = is_reproducible(envs)
    finally:
        envs.close()
    return {name: facts[name] for name in case.facts}


def of_spec(spec: EnvSpec) -> dict[str, object]:
    """What the spec says, and how each observation is coded."""
    coding = ObsCoding(spec)
    told: dict[str, object] = {field.name: getattr(spec, field.name) for field in fields(EnvSpec)}
    return told | {
        "action_dtype": spec.action_dtype,
        "one_hot": coding.n_one_hot,
        "normalised": len(coding.normalised),
    }


def of_episode(envs: VectorEnv, *, highest: bool = False) -> dict[str, object]:
    """What the first copy's episode shows, when each agent takes its first (or last) allowed action."""
    step = envs.reset(range(SEED, SEED + envs.num_envs))
    seen, total = [step], 0.0
    while not step.has_ended[0]:
        assert len(seen) <= envs.spec.episode_limit
        step = envs.step(chosen(step, highest=highest))
        total += float(step.reward[0])
        seen.append(step)
    first, later = seen[0], seen[min(SEE_STEP, len(seen) - 1)]
    return {
        "first_obs": first.obs[0].tolist(),
        "first_state": first.state[0].tolist(),
        "mask": first.avail_actions[0].tolist(),
        "masks_at_step_3": later.avail_actions[0].tolist(),
        "obs_of_b_at_step_3": later.obs[0, -1].tolist(),
        "length": len(seen) - 1,
        "team_return": total,
        "end": "terminated" if step.terminated[0] else "truncated",
        "success": bool(step.success[0]),
    }


def chosen(step: TimeStep, *, highest: bool) -> np.ndarray:
    """The first or the last allowed action of every agent ``[env, agent]``."""
    mask = step.avail_actions
    return mask.shape[-1] - 1 - mask[..., ::-1].argmax(-1) if highest else mask.argmax(-1)
