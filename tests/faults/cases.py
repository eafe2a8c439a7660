"""What a case of the corpus is, and the words in which its outcome is counted."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Sequence
from functools import cache
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
SECONDS = 60.0
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


class Reader(NamedTuple):
    """Something that reads a folder.

    Attributes:
        name: For the account.
        folder: What it reads.
        read: Reads it, and gives all that it shows.
        weight: How often it is tried.
        tells: Words in which it says what it passed over and goes on.
    """

    name: str
    folder: str
    read: Callable[[], Answer]
    weight: int
    tells: tuple[str, ...] = ()


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
    """Return the one line of a refusal.

    Raises:
        AdmittedBugError: It is none, or more than one.
    """
    errors = [line for line in answer.text.splitlines() if line.startswith("Error: ")]
    if len(errors) != 1 or len(errors[0]) < 20:
        raise AdmittedBugError(f"no one line: {answer.text[-400:]!r}")
    return errors[0]


def own_errors() -> tuple[type[Exception], ...]:
    """Return the errors whose text is written for the user."""
    from exporters.errors import ExportError
    from macn.errors import MACNError
    from rmix_kit.errors import RmixKitError

    return RmixKitError, ExportError, MACNError


def judged(case: Case, reader: Reader, what: str, *, may_be_read: bool = False) -> tuple[str, str]:
    """Let a reader read, and compare what it says with what it says of the folder as it was written.

    Args:
        case: The case, with the changed folder in its home.
        reader: Reads it.
        what: Was done, for the account.
        may_be_read: What was changed says something that is as good as what it said before.

    Raises:
        SilentAcceptanceError: It says something else, and nothing of a change.
    """
    expected = _undamaged(case.base, reader)
    answer = reader.read()
    if answer.code:
        return REFUSED, refusal(answer)
    if answer.text == expected:
        return SAME, what
    if any(word in answer.text for word in reader.tells):
        return REFUSED, f"{reader.name} says so"
    if may_be_read:
        return READ, what
    raise SilentAcceptanceError(f"{reader.name}: {what}")


@cache
def _undamaged(base: Path, reader: Reader) -> str:
    """Return what a reader says of its folder as it was written."""
    here, place = Path.cwd(), Path.cwd() / "undamaged"
    place.mkdir()
    os.chdir(place)
    try:
        shutil.copytree(base / reader.folder, reader.folder)
        answer = reader.read()
    finally:
        os.chdir(here)
        shutil.rmtree(place)
    assert answer.code == 0, answer.text
    return answer.text


def chosen(case: Case, readers: Sequence[Reader]) -> Reader:
    """Choose a reader, and lay out the folder that it reads."""
    (reader,) = case.rng.choices(readers, [reader.weight for reader in readers])
    shutil.copytree(case.base / reader.folder, reader.folder)
    return reader
