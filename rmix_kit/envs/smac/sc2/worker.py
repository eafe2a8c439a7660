"""The process in which the game's own Python packages live; another interpreter may run this file as a script.

It reads requests from standard input and answers on standard output, in the messages of ``rmix_kit/messages.py``, until
the input ends. It needs Python 3.8, NumPy and smac or smacv2. It must not import rmix_kit, which the other interpreter
lacks. Whatever ends this process or its parent ends the game too.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

if TYPE_CHECKING:
    from rmix_kit import messages
else:
    _spec = importlib.util.spec_from_file_location(
        "rmix_kit_messages", Path(__file__).resolve().parents[3] / "messages.py"
    )
    messages = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(messages)

_SET_PARENT_DEATH_SIGNAL = 1  # Linux: PR_SET_PDEATHSIG
# Errors that another attempt cannot mend: something is missing or named wrongly.
_FINAL = (ImportError, FileNotFoundError, PermissionError, AttributeError, KeyError, TypeError, ValueError)
_FINAL_NAMES = ("SC2LaunchError",)


class Game(Protocol):
    """What is served."""

    def describe(self) -> dict[str, Any]:
        """Return sizes and versions without starting the game."""
        ...

    def launch(self, seed: int) -> dict[str, Any]:
        """Start the game and its first episode; give the reward's scale and the game's version."""
        ...

    def reset(self) -> dict[str, Any]:
        """Start an episode in the running game."""
        ...

    def step(self, actions: list[int]) -> dict[str, Any]:
        """Take one step; give reward, terminated and info."""
        ...

    def arrays(self) -> dict[str, Any]:
        """Return obs ``[agent, obs]``, state ``[state]`` and avail_actions ``[agent, action]``."""
        ...

    def save_replay(self) -> dict[str, Any]:
        """Write the game's replay."""
        ...

    def close(self) -> dict[str, Any]:
        """End the game."""
        ...


class SmacGame:
    """smac's or smacv2's environment, unmodified."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Name the game.

        Args:
            settings: "package" and the "arguments" of its environment.
        """
        self._package, self._arguments = settings["package"], settings["arguments"]
        self._env: Any = None
        self._launches = 0

    def describe(self) -> dict[str, Any]:
        """Return sizes and versions; the environment of this moment never starts a game."""
        info = self._made(None).get_env_info()
        names = ("n_agents", "n_actions", "obs_shape", "state_shape", "episode_limit")
        return {
            "sizes": {name: int(info[name]) for name in names},
            "versions": {name: _version(name) for name in (self._package, "pysc2")},
        }

    def launch(self, seed: int) -> dict[str, Any]:
        """Start the game and its first episode."""
        self._env = self._made(seed)
        core = getattr(self._env, "env", self._env)  # smacv2 wraps
        start = core._launch

        def start_once() -> None:
            # smac starts a dead game again by itself, and then counts rewards on another scale or observes units of
            # the game before. This process plays with one game alone; the supervisor starts the next.
            self._launches += 1
            if self._launches > 1:
                raise RuntimeError("the game ended, and smac tried to start it again")
            start()

        core._launch = start_once
        self._env.reset()
        return {
            "max_reward": float(core.max_reward),
            "game_version": str(core._controller.ping().game_version),
        }

    def reset(self) -> dict[str, Any]:
        """Start an episode."""
        self._env.reset()
        return {}

    def step(self, actions: list[int]) -> dict[str, Any]:
        """Take one step."""
        reward, terminated, info = self._env.step(actions)
        plain = {str(key): getattr(value, "item", lambda value=value: value)() for key, value in info.items()}
        return {"reward": float(reward), "terminated": bool(terminated), "info": plain}

    def arrays(self) -> dict[str, Any]:
        """Return what the agents and the critic see."""
        return {
            "obs": np.asarray(self._env.get_obs(), dtype=np.float32),
            "state": np.asarray(self._env.get_state(), dtype=np.float32),
            "avail_actions": np.asarray(self._env.get_avail_actions(), dtype=np.bool_),
        }

    def save_replay(self) -> dict[str, Any]:
        """Write the replay of everything that was played since the game began."""
        self._env.save_replay()
        return {}

    def close(self) -> dict[str, Any]:
        """Let the game quit."""
        if self._env is not None:
            self._env.close()
        return {}

    def _made(self, seed: int | None) -> Any:  # noqa: ANN401 - a class of a package that is not here
        name = "StarCraftCapabilityEnvWrapper" if self._package == "smacv2" else "StarCraft2Env"
        try:
            environment = getattr(importlib.import_module(self._package + ".env"), name)
        except ModuleNotFoundError as error:
            if error.name == "smac.env":
                raise ImportError(
                    "the package smac that is installed is another project (SMAC3); install oxwhirl/smac"
                ) from error
            raise
        try:
            return environment(seed=seed, **self._arguments)
        except KeyError as error:
            maps = importlib.import_module(self._package + ".env.starcraft2.maps.smac_maps").get_smac_map_registry()
            if self._arguments["map_name"] in maps:
                raise
            raise UnknownMapError(sorted(maps)) from error


