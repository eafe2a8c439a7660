"""Film exported agents, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from exporters.agent import ActResult, Agent
from exporters.team import AllowedActions, Team
from exporters.tensors import Array
from rmix_kit.envs.consent import Consent
from rmix_kit.envs.make import copies_to_play, make_drawn, remark_on, resolved_text
from rmix_kit.episodes import copies_for
from rmix_kit.films.film import Film
from rmix_kit.films.watching import Decision, WatchedEnvs
from rmix_kit.playing.episodes import play
from rmix_kit.playing.manifest import (
    algorithms,
    checkpoint_step,
    environment_text,
    first_format,
    most_copies,
    read_export,
    reward_scale,
)
from rmix_kit.playing.team import LocalTeam, levels_of, load_team


class WatchedTeam(Team[Agent]):
    """A team that reports its values and levels; its files carry no distributions."""

    def __init__(self, team: Team[Agent], envs: WatchedEnvs) -> None:
        """Watch a team."""
        super().__init__(team.agents, team.manifest)
        self._envs = envs

    def act_batch(
        self,
        observations: Mapping[str, Array],
        avail_actions: AllowedActions,
        risk_level: float | Array | Mapping[str, float | Array] = 0.0,
    ) -> dict[str, ActResult]:
        """Choose greedily, and report."""
        results = super().act_batch(observations, avail_actions, risk_level)
        values = np.stack([result.action_values for result in results.values()], axis=1)  # [env, agent, action]
        levels = np.stack([levels_of(result) for result in results.values()], axis=1)  # [env, agent]
        self._envs.decided(Decision(values, levels))
        return results


def film_export(
    directory: Path,
    env_text: str | None = None,
    *,
    episodes: int = 3,
    seed: int = 0,
    risk_level: float | None = None,
    consent: Consent | None = None,
) -> Film:
    """Play greedy episodes with exported agents and keep everything; `rmix-kit run` counts the same numbers.

    Args:
        env_text: Where; the environment in the folder's manifest if None.
        seed: Episode i is reset with the seed of (seed, "test", i).
        risk_level: In (0, 1] for all agents; None leaves it to them.
        consent: To code that the manifest's text names.

    Raises:
        UntrustedCodeError: It names code, and nobody has consented.
        BundleError: The folder is damaged or foreign.
        EnvironmentTextError: There is no such environment, or neither folder nor caller names one.
        EnvironmentContractError: The agents do not fit the environment.
        InvalidInputError: A level is asked of agents that have no risk dial.
    """
    manifest = read_export(directory)
    text = resolved_text(env_text or environment_text(manifest, directory, consent))
    team = load_team(directory, first_format(manifest))
    envs = WatchedEnvs(copies_to_play(make_drawn, text, copies_for(episodes, most_copies(manifest, text))))
    try:
        watched = LocalTeam(WatchedTeam(team, envs))
        played = play(watched, envs, episodes=episodes, seed=seed, risk_level=risk_level)
    finally:
        envs.close()
    return Film(
        source=directory.resolve().name,
        kind="export",
        env=text,
        remark=remark_on(text),
        algorithm=algorithms(manifest),
        risk_level=risk_level,
        agent_ids=envs.spec.agent_ids,
        action_meanings=envs.spec.action_meanings,
        value_kind=manifest.agents[0].spec.value_kind,
        reward_scale=reward_scale(manifest),
        is_risk_aware=any(entry.spec.is_risk_aware for entry in manifest.agents),
        has_distributions=False,
        edges=None,
        stage=envs.stage,
        episodes=envs.episodes(played),
        metrics=played.summary(checkpoint_step(manifest), seed),
    )
