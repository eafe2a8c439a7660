"""Messages of a game's process: wrong bytes, headers and values where the trainer's side waits for a reply."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import struct
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np

from rmix_kit.envs.smac.sc2 import supervisor
from rmix_kit.envs.smac.sc2.process import Worker
from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.envs.smac.sc2.vector import SC2Vector
from rmix_kit.errors import StarCraftError
from rmix_kit.messages import WireError, decode, encode
from rmix_kit.types import TimeStep
from tests.faults.cases import READ, REFUSED, Case, SilentAcceptanceError
from tests.faults.mutate import NASTY, damaged, with_another_value

N_AGENTS, N_ACTIONS, OBS, STATE, STEPS = 2, 8, 5, 4, 3
SIZES = {"n_agents": N_AGENTS, "n_actions": N_ACTIONS, "obs_shape": OBS, "state_shape": STATE, "episode_limit": 12}
FIELDS: dict[str, dict[str, Any]] = {
    "describe": {"sizes": SIZES, "versions": {"smac": "1.0.0"}},
    "launch": {"max_reward": 365.0, "game_version": "4.10"},
    "reset": {},
    "step": {
        "reward": 1.5,
        "terminated": False,
        "info": {"battle_won": False, "dead_allies": 0, "dead_enemies": 1, "episode_limit": False},
    },
    "close": {},
}
NUMBERS: tuple[Any, ...] = (
    10**400,
    10**30,
    10**9,
    2**63,
    1e39,
    -1e39,
    1e300,
    float("nan"),
    float("inf"),
    True,
    "1",
    [1],
)
SHAPES: tuple[Any, ...] = (
    *([0, 10**30], [0] + [2**31] * 7, [1] * 65, [2**31], [2**16, 2**16], [-1], [-1, 5], [1e999], [2.0, 5.0], [True, 5]),
    *([], None, "25", {}, [[2, 5]], [5, 2], [10], [2, 5, 1], [0, 5], [None, None], 10),
)
DTYPES: tuple[Any, ...] = (
    "float64",
    "object",
    "int8",
    "uint8",
    "bool",
    "f4",
    "<f4",
    ">f4",
    "V4",
    "S9",
    "M8[ns]",
    "",
    None,
    4,
)
MOST_BYTES = 60_000  # fits into a pipe that nobody reads yet


def arrays() -> dict[str, Any]:
    """Return what the agents and the critic see."""
    return {
        "obs": np.full((N_AGENTS, OBS), 0.5, np.float32),
        "state": np.ones(STATE, np.float32),
        "avail_actions": np.ones((N_AGENTS, N_ACTIONS), np.bool_),
    }


class ScriptedWorker(Worker):
    """The trainer's end of a worker process whose replies lie in a pipe; there is no process."""

    replies: Callable[[str], bytes]

    def __init__(self, settings: Settings, replay_prefix: str) -> None:
        self._seconds = self._end = 0.0
        self._reply = b""

    @property
    def pid(self) -> int:
        return 1

    @property
    def last_lines(self) -> tuple[str, ...]:
        return ()

    def send(self, request: str, seconds: float, **contents: object) -> None:
        self._reply = type(self).replies(request)[:MOST_BYTES]

    def receive(self) -> Any:
        reading, writing = os.pipe()
        os.write(writing, self._reply)
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as self._output:
            return super().receive()

    def kill(self) -> None:
        pass

    def _ending(self) -> str:
        return "ended"


