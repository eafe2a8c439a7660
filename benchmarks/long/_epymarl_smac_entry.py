"""Start a checkout of EPyMARL in the interpreter of its own environment, our simulator in place of SMAC's game.

    PYTHON _epymarl_smac_entry.py CHECKOUT ARGUMENTS...

The checkout is not changed. Its `smac_wrapper.py` imports `smac.env.StarCraft2Env`; it is given the class below, which
has SMAC's interface and plays one battle of `rmix_kit.envs.smac.builtin`. `smaclite`, which EPyMARL imports whether or
not it plays it, is an empty module.
"""

from __future__ import annotations

import runpy
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmix_kit.envs.smac.builtin import BuiltinVector


class StarCraft2Env:
    """One battle with the interface of SMAC's environment."""

    def __init__(self, map_name: str, seed: int, difficulty: str, **_: object) -> None:
        """Set up a battle; what else SMAC can be told stays as SMAC has it by default."""
        self._envs = BuiltinVector(map_name, 1, difficulty=difficulty)
        self._seed = seed or 0
        spec = self._envs.spec
        self.episode_limit, self.n_agents, self.n_actions = spec.episode_limit, spec.n_agents, spec.n_actions
        self._obs_size, self._state_size = int(np.prod(spec.obs_shape)), spec.state_size
        self.reset()

    def reset(self) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        """Begin the next battle."""
        self._seed += 1
        self._now = self._envs.reset([self._seed])
        return self.get_obs(), self.get_state()

    def step(self, actions: Any) -> tuple[float, bool, dict[str, bool]]:  # noqa: ANN401 - whatever EPyMARL selects with
        """Play one step."""
        joint = np.asarray([int(action) for action in actions], dtype=np.int64)[None]
        self._now = now = self._envs.step(joint)
        truncated = bool(now.truncated[0])
        info = {"battle_won": bool(now.success[0])} | ({"episode_limit": True} if truncated else {})
        return float(now.reward[0]), truncated or bool(now.terminated[0]), info

    def get_obs(self) -> list[NDArray[Any]]:
        """Return every agent's observation."""
        return list(self._now.obs[0])

    def get_state(self) -> NDArray[Any]:
        """Return the global state."""
        state: NDArray[Any] = self._now.state[0]
        return state

    def get_avail_actions(self) -> list[list[int]]:
        """Return every agent's mask."""
        masks: list[list[int]] = self._now.avail_actions[0].astype(int).tolist()
        return masks

    def get_env_info(self) -> dict[str, int]:
        """Return the sizes."""
        return {
            "state_shape": self._state_size,
            "obs_shape": self._obs_size,
            "n_actions": self.n_actions,
            "n_agents": self.n_agents,
            "episode_limit": self.episode_limit,
        }

    def get_stats(self) -> dict[str, float]:
        """Return nothing of the game's."""
        return {}

    def close(self) -> None:
        """Release the battle."""
        self._envs.close()


def main() -> None:
    """Make the names known, then be EPyMARL's `main.py`."""
    checkout, *arguments = sys.argv[1:]
    program = Path(checkout).resolve() / "src" / "main.py"
    sys.path.insert(0, str(program.parent))
    smac, env = types.ModuleType("smac"), types.ModuleType("smac.env")
    vars(env)["StarCraft2Env"] = StarCraft2Env
    sys.modules |= {"smac": smac, "smac.env": env, "smaclite": types.ModuleType("smaclite")}
    sys.argv = [str(program), *arguments]
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
