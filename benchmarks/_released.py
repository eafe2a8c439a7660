"""What the released RMIX code needs to run beside ours: its modules from a folder, what they lack put in place.

The folder is a checkout of https://github.com/YetAnotherPolicy/RMIX (commit dbc8f0a); nothing in it is changed. Its
``src`` cannot start by itself: it imports StarCraft, asks every environment for StarCraft's units, and knows six maps.
"""

from __future__ import annotations

import importlib
import logging
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from rmix_kit.envs.make import make_vector_env
from rmix_kit.types import EpisodeBatch, TimeStep


class OneCopy:
    """One environment of ours with the methods that the released runner calls."""

    def __init__(self, env: str) -> None:
        self._envs = make_vector_env(env, 1)
        spec = self._envs.spec
        self._low, high = (np.array(bound, dtype=np.float32) for bound in (spec.obs_low, spec.obs_high))
        self._width = np.maximum(high - self._low, 1.0)
        self.episode_limit, self._episodes = spec.episode_limit, 0
        self._step: TimeStep | None = None

    def reset(self) -> None:
        """Start an episode."""
        self._step = self._envs.reset([self._episodes])
        self._episodes += 1

    @property
    def now(self) -> TimeStep:
        """The step just made."""
        assert self._step is not None
        return self._step

    def step(self, actions: torch.Tensor | np.ndarray) -> tuple[float, bool, dict[str, bool]]:
        """Advance by one joint action."""
        self._step = self._envs.step(np.asarray(actions, dtype=np.int64).reshape(1, -1))
        terminated, truncated = bool(self.now.terminated[0]), bool(self.now.truncated[0])
        return float(self.now.reward[0]), terminated or truncated, {"episode_limit": truncated and not terminated}

    def get_obs(self) -> list[np.ndarray]:
        """Observations scaled to [0, 1], as this code has no coding of its own."""
        flat = self.now.obs[0].reshape(self.now.obs.shape[1], -1).astype(np.float32)
        return list((flat - self._low) / self._width)

    def get_state(self) -> np.ndarray:
        """Return the global state."""
        return self.now.state[0]

    def get_avail_actions(self) -> list[list[int]]:
        """Return the masks of all agents."""
        masks: list[list[int]] = self.now.avail_actions[0].astype(int).tolist()
        return masks

    def get_env_info(self) -> dict[str, int]:
        """Sizes."""
        spec = self._envs.spec
        sizes = {"state_shape": spec.state_size, "obs_shape": len(spec.obs_low), "episode_limit": spec.episode_limit}
        return sizes | {"n_actions": spec.n_actions, "n_agents": spec.n_agents}


