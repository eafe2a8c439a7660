"""Whether an environment that a file names may run. Data never chooses what runs: a person does.

A text that a person typed, on the command line or in a file they passed, is theirs. A text that a run or an export
brings is a stranger's; where it names code, that code runs only with a consent, given for this once or kept.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from rmix_kit.envs.make import code_named_by, shown
from rmix_kit.errors import UntrustedCodeError
from rmix_kit.files.reading import LARGEST_TABLE, read_json, read_plain
from rmix_kit.files.writing import json_text, write_file, writing
from rmix_kit.spelling import shortened

STORE = "consents.json"
STATE_VARIABLE = "XDG_STATE_HOME"
"""Folder of what programs remember of a person; ``~/.local/state`` where it is not set."""


Consent: TypeAlias = Literal["once", "always"]
"""What a person says to code that a file names; "always" is remembered."""


def allowed(text: str, named_by: Path, consent: Consent | None = None) -> str:
    """Return an environment text that a file brings, if it may run.

    Args:
        text: ``KIND:NAME[?key=value&...]``, as the file has it.
        named_by: The file, such as a run's ``config.yaml`` or an export's ``manifest.json``.
        consent: What a person said, if anything. "always" is remembered for this file as it is now, wherever it lies,
            and for the text that it brings.

    Returns:
        The text.

    Raises:
        UntrustedCodeError: It names code, and nobody has consented.
        RunFolderError: The consent cannot be kept.
    """
    if code := code_named_by(text):
        otherwise = f"give --env {shlex.quote(shown(text))}"
        allowed_code(f"an environment that {code}", text, named_by, consent, otherwise=otherwise)
    return text


def allowed_code(code: str, text: str, named_by: Path, consent: Consent | None, *, otherwise: str) -> None:
    """Refuse code that a file brings, unless a person has consented to it.

    Args:
        code: What it is and does, in a few words.
        text: What names it; one consent is kept for each that the file has.
        named_by: The file.
        consent: What a person said, if anything.
        otherwise: What they can do besides.

    Raises:
        UntrustedCodeError: Nobody has consented, or the consent is neither of the two words.
        RunFolderError: The consent cannot be kept.
    """
    if consent not in (None, "once", "always"):
        raise UntrustedCodeError(f"consent is {shortened(consent)}; it must be 'once' or 'always', or left out")
    if consent == "always":
        _remember(text, named_by)
    if consent is not None or text in _consented(named_by):
        return
    raise UntrustedCodeError(
        f"{shown(str(named_by))} names {code}; only what a person typed runs such code: if you trust whoever made it, "
        f'add --trust (in Python consent="once"), or {otherwise}'
    )


def _consented(named_by: Path) -> tuple[str, ...]:
    """Return the texts of a file as it is now that a person has consented to for good, one a line."""
    return tuple(_consents().get(_digest(named_by), "").split("\n"))


def _remember(text: str, named_by: Path) -> None:
    store = _store()
    if not store.is_absolute():
        raise UntrustedCodeError(f"there is no home folder to keep a consent in; set {STATE_VARIABLE} to a folder")
    texts = [known for known in _consented(named_by) if known and known != text]
    known = {**_consents(), _digest(named_by): "\n".join([*texts, text])}
    with writing(str(store), "add --trust, which keeps nothing"):
        store.parent.mkdir(parents=True, exist_ok=True)
        write_file(store, json_text(known, indent=1, sort_keys=True).encode() + b"\n")


def _store() -> Path:
    """Return where consents are kept; no absolute path where this person has no home."""
    state = os.environ.get(STATE_VARIABLE, "")
    home = Path(os.path.expanduser("~"))
    return (Path(state) if os.path.isabs(state) else home / ".local" / "state") / "rmix-kit" / STORE


def _consents() -> Mapping[str, str]:
    """Read what is kept, from the sha256 of a file to the text that may run."""
    store = _store()
    try:
        known = read_json(store, LARGEST_TABLE)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UntrustedCodeError(f"{store} cannot be read ({error}); repair or delete it, and consent anew") from error
    if not isinstance(known, dict) or not all(isinstance(text, str) for text in known.values()):
        raise UntrustedCodeError(f"{store} is no list of consents; delete it, and consent anew")
    return known


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(read_plain(file, LARGEST_TABLE)).hexdigest()
    except OSError as error:
        raise UntrustedCodeError(f"{shown(str(file))} cannot be read ({error.strerror})") from error
