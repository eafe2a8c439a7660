"""From an environment text to copies of that environment. A new kind is one line in ``KINDS``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol, TypeAlias, cast

from rmix_kit.envs.interface import RENDER_MODE, VectorEnv, pictured
from rmix_kit.envs.text import EnvironmentText, parse
from rmix_kit.errors import (
    ConfigError,
    EnvironmentContractError,
    EnvironmentTextError,
    MissingExtraError,
    RmixKitError,
)
from rmix_kit.spelling import suggestion


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One family of environments.

    Attributes:
        adapter: Module with a function ``make(text: EnvironmentText, num_envs: int) -> VectorEnv``.
        summary: One sentence for the list of environments.
        example: A text that works.
        names_code: Whether its texts name code of others, which is imported or called.
        code_options: Options that name a program to start, or a place to write to.
        extra: The extra of the distribution that installs what the adapter needs; empty if nothing more is needed.
    """

    adapter: str
    summary: str
    example: str
    names_code: bool
    code_options: frozenset[str] = frozenset()
    extra: str = ""


KINDS = MappingProxyType(
    {
        "macn": Kind(
            adapter="rmix_kit.envs.macn",
            summary="Multi-Agent Cliff Navigation: a layout's name, drawing or path",
            example="macn:4x12?slip=0.1&include_position=true",
            names_code=False,
        ),
        "matrix": Kind(
            adapter="rmix_kit.envs.matrix",
            summary="one step, paid by a payoff matrix: nested lists, as deep as there are agents",
            example="matrix:[[8,-12,-12],[-12,0,0],[-12,0,0]]",
            names_code=False,
        ),
        "didactic": Kind(
            adapter="rmix_kit.envs.didactic",
            summary="two-step, mmdp, climbing, penalty, qtran, qtran-harder, monotone, predator-prey, car-following",
            example="didactic:climbing?noise=partial",
            names_code=False,
        ),
        "smac": Kind(
            adapter="rmix_kit.envs.smac",
            summary="StarCraft battles: a SMAC map, in StarCraft II (backend=sc2) or in a simulator (backend=builtin)",
            example="smac:3m?backend=builtin",
            names_code=False,
            code_options=frozenset({"smac_python", "replay_dir"}),
        ),
        "pettingzoo": Kind(
            adapter="rmix_kit.envs.pettingzoo",
            summary="any PettingZoo environment: the importable module, function or class that makes it",
            example="pettingzoo:my_module.parallel_env?episode_limit=50",
            names_code=True,
        ),
        "gymnasium": Kind(
            adapter="rmix_kit.envs.gymnasium_teams",
            summary="any Gymnasium environment of several agents: its id, behind the module that registers it",
            example="gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3?reward=sum",
            names_code=True,
        ),
    }
)


class Adapter(Protocol):
    """What an adapter's module gives.

    It may also have ``resolve(text) -> EnvironmentText``, which writes out what a text leaves to the machine, and
    ``remark(text) -> str``, which must be said beside results.
    """

    def make(self, text: EnvironmentText, num_envs: int) -> VectorEnv:
        """Make the copies."""
        ...


OBJECT = "object"
"""In place of a kind where a run was given a Python object (`rmix_kit.envs.given`): no text makes it again."""
LONGEST_SHOWN = 200
"""Characters of a stranger's text that an error repeats."""


MakeEnv: TypeAlias = Callable[[str, int], VectorEnv]
"""From an environment text and a number of copies to the copies."""


def make_vector_env(text: str, num_envs: int) -> VectorEnv:
    """Make copies of the environment that a text names.

    Args:
        text: ``KIND:NAME[?key=value&...]``; see `rmix_kit.envs.text`.

    Returns:
        The copies, not yet reset.

    Raises:
        EnvironmentTextError: The text has another form, or names a kind, name or option that does not exist.
        EnvironmentContractError: The environment is of a sort that cannot be trained on.
        MissingExtraError: The kind needs an extra that is not installed.
        ConfigError: ``num_envs`` is below 1.
    """
    if num_envs < 1:
        raise ConfigError(f"num_envs is {num_envs}; it must be at least 1")
    parsed = parse_known(text)
    return _adapter(parsed).make(parsed, num_envs)


