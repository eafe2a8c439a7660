"""Makes an environment, plays it, and puts together what was found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rmix_kit.config.load import resolve
from rmix_kit.doctor.environment.episodes import RUN_SEED, Episode, difference, play, play_random
from rmix_kit.doctor.environment.outcome import outcome_findings
from rmix_kit.doctor.environment.spaces import space_findings
from rmix_kit.doctor.finding import Finding
from rmix_kit.envs.given import given_environment
from rmix_kit.envs.interface import VectorEnv, codec_of, notes_of
from rmix_kit.envs.make import MakeEnv, make_vector_env, remark_on
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.seeding import episode_seed
from rmix_kit.training.memory import available_bytes, in_words, planned_memory

HISTORY = (
    "draw everything that is random from the seed that reset() is given, and keep nothing from the episode before; "
    "until then runs cannot be repeated, and those that are resumed say so"
)
MAKING = "draw nothing at random where the environment is made, or draw it from a seed that is an argument"
ONCE = "append copies=1 to the text and train with --num-envs 1"
REFUSALS = (EnvironmentTextError, EnvironmentContractError)


def check(env: object, episodes: int = 10) -> list[Finding]:
    """Play random episodes of one copy, and say what was found.

    Args:
        env: A text, or what else `rmix_kit.train` takes for an environment.
        episodes: Random episodes, at least 1; four more are played for the question whether they can be repeated.

    Returns:
        Findings in the order in which they are of interest; a "problem" among them if training would be refused.

    Raises:
        ConfigError: It is no environment at all.
        MissingExtraError: The kind needs an extra that is not installed.
    """
    text, own = given_environment(env)
    make = own or make_vector_env
    try:
        with made(make, text) as envs:
            begun = time.perf_counter()
            played = play_random(envs, episodes)
            seconds = time.perf_counter() - begun
            sound = [episode for episode in played if not episode.is_damaged]
            findings = [_environment(text, envs, sound, seconds)]
            if not sound:
                return [*findings, _damage(played)]
            findings += space_findings(envs, sound)
            findings += outcome_findings(envs, sound)
            findings += [_damage(played)] if len(sound) < len(played) else []
            findings += [_repeated(make, text, envs), memory_finding(text, envs)]
            return findings
    except REFUSALS as error:
        return [Finding(name="environment", status="problem", found=str(error))]


@contextmanager
def made(make: MakeEnv, text: str) -> Iterator[VectorEnv]:
    """Make one copy, and close it.

    Args:
        make: Makes copies of the environment that a text names.
    """
    envs = make(text, 1)
    try:
        yield envs
    finally:
        envs.close()


def _environment(text: str, envs: VectorEnv, played: list[Episode], seconds: float) -> Finding:
    spec, steps = envs.spec, sum(episode.length for episode in played)
    names = ", ".join(spec.agent_ids[:4]) + (", ..." if spec.n_agents > 4 else "")
    pace = f"{steps / seconds:,.0f} steps a second in one copy" if seconds > 0 else "no time at all"
    said = "; ".join(part for part in (*notes_of(envs), remark_on(text)) if part)
    found = f"{spec.n_agents} agents ({names}); {len(played)} random episodes, {pace}{'; ' if said else ''}{said}"
    return Finding(name="environment", found=found)


def _damage(played: list[Episode]) -> Finding:
    broken = sum(episode.is_damaged for episode in played)
    return Finding(
        name="broken episodes",
        status="problem" if broken == len(played) else "warning",
        found=f"{broken} of {len(played)} episodes broke",
        fix="rmix-kit doctor says what is wrong with an installation of StarCraft",
    )


def _repeated(make: MakeEnv, text: str, envs: VectorEnv) -> Finding:
    """Play a seed again, after other episodes and in a fresh copy."""
    seed = episode_seed(RUN_SEED, "train", 0)
    first, again = play(envs, seed), play(envs, seed)
    play(envs, seed + 1, 1)
    if parts := difference(first, again) or difference(first, play(envs, seed)):
        return _unrepeated(f"the same seed and actions gave another episode: {parts} differs", HISTORY)
    try:
        with made(make, text) as fresh:
            anew = play(fresh, seed)
        parts = difference(first, anew)
        if not parts:
            return Finding(
                name="reproducibility",
                found="the same seed gives the same episode: at once, after others, and in a copy that is made anew",
            )
        with made(make, text) as fresh:
            is_history = not difference(anew, play(fresh, seed))
    except REFUSALS as error:
        return _unrepeated(f"the same seed gives the same episode in one copy; another cannot be made: {error}", ONCE)
    if is_history:
        return _unrepeated(f"the first episode of a copy is another one than later ones: {parts} differs", HISTORY)
    return _unrepeated(f"the same seed gives another episode in a copy that is made anew: {parts} differs", MAKING)


def _unrepeated(found: str, fix: str) -> Finding:
    return Finding(name="reproducibility", status="warning", found=found, fix=fix)


ALGORITHM = "qmix"
LONG_RUN = 10**9
"""Steps after which every replay is full."""
SHARE = 0.8
"""Of the memory that is available: what is advised leaves the rest to networks and to others."""


def memory_finding(text: str, envs: VectorEnv) -> Finding:
    """Say what a long run at default settings takes, and whether this machine has it."""
    config = resolve(algo=ALGORITHM, env=text, seed=0, steps=LONG_RUN, report=lambda line: None)
    planned, settings = planned_memory(config, envs.spec, codec_of(envs)), config.training
    needed, available = planned.replay + planned.round + planned.batch, available_bytes()
    found = (
        f"a long run with the defaults holds at most {in_words(needed)}: {settings.buffer_episodes:,} episodes in the "
        f"replay {in_words(planned.replay)}, {settings.num_envs} copies {in_words(planned.round)}, a batch of "
        f"{settings.batch_size} {in_words(planned.batch)}"
    )
    if available is None or needed <= available:
        return Finding(name="memory", found=found)
    rest = available * SHARE - planned.round - planned.batch
    episodes = int(rest / planned.replay * settings.buffer_episodes)
    fix = f"train with --set training.buffer_episodes={episodes}, or give a lower episode_limit"
    if episodes < settings.batch_size:
        few = replace(config, training=replace(settings, num_envs=1, evaluation_copies=1, batch_size=1))
        least = planned_memory(few, envs.spec, codec_of(envs))
        fix = (
            "set training.num_envs, training.evaluation_copies, training.batch_size and training.buffer_episodes lower "
            f"(a copy takes {in_words(least.round)}, an episode in a batch {in_words(least.batch)}), or a lower "
            "episode_limit or smaller observations"
        )
    return Finding(name="memory", status="problem", found=f"{found}; {in_words(available)} is available", fix=fix)