class Released:
    """The released learner, controller, replay and runner around one environment of ours."""

    def __init__(self, folder: Path, env: str, **overrides: object) -> None:
        """Import and build.

        Args:
            folder: The checkout.
            env: An environment text of ours.
            overrides: Settings in place of those of the release.
        """
        _provide_missing(folder)
        import_module = importlib.import_module
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002 - the only stream that its replay draws from
        self.args = SimpleNamespace(**_settings(folder))
        vars(self.args).update({"device": "cpu", "env": "ours", "env_args": {"env": env}, **overrides})
        self.logger = SimpleNamespace(log_stat=lambda *_: None, console_logger=logging.getLogger("released"))
        import_module("envs").REGISTRY["ours"] = OneCopy
        runners, buffers = import_module("runners.episode_runner"), import_module("components.episode_buffer")
        runners.get_num_teammates_in_each_obs = lambda env: {}  # asks StarCraft for units; its result is never used
        self.runner = runners.EpisodeRunner(self.args, self.logger)
        sizes = self.runner.get_env_info()
        for name in ("n_agents", "n_actions", "state_shape"):
            setattr(self.args, name, sizes[name])
        scheme, groups = _scheme(sizes), {"agents": sizes["n_agents"]}
        coded = [import_module("components.transforms").OneHot(out_dim=sizes["n_actions"])]
        preprocess = {"actions": ("actions_onehot", coded)}
        steps = sizes["episode_limit"] + 1
        capacity = self.args.buffer_size
        self.buffer = buffers.ReplayBuffer(scheme, groups, capacity, steps, preprocess=preprocess, device="cpu")
        self.new_batch: Callable[..., Any] = lambda size: buffers.EpisodeBatch(
            scheme, groups, size, steps, preprocess=preprocess, device="cpu"
        )
        mac = import_module("controllers").REGISTRY[self.args.mac](self.buffer.scheme, groups, self.args)
        self.runner.setup(scheme=scheme, groups=groups, preprocess=preprocess, mac=mac)
        learner = import_module("learners").REGISTRY[self.args.learner]
        self.learner = learner(mac, self.buffer.scheme, self.logger, self.args)
        self.episodes = 0

    def episode(self) -> int:
        """Play one episode, store it, make the update that is then due; give its steps."""
        before = self.runner.t_env
        self.buffer.insert_episode_batch(self.runner.run(test_mode=False))
        if self.buffer.can_sample(self.args.batch_size):
            sample = self.buffer.sample(self.args.batch_size)
            self.learner.train(sample[:, : sample.max_t_filled()], self.runner.t_env, self.episodes)
        self.episodes += 1
        return int(self.runner.t_env - before)

    def batch(self, ours: EpisodeBatch, inputs: torch.Tensor) -> object:
        """Return a batch of ours in this code's form, with observations already coded."""
        size, steps = ours.actions.shape[:2]
        batch = self.new_batch(size)
        last = torch.zeros(size, 1, dtype=torch.bool)
        batch.update(
            {
                "obs": inputs.numpy(),
                "state": ours.state.numpy(),
                "avail_actions": ours.avail_actions.int().numpy(),
                "actions": torch.nn.functional.pad(ours.actions, (0, 0, 0, 1)).unsqueeze(-1).numpy(),
                "reward": torch.nn.functional.pad(ours.reward, (0, 1)).unsqueeze(-1).numpy(),
                "terminated": torch.cat([ours.terminated, last], 1).unsqueeze(-1).to(torch.uint8).numpy(),
            },
            ts=slice(0, steps + 1),
        )
        return batch


def _settings(folder: Path) -> dict[str, object]:
    import yaml

    settings: dict[str, object] = {}
    for name in ("default", "algs/rmix"):
        settings |= yaml.safe_load((folder / "src" / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    return settings | {"use_cuda": False, "use_tensorboard": False, "save_model": False}


def _scheme(sizes: dict[str, int]) -> dict[str, dict[str, object]]:
    return {
        "state": {"vshape": sizes["state_shape"]},
        "obs": {"vshape": sizes["obs_shape"], "group": "agents"},
        "actions": {"vshape": (1,), "group": "agents", "dtype": torch.long},
        "avail_actions": {"vshape": (sizes["n_actions"],), "group": "agents", "dtype": torch.int},
        "reward": {"vshape": (1,)},
        "terminated": {"vshape": (1,), "dtype": torch.uint8},
    }


def _provide_missing(folder: Path) -> None:
    """Stand in for StarCraft, and put the folder on the path."""
    source = folder / "src"
    if not (source / "learners" / "rmix_learner.py").is_file():
        raise SystemExit(f"{folder} holds no src/learners/rmix_learner.py; it must be a checkout of the released code")
    starcraft = types.ModuleType("smac.env")
    vars(starcraft).update(MultiAgentEnv=object, StarCraft2Env=object)
    sys.modules |= {"smac": types.ModuleType("smac"), "smac.env": starcraft}
    if str(source) not in sys.path:
        sys.path.insert(0, str(source))
    for message in ("Using a non-tuple sequence", "Creating a tensor from a list", "To copy construct from a tensor"):
        warnings.filterwarnings("ignore", message=message)  # its replay's ways, warned of at every call
