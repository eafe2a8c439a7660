"""Playing on the device: a fixed number of steps of all copies, each written into the replay, nothing read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from macn.counter_hash import counter_draws, stream_keys
from rmix_kit.device.capture import Capture
from rmix_kit.device.draws import episode_seeds, explore, risk_levels, stream_key
from rmix_kit.device.games import Copies, Game
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.errors import CheckpointError
from rmix_kit.networks.carry import Carry, StepOutput, zero_carry
from rmix_kit.networks.unroll import greedy_actions, one_hot_actions
from rmix_kit.policy import ActingAgent
from rmix_kit.replay.episode import OBSERVED
from rmix_kit.stacked import laid_together
from rmix_kit.training.forms import misfits

TOTALS = ("episodes", "return", "success", "fell", "length")
"""What is added up over the episodes that end in a block of steps."""


Acting: TypeAlias = Callable[[Tensor, Tensor, Tensor, Carry], StepOutput]
"""`AgentNetwork.step`: rows of observations, one-hot agents, risk levels and carry."""


class Now(NamedTuple):
    """Where play stands between two steps.

    Attributes:
        copies: Of the game.
        carry: The agents' memory, ``[env * agent, size]`` by name.
        clock: int64 ``[env]``, steps of the copy since the run's start.
        episode: int64 ``[env]``, the number of the episode among the copy's own.
        level: float32 ``[env]``, the risk level asked for; 0 leaves it to the agents.
        paid: float64 ``[env]``, the undiscounted return of the episode so far.
        totals: float64 ``[total]``, `TOTALS` of the block; ``[seed, total]`` where several seeds play together.
    """

    copies: Copies
    carry: Carry
    clock: Tensor
    episode: Tensor
    level: Tensor
    paid: Tensor
    totals: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """Return all of them by name."""
        named = {f"game/{name}": value for name, value in self.copies.items()}
        named |= {f"carry/{name}": value for name, value in self.carry.items()}
        return named | {name: getattr(self, name) for name in self._fields[2:]}

    def of(self, tensors: Mapping[str, Tensor]) -> Now:
        """Return where play stands by other tensors, which are called as those of `tensors`."""
        return Now(
            {name: tensors[f"game/{name}"] for name in self.copies},
            {name: tensors[f"carry/{name}"] for name in self.carry},
            *(tensors[name] for name in self._fields[2:]),
        )


class Rollout:
    """Copies of a game that never wait for each other: one that ends begins its next episode in the same step.

    The copies of several seeds (`Rollout.together`) lie behind each other on the axis of the copies.

    Attributes:
        now: Where play stands; its tensors stay where they are.
        epsilon: float32 scalar, exploration of the next block; ``[seed]`` where several seeds play together.
    """

    def __init__(
        self,
        game: Game,
        agent: ActingAgent,
        replay: DeviceReplay,
        *,
        seed: int,
        steps: int,
        level_draws: int,
        capture: Capture,
    ) -> None:
        """Begin the first episode of every copy.

        Args:
            agent: Read at every step, never changed.
            replay: Holds as many copies as play.
            seed: The run's.
            steps: Steps of a block, K.
            level_draws: K of the risk levels {1/K, ..., 1} drawn per episode; 0 for none.
            capture: How blocks are started.
        """
        self._game, self._replay = game, replay
        self._act: Acting = agent.step
        self._steps, self._level_draws = steps, level_draws
        device, num_envs = replay.device, len(replay.slot)
        self._copy = torch.arange(num_envs, device=device)
        self._zero = torch.zeros_like(self._copy)
        self._agents = torch.arange(game.spec.n_agents, device=device)
        self._identity = torch.eye(game.spec.n_agents, device=device).repeat(num_envs, 1)  # [env * agent, agent]
        self._keys = {
            name: self._zero + stream_key(seed, name) for name in ("train", "exploration", "risk_level")
        }  # [env] each
        self._exploring = stream_keys(self._keys["exploration"], self._copy, self._zero)  # [env]
        self.epsilon = torch.zeros((), device=device)
        nothing = torch.zeros(num_envs, dtype=torch.float64, device=device)
        begun = game.begin(episode_seeds(self._keys["train"], self._copy, self._zero))
        self.now = Now(
            copies={name: value.clone() for name, value in begun.items()},  # none may share its memory
            carry=zero_carry(agent.carry_sizes, len(self._identity), device),
            clock=self._zero.clone(),
            episode=self._zero.clone(),
            level=self._levels(self._zero),
            paid=nothing,
            totals=nothing.new_zeros(len(TOTALS)),
        )
        self._program = capture(self._play)

    @staticmethod
    def together(rollouts: Sequence[Rollout], act: Acting, replay: DeviceReplay, capture: Capture) -> Rollout:
        """Return the play of several seeds as one; each goes on as a part of it.

        Args:
            rollouts: Of the same game and sizes.
            act: Of the agents of all seeds, whose rows lie one seed after the other.
            replay: Of all seeds.
            capture: How blocks are started.
        """
        joint = copy(rollouts[0])
        joint._act, joint._replay = act, replay
        for name in ("_copy", "_zero", "_identity", "_exploring"):
            setattr(joint, name, torch.cat([getattr(rollout, name) for rollout in rollouts]))
        joint._keys = {name: torch.cat([rollout._keys[name] for rollout in rollouts]) for name in joint._keys}
        joint.epsilon = laid_together([rollout.epsilon for rollout in rollouts])  # [seed]
        named = [rollout.now.tensors() for rollout in rollouts]
        joined = {name: laid_together([tensors[name] for tensors in named]) for name in named[0]}
        totals = joined.pop("totals")  # [seed, total]; all else is of copies or their agents
        joint.now = joint.now.of({name: stack.flatten(0, 1) for name, stack in joined.items()} | {"totals": totals})
        joint._program = capture(joint._play)
        return joint

    def run(self, epsilon: float | None = None) -> None:
        """Play a block of steps in every copy.

        Args:
            epsilon: Exploration in [0, 1]; None where it was set already, of every seed by itself.
        """
        if epsilon is not None:
            self.epsilon.fill_(epsilon)
        self._program()

    @torch.no_grad()
    def _play(self) -> None:
        now = self.now._replace(totals=torch.zeros_like(self.now.totals))
        for _ in range(self._steps):
            now = self._step(now)
        after = now.tensors()
        for name, place in self.now.tensors().items():
            place.copy_(after[name])

    def _step(self, now: Now) -> Now:
        game, replay = self._game, self._replay
        kept = game.kept(now.copies)
        seen = game.rebuild(kept)
        level = now.level.repeat_interleave(len(self._agents))  # [env * agent]
        output = self._act(seen.obs.flatten(0, 1), self._identity, level, now.carry)
        greedy = greedy_actions(torch.unflatten(output.action_values, 0, (-1, len(self._agents))), seen.avail_actions)
        draws = counter_draws(self._exploring, now.clock, self._agents)  # [env, agent]
        epsilon = self.epsilon.unsqueeze(-1).expand(replay.slot.shape).reshape(-1, 1)  # [env, 1]
        actions, is_explored = explore(greedy, seen.avail_actions, epsilon, draws)
        played = game.step(now.copies, actions)
        length = now.copies["elapsed"] + 1

        def by_seed(values: Tensor) -> Tensor:  # [..., env], as the replay has its copies
            return values.reshape(*values.shape[:-1], *replay.slot.shape)

        replay.write(
            by_seed(now.copies["elapsed"]),
            replay.record(_observed(kept) | {"actions": actions, "is_explored": is_explored, "reward": played.reward}),
            replay.record(_observed(game.kept(played.copies))),
        )
        replay.note_rewards(by_seed(played.reward))
        ended = played.terminated | played.truncated
        replay.close(by_seed(ended), by_seed(length), terminated=by_seed(played.terminated), level=by_seed(now.level))
        paid = now.paid + played.reward
        counted = torch.stack([ended, paid * ended, played.success & ended, played.fell & ended, length * ended])
        return self._going_on(
            now._replace(
                copies=played.copies,
                carry={"last_action": one_hot_actions(actions.flatten(), game.spec.n_actions)} | output.carry,
                clock=now.clock + 1,
                paid=paid * ~ended,
                totals=now.totals + by_seed(counted).sum(-1).movedim(0, -1),
            ),
            ended,
        )

    def _going_on(self, now: Now, ended: Tensor) -> Now:
        """Begin the next episode where one has ended, bool ``[env]``."""
        episode = now.episode + ended
        begun = self._game.begin(episode_seeds(self._keys["train"], self._copy, episode))
        ended_rows = ended.repeat_interleave(len(self._agents)).unsqueeze(-1)  # [env * agent, 1]
        return now._replace(
            copies={
                name: torch.where(ended.reshape(-1, *(1,) * (value.ndim - 1)), begun[name], value)
                for name, value in now.copies.items()
            },
            carry={name: value.masked_fill(ended_rows, 0.0) for name, value in now.carry.items()},
            episode=episode,
            level=torch.where(ended, self._levels(episode), now.level),
        )

    def _levels(self, episode: Tensor) -> Tensor:
        """Return the risk levels of episodes int64 ``[env]``: float32 ``[env]``."""
        if not self._level_draws:
            return torch.zeros(episode.shape, device=episode.device)
        draws = stream_keys(self._keys["risk_level"], self._copy, episode)
        return risk_levels(draws, self._level_draws)

    def state_tensors(self) -> dict[str, Tensor]:
        """Return what a resumed run needs besides the episodes that have ended."""
        return self.now.tensors() | {"unfinished": self._replay.unfinished(self.now.copies["elapsed"])}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a recorded state.

        Args:
            tensors: From `state_tensors`.

        Raises:
            CheckpointError: They are those of other copies, or of another game.
        """
        if differing := misfits(self.state_tensors(), tensors):
            raise CheckpointError(f"the copies in play belong to another run: {differing[0]}")
        for name, place in self.now.tensors().items():
            place.copy_(tensors[name])
        self._replay.take_up(tensors["unfinished"])


def _observed(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {OBSERVED + name: value for name, value in kept.items()}
