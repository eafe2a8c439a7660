"""Starts StarCraft II once and says on standard output, as JSON, what came of it.

A program of its own, run by smac's interpreter: Python 3.8 or newer with pysc2. Its arguments are the game's program,
the game's folder and a deadline in seconds. It starts the program as pysc2 does.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from typing import IO, Any, Dict  # noqa: UP035 - this file runs on Python 3.8

MAP = "3m"
# Modules of the interpreter that runs this file; rmix-kit itself needs none of them.
FLAGS_MODULE = "absl.flags"
CONNECTION_MODULE = "pysc2.lib.remote_controller"
MESSAGES_MODULE = "s2clientprotocol.sc2api_pb2"


def main(program: str, folder: str, seconds: int) -> Dict[str, Any]:  # noqa: UP006
    """Start, join, end."""
    with tempfile.TemporaryDirectory(prefix="sc-") as scratch, open(os.path.join(scratch, "output"), "w+b") as output:
        port = free_port()
        environment = dict(os.environ)
        libraries = [environment.get("LD_LIBRARY_PATH", ""), os.path.join(folder, "Libs/")]
        environment["LD_LIBRARY_PATH"] = ":".join(entry for entry in libraries if entry)
        command = [
            program, "-listen", "127.0.0.1", "-port", str(port), "-dataDir", os.path.join(folder, ""),
            "-tempDir", os.path.join(scratch, ""),
        ]  # fmt: skip
        try:
            game = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        except OSError as error:
            return {"ok": False, "found": f"{program} cannot be started: {error.strerror}"}
        try:
            # No trial connection: the game speaks with the first one that comes.
            if ended(game, 1.0):
                return last_words(game, output)
            try:
                return join(game, port, folder, seconds)
            except Exception as error:  # noqa: BLE001 - whatever pysc2 or the game throws is the answer
                if ended(game, 1.0):
                    return last_words(game, output)
                return {"ok": False, "found": f"the game runs, but: {type(error).__name__}: {error}"}
        finally:
            game.kill()
            game.wait()


def ended(game: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the game ends within some seconds."""
    try:
        game.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def last_words(game: subprocess.Popen[bytes], output: IO[bytes]) -> Dict[str, Any]:  # noqa: UP006
    """Return how the game ended by itself."""
    output.seek(0)
    words = output.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["it printed nothing"]
    return {"ok": False, "found": f"the game ended at once (exit code {game.returncode}): {words[0]}"}


def free_port() -> int:
    """Find a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Running:
    """A process as pysc2's connection wants to see it."""

    def __init__(self, game: subprocess.Popen[bytes]) -> None:
        self._game = game

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._game.poll() is None


def join(game: subprocess.Popen[bytes], port: int, folder: str, seconds: int) -> Dict[str, Any]:  # noqa: UP006
    """Ask the version and join a battle, by pysc2."""
    importlib.import_module(FLAGS_MODULE).FLAGS(["starter"])
    controllers = importlib.import_module(CONNECTION_MODULE)
    messages = importlib.import_module(MESSAGES_MODULE)
    controller = controllers.RemoteController("127.0.0.1", port, Running(game), timeout_seconds=seconds)
    answer = controller.ping()
    version = f"StarCraft II {answer.game_version} (build {answer.base_build})"
    path = os.path.join("SMAC_Maps", MAP + ".SC2Map")
    with open(os.path.join(folder, "Maps", path), "rb") as file:
        content = file.read()
    create = messages.RequestCreateGame(
        local_map=messages.LocalMap(map_path=path, map_data=content), realtime=False, random_seed=0
    )
    create.player_setup.add(type=messages.Participant)
    create.player_setup.add(type=messages.Computer, race=1, difficulty=messages.VeryEasy)
    controller.create_game(create)
    controller.join_game(messages.RequestJoinGame(race=1, options=messages.InterfaceOptions(raw=True, score=False)))
    units = len(controller.observe().observation.raw_data.units)
    controller.quit()
    return {"ok": True, "found": f"{version} started and joined {MAP} with {units} units"}


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    sys.stdout.write("\n" + json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")
