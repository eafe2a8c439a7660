"""The only owner of weights, target copies and optimisers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import Algorithm, Networks
from rmix_kit.errors import CheckpointError, NonFiniteError
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.replay import EpisodeBlock
from rmix_kit.seeding import torch_seed
from rmix_kit.training.forms import misfits
from rmix_kit.training.input_statistics import InputStatistics
from rmix_kit.training.optimizers import load_moments, make_optimizer, moments_of
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, NonNegativeInt, Progress, UnitFloat

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """How the target networks follow the online ones.

    Attributes:
        interval_episodes: Copy every so many episodes (200 in PyMARL); 0 turns copies off.
        interval_steps: Copy every so many steps of the first optimiser (COMA's and DOP's critic); 0 turns it off.
        rate: Share by which the target moves towards the online weights at every update, in [0, 1]; 0 turns it off.
    """

    interval_episodes: NonNegativeInt = 200
    interval_steps: NonNegativeInt = 0
    rate: UnitFloat = 0.0


class Learner:
    """Steps an algorithm's networks on batches of episodes."""

    def __init__(
        self,
        algorithm: Algorithm[Any],
        spec: EnvSpec,
        target: TargetSettings,
        *,
        seed: int,
        device: torch.device,
        codec: StepCodec | None = None,
    ) -> None:
        """Build the networks on the CPU from the seed, so that every device starts from the same weights."""
        self.algorithm, self.spec, self.device = algorithm, spec, device
        self.statistics = InputStatistics(spec, codec)
        self._target_settings = target
        self._last_copy_episodes = 0
        self._steps_since_copy = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed))
            self.online: Networks[AgentNetwork] = algorithm.networks(spec)
            self.target: Networks[AgentNetwork] = algorithm.networks(spec)
        self.online.to(device)
        self.target.to(device).requires_grad_(False)
        self.target.load_state_dict(self.online.state_dict())
        self._settings = algorithm.optimizers()
        self._named = {group: algorithm.parameters_of(group, self.online) for group in self._settings}
        self._parameters = {group: list(parameters.values()) for group, parameters in self._named.items()}
        self._optimizers = {
            group: make_optimizer(self._named[group], settings) for group, settings in self._settings.items()
        }

    def observe(self, block: EpisodeBlock) -> None:
        """Code inputs from now on by the statistics of these episodes too, where bounds say nothing of them."""
        if self.statistics.is_needed:
            self.statistics.add(block)
            self.statistics.write_into(self.online, self.target)

    def update(
        self, batch: EpisodeBatch, progress: Progress, *, learning_rate_factor: float = 1.0
    ) -> dict[str, Tensor]:
        """Make one update, phase by phase: losses, all gradients, one finiteness check, then the steps.

        Args:
            learning_rate_factor: Factor on every group's learning rate.

        Returns:
            Detached scalars on the training device; where several phases give the same one, the last one's.

        Raises:
            NonFiniteError: A loss or gradient is NaN or infinite; its phase has changed no weight.
        """
        metrics: dict[str, Tensor] = {}
        batch = self.online.coded(batch)
        stepped = 0
        for losses in self.algorithm.phases(self.online, self.target, batch, progress):
            gradients, norms = self.gradients(losses)
            self.guard(losses, norms)
            self.step(gradients, self.kept_shares(norms), learning_rate_factor)
            stepped += self.counts(losses.groups)
            metrics |= losses.metrics | {f"gradient_norm_{group}": norm for group, norm in norms.items()}
        self.follow(progress, stepped)
        return metrics

    def gradients(self, losses: Losses) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
        """Differentiate every due group before anything is stepped.

        Returns:
            Gradients by group in parameter order, and their global norms.
        """
        gradients: dict[str, list[Tensor | None]] = {}
        norms: dict[str, Tensor] = {}
        remaining = len(losses.groups)
        for group, loss in losses.groups.items():
            remaining -= 1
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                loss, self._parameters[group], allow_unused=True, retain_graph=remaining > 0
            )
            gradients[group] = list(found)
            norms[group] = nn.utils.get_total_norm([g for g in found if g is not None])
        return gradients, norms

    def guard(self, losses: Losses, norms: dict[str, Tensor]) -> None:
        """Stop before the step if a loss or gradient is not finite: the one value read back from the device."""
        values = torch.stack([*losses.groups.values(), *norms.values()]).detach()
        if not torch.isfinite(values).all().item():
            names = [*(f"loss {g}" for g in losses.groups), *(f"gradient of {g}" for g in norms)]
            bad = ", ".join(f"{n} is {v}" for n, v in zip(names, values.tolist(), strict=True) if not _is_finite(v))
            raise NonFiniteError(
                f"{bad}; no weight was changed. Lower the learning rate or reward_scale, or resume from a checkpoint"
            )

    def kept_shares(self, norms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what clipping leaves of gradients, by group ``[...]``, in (0, 1].

        Args:
            norms: Global norms by group ``[...]``.
        """
        return {
            group: (self._settings[group].grad_clip / (norm + 1e-6)).clamp(max=1.0) for group, norm in norms.items()
        }

    def step(
        self,
        gradients: dict[str, list[Tensor | None]],
        shares: Mapping[str, Tensor],
        learning_rate_factor: float | Tensor,
        found_inf: Tensor | None = None,
    ) -> None:
        """Clip and step each group in the order in which the algorithm names them.

        Args:
            gradients: By group in parameter order, of all groups that are due.
            shares: What clipping leaves of them (`kept_shares`).
            learning_rate_factor: Factor on every group's learning rate; a float32 scalar of the device likewise.
            found_inf: float32 scalar of the device: 1 leaves every weight as it is.
        """
        for group, optimizer in self._optimizers.items():
            if group not in gradients:
                continue
            found = zip(self._named[group], gradients[group], strict=True)
            reached = {name: gradient for name, gradient in found if gradient is not None}
            clipped = torch._foreach_mul(list(reached.values()), shares[group])
            learning_rate = self._settings[group].learning_rate * learning_rate_factor
            optimizer.step(dict(zip(reached, clipped, strict=True)), learning_rate, found_inf)

    def counts(self, groups: Iterable[str]) -> bool:
        """Return whether a step of these groups counts in `TargetSettings.interval_steps`."""
        return next(iter(self._settings)) in groups

    @property
    def last_copy_episodes(self) -> int:
        """Finished episodes when the target networks were copied last."""
        return self._last_copy_episodes

    @property
    def steps_since_copy(self) -> int:
        """Steps of the first optimiser since the target networks were copied last."""
        return self._steps_since_copy

    @property
    def stepped_parameters(self) -> dict[str, int]:
        """How many parameters of each optimiser have moments."""
        return {group: len(optimizer.stepped) for group, optimizer in self._optimizers.items()}

    def state_tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return all that a resumed run needs, by file: "online", "target", "optimizers" and "statistics".

        Returns:
            Tensors by name; those of the optimisers are called ``GROUP/PARAMETER/ENTRY``. They are the learner's own.
        """
        networks = {"online": self.online.state_dict(), "target": self.target.state_dict()}
        moments = moments_of(self._optimizers)
        return networks | {"optimizers": moments, "statistics": self.statistics.tensors()}

    def load_state(
        self,
        tensors: Mapping[str, Mapping[str, Tensor]],
        *,
        last_copy_episodes: int,
        steps_since_copy: int,
        stepped_parameters: Mapping[str, int] | None = None,
    ) -> None:
        """Go back to a recorded state.

        Args:
            tensors: From `state_tensors`.
            last_copy_episodes: From `last_copy_episodes`.
            steps_since_copy: From `steps_since_copy`.
            stepped_parameters: From `stepped_parameters`; None where it was not recorded.

        Raises:
            CheckpointError: The tensors belong to other networks or optimisers.
        """
        load_networks(self.online, tensors["online"])
        load_networks(self.target, tensors["target"])
        self.statistics.load(tensors["statistics"])
        load_moments(self._optimizers, tensors["optimizers"], stepped_parameters)
        self._last_copy_episodes = last_copy_episodes
        self._steps_since_copy = steps_since_copy

    def begin_with(self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor]) -> None:
        """Begin with recorded weights in place of drawn ones; nothing else of what was recorded is taken over.

        Args:
            weights: "online" of `state_tensors`, for the online and the target networks.
            statistics: "statistics" of it.

        Raises:
            CheckpointError: They belong to other networks.
        """
        for networks in (self.online, self.target):
            load_networks(networks, weights)
        self.statistics.load(statistics)

    def follow(self, progress: Progress, stepped: int) -> None:
        """Let the target networks follow after an update.

        Args:
            stepped: Steps of the update that `counts`.
        """
        settings = self._target_settings
        self._steps_since_copy += stepped
        if settings.rate > 0:
            with torch.no_grad():
                online: list[Tensor] = list(self.online.parameters())
                target: list[Tensor] = list(self.target.parameters())
                torch._foreach_lerp_(target, online, settings.rate)
        episodes = progress.episodes - self._last_copy_episodes
        is_due = 0 < settings.interval_episodes <= episodes or 0 < settings.interval_steps <= self._steps_since_copy
        if is_due:
            self.target.load_state_dict(self.online.state_dict())
            self._last_copy_episodes = progress.episodes
            self._steps_since_copy = 0


def load_networks(networks: Networks[AgentNetwork], tensors: Mapping[str, Tensor]) -> None:
    """Copy recorded weights into networks.

    Args:
        networks: Changed in place.
        tensors: Their ``state_dict``.

    Raises:
        CheckpointError: The record is that of other networks.
    """
    own = networks.state_dict()
    if differing := misfits(own, tensors):
        raise CheckpointError(
            f"the weights belong to other networks: {differing[0]} ({len(differing)} of {len(own)} tensors differ)"
        )
    networks.load_state_dict(dict(tensors))


def _is_finite(value: float) -> bool:
    return value - value == 0