class UnknownMapError(ValueError):
    """There is no such map."""

    def __init__(self, known: list[str]) -> None:
        """List the maps that there are."""
        super().__init__("unknown map")
        self.known = known


def main(arguments: list[str], make_game: Callable[[dict[str, Any]], Game] = SmacGame) -> int:
    """Serve one game until the input ends.

    Args:
        arguments: JSON: "package" and "arguments", and "parent", the number of the supervising process.
        make_game: Makes what is served.

    Returns:
        The exit code.
    """
    settings = json.loads(arguments[0])
    # What libraries and the game print, and what the game reads, must not mix with the messages.
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    bind_to_parent(int(settings["parent"]), requests.fileno())
    bind_children()
    return serve(make_game(settings), requests, answers)


def serve(game: Game, requests: Any, answers: BinaryIO) -> int:  # noqa: ANN401 - a raw file
    """Answer every request; 0 when the input ends or the game was closed."""

    def read(size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = requests.read(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    while True:
        try:
            fields, arrays = messages.decode(read)
        except EOFError:
            return 0
        try:
            message = _answer(game, fields, arrays)
        except Exception as error:  # noqa: BLE001 - whatever the game raises is the supervisor's to judge
            traceback.print_exc()
            is_final = isinstance(error, _FINAL) or type(error).__name__ in _FINAL_NAMES
            known = getattr(error, "known", [])
            message = messages.encode(
                {"error": f"{type(error).__name__}: {error}", "is_final": is_final, "known": known}
            )
        answers.write(message)
        answers.flush()
        if fields.get("do") == "close":
            return 0


def _answer(game: Game, fields: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    request = fields.get("do")
    if request == "launch":
        answer = game.launch(int(fields["seed"]))
    elif request == "reset":
        answer = game.reset()
    elif request == "step":
        answer = game.step([int(action) for action in arrays["actions"]])
    elif request in ("describe", "save_replay", "close"):
        return messages.encode(getattr(game, request)())
    else:
        raise ValueError(f"unknown request {request!r}")
    return messages.encode(answer, game.arrays())


def bind_to_parent(parent: int, requests: int) -> None:
    """End this process's group, the game in it, when the parent is gone, whatever ended it.

    Two nets: the kernel's signal, and the end of the pipe for systems without it. The kernel's comes also when only the
    parent's thread has ended that started this process, and then means nothing.

    Args:
        parent: Number of the parent process.
        requests: Descriptor of the pipe that the parent holds open.
    """
    if os.getpgrp() != os.getpid():
        os.setpgrp()

    def end(*_: object) -> None:
        os.killpg(0, signal.SIGKILL)

    def end_if_alone(*_: object) -> None:
        if os.getppid() != parent:
            end()

    def watch() -> None:
        hang_up = select.poll()
        hang_up.register(requests, 0)  # nothing but the hang-up, which is always reported
        hang_up.poll()
        end()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGUSR1, end_if_alone)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGUSR1), 0, 0, 0)
    end_if_alone()  # it may have gone before this line
    threading.Thread(target=watch, daemon=True).start()


def bind_children() -> None:
    """Let the kernel kill every process that is started from here on as soon as this one is gone."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)

    def die_with_parent() -> None:
        library.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)

    class BoundProcess(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - whatever Popen takes
            options.setdefault("preexec_fn", die_with_parent)
            super().__init__(*args, **options)

    subprocess.Popen = BoundProcess  # type: ignore[misc]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: its files are not to stand in a library's place
    sys.exit(main(sys.argv[1:]))
