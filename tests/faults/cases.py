"""What a case of the corpus is, and the words in which its outcome is counted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.faults.sandbox import Bait

ENVIRONMENT = "macn:4x7?slip=0.1&include_position=true"
TRAIN = "train", "--algo", "rmix", "--env", ENVIRONMENT, "--seed", "3", "--num-envs", "4", "--device", "cpu"
STEPS = 600
SETTINGS = ("training.checkpoint_interval=200", "training.evaluation_episodes=8", "training.evaluation_interval=200")

REFUSED, SAME, READ = "refused", "same", "read"
"""One clear line; what it does without the fault; taken as what it says, which is right."""
GOOD = REFUSED, SAME, READ
FAULTS = "silent", "outside", "hang", "traceback", "unexpected", "died"
SECONDS = 10.0
_ADMITS_A_BUG = re.compile(r"unexpected [A-Za-z]+(Error|Exception|Warning|File)?:")


class SilentAcceptanceError(Exception):
    """Something that is not what was written was taken for it."""


class AdmittedBugError(Exception):
    """The program said "unexpected"."""


class Case(NamedTuple):
    """One case: the current directory is its home, and empty.

    Attributes:
        base: Material that every case copies from and none changes.
        home: Where it works.
        bait: What nothing may touch.
        rng: All that is random in it.
    """

    base: Path
    home: Path
    bait: Bait
    rng: random.Random


class Family(NamedTuple):
    """Cases of one kind.

    Attributes:
        attempt: Makes a case, and gives one of `GOOD` with what was answered.
        share: Of all cases, in ten thousandths.
    """

    attempt: Callable[[Case], tuple[str, str]]
    share: int


class Answer(NamedTuple):
    """What a command said."""

    code: int
    text: str


def command(words: Sequence[str]) -> Answer:
    """Run `rmix-kit` in this process.

    Raises:
        AdmittedBugError: It said "unexpected", or showed a traceback.
        Exception: Whatever it let out.
    """
    from click.testing import CliRunner

    from rmix_kit.cli.main import main

    result = CliRunner().invoke(main, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if _ADMITS_A_BUG.search(result.output) or "Traceback (most recent" in result.output:
        raise AdmittedBugError(result.output[-400:])
    if result.exit_code not in (0, 1, 2):
        raise AdmittedBugError(f"exit code {result.exit_code}: {result.output[-400:]}")
    return Answer(result.exit_code, result.output)


def refusal(answer: Answer) -> str:
    """Give the one line of a refusal.

    Raises:
        AdmittedBugError: It is none, or more than one.
    """
    errors = [line for line in answer.text.splitlines() if line.startswith("Error: ")]
    if len(errors) != 1 or len(errors[0]) < 20:
        raise AdmittedBugError(f"no one line: {answer.text[-400:]!r}")
    return errors[0]


def own_errors() -> tuple[type[Exception], ...]:
    """Give the errors whose text is written for the user."""
    from exporters.errors import ExportError
    from macn.errors import MACNError
    from rmix_kit.errors import RmixKitError

    return RmixKitError, ExportError, MACNError