def messages(case: Case) -> tuple[str, str]:
    """Let one reply be wrong: it costs an episode, or ends all with an error of ours; what is taken is sound."""
    request = case.rng.choice(("describe", "launch", "reset", "step", "step"))
    usual = encode(FIELDS[request], {} if request in ("describe", "close") else arrays())
    bad = wrong(usual, case)
    at_once = decoded(bad)
    is_always, asked = case.rng.random() < 0.3, dict.fromkeys(FIELDS, 0)
    turn = case.rng.randrange(2) if request == "step" else 0

    def reply(what: str) -> bytes:
        asked[what] += 1
        if what == request and (is_always or asked[what] == turn + 1):
            return bad
        return encode(FIELDS[what], {} if what in ("describe", "close") else arrays())

    ScriptedWorker.replies = staticmethod(reply)
    logging.getLogger(supervisor.__name__).setLevel(logging.ERROR)
    with mock.patch.object(supervisor, "Worker", ScriptedWorker):
        try:
            vector = SC2Vector(Settings(map_name="3m", max_restarts=1), 1)
            for _ in range(2):
                step = vector.reset([0])
                check(vector, step)
                for _ in range(STEPS):
                    if step.has_ended.all():
                        break
                    step = vector.step(step.avail_actions.argmax(-1).astype(np.int64))
                    check(vector, step)
            vector.close()
        except StarCraftError as error:
            return REFUSED, str(error)
    if vector.restarts and not at_once:
        return REFUSED, "cost an episode"
    return (REFUSED if vector.restarts else READ), f"{request}: {at_once or 'no message'}"


def check(vector: SC2Vector, step: TimeStep) -> None:
    """Refuse what no trainer can learn from."""
    spec = vector.spec
    for name, value in (("reward", step.reward), ("obs", step.obs), ("state", step.state)):
        if not np.isfinite(value).all():  # type: ignore[arg-type]
            raise SilentAcceptanceError(f"{name} is {value}")
    sizes = (spec.n_agents, spec.n_actions, *spec.obs_shape, spec.state_size, spec.episode_limit)
    if any(type(size) is not int or size < 1 for size in sizes):
        raise SilentAcceptanceError(f"the sizes are {sizes}")
    if step.obs.shape != (1, spec.n_agents, *spec.obs_shape) or step.obs.dtype != np.float32:
        raise SilentAcceptanceError(f"obs is {step.obs.dtype} {step.obs.shape}")
    if step.avail_actions.shape != (1, spec.n_agents, spec.n_actions) or not step.avail_actions.any(-1).all():
        raise SilentAcceptanceError(f"the mask is {step.avail_actions.shape}")
    limit = vector.max_reward
    if limit is not None and not (type(limit) is float and np.isfinite(limit)):
        raise SilentAcceptanceError(f"max_reward is {limit}")


def decoded(message: bytes) -> str:
    """Decode by itself; only its own error and the end of the bytes come out."""
    stream = io.BytesIO(message)

    def read(size: int) -> bytes:
        part = stream.read(min(size, 2**24))
        if len(part) < size:
            raise EOFError
        return part

    try:
        fields, found = decode(read)
    except (WireError, EOFError):
        return ""
    return f"{len(fields)} fields, {len(found)} arrays"


def wrong(message: bytes, case: Case) -> bytes:
    """Return a message that is not what the worker means: by its bytes, its header or its fields."""
    rng = case.rng
    if rng.random() < 0.3:
        return damaged(message, rng)
    (length,) = struct.unpack("<I", message[:4])
    header, contents = json.loads(message[4 : 4 + length]), message[4 + length :]
    match rng.randrange(6):
        case 0 if header["arrays"]:
            entry = rng.choice(header["arrays"])
            place = rng.choice((0, 1, 2, 2))
            entry[place] = copy.deepcopy(rng.choice((("obs", "state", "x", None, ["obs"]), DTYPES, SHAPES)[place]))
        case 1 if header["arrays"]:
            rng.choice(
                (header["arrays"].pop, lambda: header["arrays"].extend(header["arrays"] * rng.choice((1, 40))))
            )()
        case 2:
            known = {"error": rng.choice(NASTY), "is_final": rng.choice((True, 1, "yes")), "known": rng.choice(NASTY)}
            header["fields"] = {**header["fields"], **known}
        case 3 | 4:
            holder = rng.choice(
                [inner for inner in (header["fields"], *header["fields"].values()) if isinstance(inner, dict)]
            )
            if holder:
                holder[rng.choice(list(holder))] = copy.deepcopy(rng.choice((*NUMBERS, *NASTY)))
        case _:
            header = with_another_value(header, rng)
    try:
        text = json.dumps(header)
    except (ValueError, RecursionError):
        text = '{"fields": ' + "[" * 20_000
    return struct.pack("<I", len(text.encode())) + text.encode() + (contents if rng.random() < 0.9 else contents * 2)
