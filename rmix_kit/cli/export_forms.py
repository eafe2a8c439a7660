"""What `rmix-kit export` makes of an exported folder besides: smaller files with a report, other tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from rmix_kit.cli.output import note, print_rows

if TYPE_CHECKING:
    from exporters.agreement import Likeness
    from exporters.quantizing import Quantized
    from rmix_kit.envs.consent import Consent

HEADER = (
    "agent",
    "memory",
    "equal actions",
    "worth less by",
    "values differ by",
    "own level equal",
    "by",
    "time of a step",
)


EPISODES = 32


class Made(NamedTuple):
    """A quantised folder, and what its team and the float32 one are paid on average; None without an environment."""

    quantized: Quantized
    returns: tuple[float, float] | None

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping."""
        before, after = self.returns or (None, None)
        paid = {"episodes": EPISODES, "return_before": before, "return_after": after} if self.returns else {}
        return {**self.quantized.to_json(), **paid}


def made_quantized(source: Path, out: Path, kind: str, threshold: float, consent: Consent | None) -> Made:
    """Quantise an exported folder on the steps of its own environment, where it names one, and play both.

    Args:
        source: The exported folder.
        out: The folder to write.
        kind: int8 or fp16.
        threshold: The least share of equal actions.
        consent: To code that the environment's text names.
    """
    import exporters
    from rmix_kit.envs.make import copies_to_play, make_vector_env
    from rmix_kit.episodes import copies_for
    from rmix_kit.playing.episodes import play
    from rmix_kit.playing.manifest import environment_text, most_copies, read_export
    from rmix_kit.playing.recording import record
    from rmix_kit.playing.team import LocalTeam, load_team

    manifest = read_export(source)
    if "environment" not in manifest.facts:
        note("the folder names no environment: the steps to compare on are drawn within the observations' bounds")
        return Made(exporters.quantize(source, out, kind, threshold=threshold), None)
    text = environment_text(manifest, source, consent)
    note(f"playing {text} to compare {kind} files with these: a few seconds an agent")
    envs = copies_to_play(make_vector_env, text, copies_for(EPISODES, most_copies(manifest, text)))
    try:
        recordings = record(load_team(source, "onnx"), envs)
        quantized = exporters.quantize(
            source, out, kind, threshold=threshold, recordings=recordings, steps_from=f"played in {text}"
        )
        teams = [LocalTeam(load_team(folder, "onnx")) for folder in (source, out)]
        returns = [float(play(team, envs, episodes=EPISODES, seed=0).returns.mean()) for team in teams]
    finally:
        envs.close()
    return Made(quantized, (returns[0], returns[1]))


def made_profile(source: Path, out: Path, profile: str, risk_level: float | None) -> dict[str, object]:
    """Write an exported folder in another runtime's tensors; return what there is to tell.

    Args:
        source: The exported folder.
        out: The folder to write.
        profile: The runtime's name.
        risk_level: What the dial is fixed to; None leaves it to the agents.
    """
    import exporters
    from rmix_kit.playing.manifest import read_export

    agents = [entry.spec.agent_id for entry in read_export(source).agents]
    exporters.convert(source, out, profile, risk_level=risk_level)
    return {"profile": profile, "risk_level": risk_level, "agents": agents}


def show_quantized(made: Made) -> None:
    """Print the report."""
    quantized, rows = made.quantized, []
    for name, agent in quantized.agents.items():
        rows.append((name, "its own", *_cells(agent.own_memory), f"{agent.latency_ratio:.2f} x"))
        rows.append(("", "that of float32", *_cells(agent.reference_memory), ""))
    steps = min(agent.steps for agent in quantized.agents.values())
    smaller = f"{quantized.size_after / quantized.size_before:.0%}"
    title = f"{quantized.kind} beside float32: {steps} steps {quantized.steps_from}"
    print_rows(f"{title}; {smaller} of {quantized.size_before:,} bytes", rows, HEADER)
    click.echo(
        "worth less: another action, at most, by the float32 values; own level: the risk level used, where the agent "
        "chooses it; times are medians of a step in one run"
    )
    if made.returns is not None:
        click.echo(f"mean return of {EPISODES} episodes: {made.returns[0]:.3f} before, {made.returns[1]:.3f} after")


def _cells(found: Likeness) -> tuple[str, ...]:
    if found.equal_risk_levels is None or found.largest_risk_level_difference is None:
        level = ("-", "-")
    else:
        level = (f"{found.equal_risk_levels:.2%}", f"{found.largest_risk_level_difference:.2g}")
    return (f"{found.equal_actions:.2%}", f"{found.largest_loss:.2g}", f"{found.largest_difference:.2g}", *level)