def make_drawn(text: str, num_envs: int) -> VectorEnv:
    """Make copies as `make_vector_env` does, such that someone's environment draws itself where it can.

    One that has a render mode "rgb_array", and was not given another, is made with it; one that does not take it so is
    made without.

    Args:
        text: Environment text.

    Raises:
        EnvironmentTextError: As `make_vector_env`, the other errors too.
    """
    envs = make_vector_env(text, num_envs)
    drawable = pictured(envs)
    if drawable is None or not drawable.could_draw:
        return envs
    envs.close()
    parsed = parse_known(text)
    try:
        return make_vector_env(str(replace(parsed, options=(*parsed.options, ("render_mode", RENDER_MODE)))), num_envs)
    except EnvironmentTextError:
        return make_vector_env(text, num_envs)


def copies_to_play(make_env: MakeEnv, text: str, most: int) -> VectorEnv:
    """Make copies to play in: as many as are wanted, or a single one where no more can exist, as with a port.

    Which episodes are played does not depend on their number.

    Args:
        most: How many are wanted, at least 1.

    Raises:
        RmixKitError: Not even one can be made; why the wanted ones could not.
    """
    try:
        return make_env(text, most)
    except (EnvironmentTextError, EnvironmentContractError, OSError) as error:
        if most == 1:
            raise
        try:
            return make_env(text, 1)
        except (RmixKitError, OSError):
            raise error from None


def resolved_text(text: str, kept: str | None = None) -> str:
    """Write out what an environment text leaves to the machine, so that a record means the same everywhere.

    Args:
        kept: The text of a record that goes on; it stands where the new one differs from it by nothing but what it
            leaves open.

    Returns:
        The text itself where nothing is left open.

    Raises:
        EnvironmentTextError: The text has another form, or names a kind or option that does not exist.
        MissingExtraError: The kind needs an extra that is not installed.
    """
    parsed = parse_known(text)
    settle = getattr(_adapter(parsed), "resolve", None)
    resolved = parsed if settle is None else settle(parsed)
    if resolved == parsed:
        return text
    if kept is not None:
        before = parse_known(kept)
        opened = {key for key, _ in resolved.options} - {key for key, _ in parsed.options}
        rest = tuple((key, value) for key, value in before.options if key not in opened)
        if (before.kind, before.name, rest) == (parsed.kind, parsed.name, parsed.options):
            return kept
    return str(resolved)


def remark_on(text: str) -> str:
    """Return what must be said beside results from an environment; mostly nothing.

    Raises:
        EnvironmentTextError: The text has another form, or names a kind or option that does not exist.
        MissingExtraError: The kind needs an extra that is not installed.
    """
    if text.startswith(f"{OBJECT}:"):
        return ""
    parsed = parse_known(text)
    remark = getattr(_adapter(parsed), "remark", None)
    return "" if remark is None else str(remark(parsed))


def code_named_by(text: str) -> str:
    """Say what a text makes this process do besides the kinds' own work.

    Returns:
        What it imports, starts or writes, in a few words; empty for a text of data alone, and for one that cannot be
        read, which does nothing at all.
    """
    try:
        parsed = parse_known(text)
    except EnvironmentTextError:
        return ""
    kind = KINDS[parsed.kind]
    named = [f"imports {shown(parsed.name)} and calls it"] if kind.names_code else []
    named += [f"uses {key}={shown(str(value))}" for key, value in parsed.options if key in kind.code_options]
    return " and ".join(named)


def shown(text: str) -> str:
    """Return a stranger's text for an error: on one line, without control characters, cut where it is long."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}..."


def _adapter(parsed: EnvironmentText) -> Adapter:
    kind = KINDS[parsed.kind]
    try:
        return cast(Adapter, importlib.import_module(kind.adapter))
    except ModuleNotFoundError as error:
        if not kind.extra:
            raise
        raise MissingExtraError(
            f"{parsed.kind} environments need {error.name}; install it with: pip install 'rmix-kit[{kind.extra}]'"
        ) from error


def parse_known(text: str) -> EnvironmentText:
    """Read an environment text of a known kind.

    Raises:
        EnvironmentTextError: The form is another, or the kind is unknown.
    """
    parsed = parse(text)
    if parsed.kind == OBJECT:
        raise EnvironmentTextError(
            f"environment {text!r} was a Python object, which no text makes again; give it, as "
            "rmix_kit.load(run, env=...) or rmix_kit.train(..., resume=True), or name another environment that the "
            "agents fit"
        )
    if parsed.kind not in KINDS:
        raise EnvironmentTextError(
            f"environment {text!r}: there is no kind {parsed.kind!r}; known are {', '.join(KINDS)}"
            f"{suggestion(parsed.kind, KINDS)}"
        )
    return parsed
