"""What runs in the process of one isolated agent (`rmix_kit.playing.isolation` starts it).

It reads messages from standard input and answers on standard output (`rmix_kit.messages`) until the input ends. All
that it is ever told is its own observations, its own masks and the risk level.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from exporters.agent import Agent
from exporters.errors import ExportError
from rmix_kit.errors import RmixKitError
from rmix_kit.messages import Array, WireError, decode, encode
from rmix_kit.playing.team import levels_of, load_agent


def main(arguments: list[str]) -> int:
    """Serve one agent until the input ends.

    Args:
        arguments: The file, its format and who acts by it.

    Returns:
        The exit code.
    """
    path, format_name, agent_id = arguments
    # What libraries print must not end up between messages: from here on file descriptor 1 is standard error.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            agent = load_agent(Path(path), format_name, agent_id)
        except (ExportError, RmixKitError) as error:
            _answer(answers, {"error": str(error)})
            return 1
        _answer(answers, {"spec": agent.spec.to_json(), "torch": "torch" in sys.modules})
        return _serve(agent, sys.stdin.buffer, answers)


def _serve(agent: Agent, requests: BinaryIO, answers: BinaryIO) -> int:
    """Answer every request; 0 when the input ends between two messages."""

    def read(size: int) -> bytes:
        data = requests.read(size)
        if len(data) != size:
            raise EOFError
        return data

    while True:
        try:
            fields, arrays = decode(read)
        except EOFError:
            return 0
        except WireError as error:
            _answer(answers, {"error": str(error)})
            return 1
        if fields.get("do") == "reset":
            agent.reset()
            _answer(answers, {})
            continue
        try:
            result = agent.act_batch(arrays["obs"], arrays["avail_actions"], float(fields["risk_level"]))
        except ExportError as error:
            _answer(answers, {"error": str(error)})
            continue
        _answer(answers, {}, {"action": result.action, "risk_level": levels_of(result)})


def _answer(answers: BinaryIO, fields: Mapping[str, object], arrays: Mapping[str, Array] | None = None) -> None:
    answers.write(encode(fields, arrays))
    answers.flush()
