"""A run that has been trained: its configuration, checkpoints and policies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from exporters.contract import PolicySpec
from exporters.live import LiveAgent, LiveTeam
from rmix_kit.algorithms import Networks
from rmix_kit.envs.consent import Consent, allowed
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import MakeEnv, copies_to_play, make_vector_env
from rmix_kit.episodes import copies_for
from rmix_kit.errors import CheckpointError, ConfigError, MissingExtraError
from rmix_kit.fit import check_fit
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.policy import ActingAgent, GreedyPolicy, team_policy
from rmix_kit.results import metric_columns
from rmix_kit.results.stopped import read_stopped
from rmix_kit.seeding import check_seed
from rmix_kit.training.calibration import Calibration, calibrate, check_distributional
from rmix_kit.training.checkpoint import network_tensors
from rmix_kit.training.evaluator import Evaluation, evaluate
from rmix_kit.training.joint_table import JointTable, spec_of, tabulate
from rmix_kit.training.learner import load_networks
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.state import TrainerState
from rmix_kit.types import EnvSpec

if TYPE_CHECKING:
    import pandas


class Run:
    """A run's folder at one checkpoint; networks are on the CPU."""

    def __init__(
        self,
        folder: RunFolder,
        step: int,
        *,
        consent: Consent | None = None,
        make_env: MakeEnv = make_vector_env,
    ) -> None:
        """Read configuration and weights.

        Args:
            step: Which checkpoint.
            consent: To code that its environment's text names.
            make_env: Makes copies of its own environment, and of others.

        Raises:
            CheckpointError: It is damaged or foreign.
        """
        self._folder, self._consent, self._make_env = folder, consent, make_env
        self.config: RunConfig = folder.read_config()
        self.checkpoint_step = step
        manifest, weights = network_tensors(folder.checkpoint(step))
        state = TrainerState.from_json(manifest.state, self.config.seed)
        self.reward_scale: float = state.reward_scale(self.config.training)
        if not manifest.is_of(self.config.to_dict()):
            raise CheckpointError(f"step_{step} is foreign: it belongs to a run with another configuration")
        self.env_spec: EnvSpec = manifest.env_spec
        with torch.random.fork_rng(devices=[]):
            self.networks: Networks[AgentNetwork] = self.config.algorithm.networks(self.env_spec)
        load_networks(self.networks, weights)
        self.networks.eval().requires_grad_(False)

    def __repr__(self) -> str:
        """Say what was trained, where, and at which checkpoint this is."""
        config = self.config
        return (
            f"Run({str(self.path)!r}: {config.algorithm.name} on {config.env}, seed {config.seed}, "
            f"step {self.checkpoint_step:,} of {config.steps:,}; agents {', '.join(self.env_spec.agent_ids)})"
        )

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def stopped(self) -> str | None:
        """Why a callback ended training before its planned end; None where none did, or the run has gone on since."""
        stopped = read_stopped(self._folder)
        return None if stopped is None else stopped.reason

    def own_environment(self) -> str:
        """Return the text of the environment that it was trained in, if it may run.

        Raises:
            UntrustedCodeError: It names code, and nobody has consented.
        """
        return allowed(self.config.env, self._folder.config, self._consent)

    def checkpoints(self) -> list[int]:
        """Return the environment steps of the checkpoints, in order."""
        return self._folder.steps()

    def policy(self, agent: int | str) -> GreedyPolicy:
        """Return one agent's policy, ready for export.

        Returns:
            The policy.

        Raises:
            ConfigError: There is no such agent.
        """
        names = self.env_spec.agent_ids
        index = names.index(agent) if agent in names else agent
        if not isinstance(index, int) or not 0 <= index < len(names):
            raise ConfigError(f"there is no agent {agent!r}; there are {', '.join(names)} (0 to {len(names) - 1})")
        algorithm = self.config.algorithm.name
        return GreedyPolicy(self.networks.agent, self.env_spec, agent_index=index, algorithm=algorithm)

    def team(self, *, on_invalid: str = "raise") -> LiveTeam:
        """Return all agents with memories of their own, to act greedily through the calls of an exported team.

        Args:
            on_invalid: What an observation out of range does: "raise", or "return" -1 for an action.
        """
        return LiveTeam(self.policies(), on_invalid=on_invalid)

    def agent(self, agent: int | str, *, on_invalid: str = "raise") -> LiveAgent:
        """Return one agent, likewise.

        Args:
            agent: Its id or number.
            on_invalid: As of `team`.

        Raises:
            ConfigError: There is no such agent.
        """
        return LiveAgent(self.policy(agent), on_invalid=on_invalid)

    def metrics(self, kind: str = "training") -> dict[str, npt.NDArray[np.float64]]:
        """Return the rows of ``metrics.jsonl`` as columns, which ``pandas.DataFrame`` takes as they are.

        Args:
            kind: "training", a row every `training.log_interval` steps, or "evaluation".

        Returns:
            By name ``[row]``, ``env_steps`` among them; NaN where a row has no such number.

        Raises:
            RecordError: There is no such kind, or the file is damaged.
        """
        return metric_columns(self.path, kind)

    def frame(self, kind: str = "training") -> pandas.DataFrame:
        """Return `metrics` as a frame of pandas, a row for each that was written.

        Args:
            kind: As of `metrics`.

        Raises:
            MissingExtraError: pandas is not installed.
            RecordError: There is no such kind, or the file is damaged.
        """
        try:
            import pandas
        except ModuleNotFoundError as error:
            raise MissingExtraError("frames need pandas; install it with: pip install pandas") from error
        return pandas.DataFrame(self.metrics(kind))

    def policies(self) -> list[GreedyPolicy]:
        """Return every agent's policy, in the order of the agents."""
        return [self.policy(index) for index in range(self.env_spec.n_agents)]

    def policy_specs(self) -> dict[str, PolicySpec]:
        """Return what every agent's policy was trained with, by the agent's id, in the order of the agents."""
        return {policy.spec.agent_id: policy.spec for policy in self.policies()}

    def evaluate(
        self,
        env_text: str | None = None,
        episodes: int = 32,
        seed: int = 0,
        risk_level: float | None = None,
        *,
        make_env: MakeEnv | None = None,
        watched_by: Callable[[ActingAgent], ActingAgent] | None = None,
    ) -> Evaluation:
        """Play greedy episodes.

        Args:
            env_text: Where; the run's own environment if None.
            seed: Episode i is reset with the seed of (seed, "test", i).
            risk_level: In (0, 1] for all agents; None leaves it to them.
            make_env: Makes the copies; None for what makes the run's own.
            watched_by: Gives what acts in the agent network's place, made once the copies are there.

        Returns:
            What was played.

        Raises:
            ConfigError: A number is out of range, or the algorithm has no risk level.
            EnvironmentContractError: The policies do not fit the environment.
            UntrustedCodeError: The run's own environment is code, and nobody has consented to run it.
        """
        self._check_asked(episodes, seed, risk_level)
        text = env_text or self.own_environment()
        envs = self._copies(make_env or self._make_env, text, episodes)
        try:
            agent = self.networks.agent
            team = team_policy(agent if watched_by is None else watched_by(agent), envs.spec, torch.device("cpu"))
            return evaluate(
                team,
                envs,
                episodes=episodes,
                seed=seed,
                checkpoint_step=self.checkpoint_step,
                risk_level=risk_level,
            )
        finally:
            envs.close()

    def _check_asked(self, episodes: int, seed: int, risk_level: float | None) -> None:
        """Refuse numbers out of range, and a level where there is no dial."""
        if episodes < 1:
            raise ConfigError(f"episodes is {episodes}; at least 1 is played")
        check_seed(seed)
        if risk_level is not None and not 0 < risk_level <= 1:
            raise ConfigError(f"risk_level is {risk_level}; it must be in (0, 1] (1 = risk-neutral), or dynamic")
        if risk_level is not None and not self.networks.agent.is_risk_aware:
            raise ConfigError(
                f"risk_level is {risk_level}, and {self.config.algorithm.name} has no risk dial; leave it out"
            )

    def _copies(self, make_env: MakeEnv, text: str, episodes: int) -> VectorEnv:
        """Make copies to play so many episodes in, which the policies fit."""
        most = self.config.training.most_evaluation_copies if text == self.config.env else None
        envs = copies_to_play(make_env, text, copies_for(episodes, most))
        try:
            check_fit(self.policy_specs(), envs.spec, text)
        except BaseException:
            envs.close()
            raise
        return envs

    def calibration(
        self, env_text: str | None = None, episodes: int = 200, seed: int = 0, risk_level: float | None = None
    ) -> Calibration:
        """Play greedy episodes, and compare the return distributions that agents predict with the returns that come.

        Args:
            env_text: Where; the run's own environment if None.
            episodes: How many, at least 1; those of `evaluate` with the same seed.
            seed: Of the episodes.
            risk_level: In (0, 1] for all agents; None leaves it to them.

        Raises:
            ConfigError: A number is out of range, or the algorithm predicts no distribution.
            EnvironmentContractError: The policies do not fit the environment, or no episode ended by its task.
        """
        check_distributional(self.networks.agent, self.config.algorithm.name)
        self._check_asked(episodes, seed, risk_level)
        text = env_text or self.own_environment()
        envs = self._copies(self._make_env, text, episodes)
        try:
            return calibrate(
                self.config.algorithm,
                self.networks,
                envs,
                env_text=text,
                episodes=episodes,
                seed=seed,
                checkpoint_step=self.checkpoint_step,
                reward_scale=self.reward_scale,
                risk_level=risk_level,
            )
        finally:
            envs.close()

    def joint_table(self, env_text: str | None = None, steps: int | None = None) -> JointTable:
        """Return the joint value of every sequence of joint actions of a short game, in its own reward units.

        Args:
            env_text: Where; the run's own environment if None.
            steps: Length of the sequences; the episode limit if None.

        Returns:
            The table: `JointTable.first_values` of a one-step game, `JointTable.by_state` of a small longer one.

        Raises:
            ConfigError: There are more than 65,536 sequences.
            EnvironmentContractError: The networks do not fit the environment.
        """
        text = env_text or self.own_environment()
        check_fit(self.policy_specs(), spec_of(text), text, state_size=self.env_spec.state_size)
        return tabulate(
            self.config.algorithm,
            self.networks,
            self.networks.agent,
            text,
            checkpoint_step=self.checkpoint_step,
            reward_scale=self.reward_scale,
            steps=steps,
        )
