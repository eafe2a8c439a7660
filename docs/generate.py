"""Writes the pages under docs/ that are made from the code: `make docs`."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import re
from pathlib import Path

import click

from macn import document as environments
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.descriptions import descriptions
from rmix_kit.envs.smac import document as smac
from rmix_kit.envs.text import parse
from rmix_kit.reports.scripted import scripted_rows
from rmix_kit.reproduction.summary import NOT_RUN
from rmix_kit.training.learner import TargetSettings
from rmix_kit.training.settings import TrainingSettings

DOCS = Path(__file__).resolve().parent
FOREIGN = DOCS / "results" / "foreign-envs.csv"
YOURS = DOCS / "environments" / "yours.md"
PERFORMANCE = DOCS / "performance.md"
MEASURED = DOCS.parent / "benchmarks" / "results"
PEERS = {"released_rmix": "released", "peers_jaxmarl": "jaxmarl", "peers_epymarl": "epymarl"}
"""Tables of other people's code beside ours, and the column that holds its figure."""
README = DOCS.parent / "README.md"
NOTE = "<!-- Written by `make docs`; edit the code's text instead. -->\n\n"


def commands_page() -> str:
    """Return what `--help` prints, for the command line and each of its commands."""
    module = importlib.import_module("rmix_kit.cli.main")
    group = next(value for value in vars(module).values() if isinstance(value, click.Group))
    settings = {"terminal_width": 100, "max_content_width": 100, **group.context_settings}
    context = click.Context(group, info_name="rmix-kit", **settings)
    parts = ["# Commands", f"```\n{group.get_help(context).strip()}\n```"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"rmix-kit lists {name} and has no such command")
        inner = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        parts += [f"## {name}", f"```\n{command.get_help(inner).strip()}\n```"]
        for below, one in command.commands.items() if isinstance(command, click.Group) else ():
            innermost = click.Context(one, info_name=below, parent=inner, terminal_width=100, max_content_width=100)
            parts += [f"## {name} {below}", f"```\n{one.get_help(innermost).strip()}\n```"]
    return NOTE + "\n\n".join(parts) + "\n"


def configuration_page() -> str:
    """Every setting with its default, its type and the sentence of its class's docstring."""
    parts = [
        "# Configuration",
        "Order: defaults, then the preset, then `--config FILE`, then each `--set PATH=VALUE`. A path is "
        "`algorithm.NAME` or `training.NAME`; a name that is unambiguous stands for its path. The resolved file lies "
        "in the run folder as `config.yaml`, and running it again (`rmix-kit train --config RUN/config.yaml --out "
        "AGAIN`) repeats the run.",
        "A file may also have `algo`, `preset`, `env`, `seed`, `steps` and `device`; a run's `config.yaml` has them "
        "all. `--env`, `--seed`, `--steps`, `--device` and `--set` win over the file; another `--algo` or `--preset` "
        "contradicts it and is refused. `--resume` takes what is not given from the run's folder, and refuses what it "
        "contradicts; `--steps` alone is a new plan. Whole numbers may be written as `1e6` or `1_000_000`.",
        "`--init-from RUN` (or one checkpoint, `RUN/checkpoints/step_N`) begins a run with the weights of another one, "
        "and with the statistics by which they see their inputs; optimisers, replay, exploration and counters are new. "
        "Names and shapes must be those of the run's own networks. `config.yaml` then has `init_from` with the folder, "
        "the step and the digest of the weights, and the weights must be there until the first checkpoint.",
        "`rmix-kit config show --algo rmix --env macn:4x12` prints every value with where it came from, and `rmix-kit "
        "config schema preset|config|sweep` a JSON schema by which editors complete and check such files.",
        "A preset lists only what differs from the defaults. Values under its `maps:` apply where the environment text "
        "names the map, or any of a kind (`smac:*`), and are printed.",
    ]
    for prefix, kind in (
        ("training", TrainingSettings),
        ("training.target", TargetSettings),
        *((f"algorithm ({algorithm.name})", algorithm) for algorithm in ALGORITHMS),
    ):
        parts += [f"## `{prefix}`", settings_table(kind)]
    return NOTE + "\n\n".join(parts) + "\n"


def results_in(readme: str) -> str:
    """Return the README, its tables of results written anew from the summaries under docs/results."""
    marked = re.compile(r"(<!-- results: ([\w-]+) -->\n\n).*?(?=<!-- end of results -->)", flags=re.DOTALL)
    return marked.sub(lambda match: f"{match[1]}{results_section(match[2])}\n\n", readme)


def results_section(name: str) -> str:
    """Return a reproduction in a row for each environment: who is at the best with every seed, and who is not."""
    sections = (DOCS / "results" / name / "summary.md").read_text(encoding="utf-8").split("\n## ")[1:]
    lines = ["| environment | best possible return (exact) | reached with every seed | others |", "|---|---|---|---|"]
    lines += [row for section in sections if (row := _environment_row(section))]
    missing = [f"`{section.split('`')[1]}`" for section in sections if NOT_RUN in section.splitlines()]
    return "\n".join(lines) + (f"\n\nNot run yet: {', '.join(missing)}." if missing else "")


def _environment_row(section: str) -> str:
    """Return an environment's row; empty where nothing was run."""
    title = section.splitlines()[0]
    runs = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    reached, others = [], []
    for algorithm, count, _, distance, _, _, ends, _ in runs:
        if "," not in ends and ends.startswith(("optimal", "within error")):
            reached.append(f"{algorithm} ({count.split()[0]})")
        else:
            others.append(f"{algorithm} ({ends}; {distance} away)")
    name, best = title.split("`")[1], title.rsplit(" ", 1)[-1]
    return f"| `{name}` | {best} | {', '.join(reached)} | {', '.join(others)} |" if runs else ""


def foreign_in(page: str) -> str:
    """Return the page on a user's own environments, its tables written anew from what was tried."""
    begin, end = "<!-- foreign environments -->\n", "<!-- end of foreign environments -->"
    head, tail = page.split(begin)[0], page.split(end)[1]
    return f"{head}{begin}\n{foreign_section()}\n\n{end}{tail}"


def foreign_section() -> str:
    """Tables of the environments that `benchmarks/foreign_envs.py` has tried."""
    with FOREIGN.open(encoding="utf-8", newline="") as file:
        tried = list(csv.DictReader(file))
    works = [row for row in tried if row["outcome"] == "works"]
    rest = [row for row in tried if row["outcome"] != "works"]
    lines = [
        f"## {len(tried)} environments that were tried",
        "",
        f"{len(works)} work: with `--env TEXT` they train (2,000 steps of QMIX: that it goes through, not that it "
        "learns), export, run as `evaluate` says, and replay. `make test-envs` tries those that stand for their kind; "
        "`benchmarks/foreign_envs.py` all.",
        "",
        "| `--env` | agents | actions | observation | `envs check` warns of |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row['env']}` | {row['agents']} | {row['actions']} | {row['observation']} | {row['warnings']} |"
        for row in works
    ]
    lines += ["", f"{len(rest)} do not, and are told why:", "", "| `--env` | the line |", "|---|---|"]
    lines += [f"| `{row['env']}` | {_cell(row)} |" for row in rest]
    return "\n".join(lines)


def _cell(row: dict[str, str]) -> str:
    """Return the refusal, without the text that stands beside it."""
    why = row["why"].removeprefix(f"environment {row['env']!r}").removeprefix(f"environment {row['env']}")
    return why.lstrip(",: ").replace("|", "\\|").replace("<", "&lt;")


def speed_in(page: str) -> str:
    """Return the page on performance, its table written anew from what `benchmarks/speed.py` and the peers measured."""
    begin, end = "<!-- speed -->\n", "<!-- end of speed -->"
    head, tail = page.split(begin)[0], page.split(end)[1]
    return f"{head}{begin}\n{speed_section()}\n\n{end}{tail}"


def speed_section() -> str:
    """Tables of our own figures with their floors, and of ours beside other people's code."""
    ours, machine = _measured("speed")
    lines = [
        f"Measured on: {machine}.",
        "",
        "| work | unit | ours | floor | peer | goal |",
        "|---|---|---|---|---|---|",
    ]
    for row in ours:
        work = f"{row['work']} ({row['note']})" if row["note"] else row["work"]
        floor = f"{_grouped(row['floor'])} (x {row['times_floor']})" if row["floor"] else ""
        peer = f"{row['peer_is']}: {_grouped(row['peer'])} ({row['ratio_to_peer']} times)" if row["peer"] else ""
        lines.append(f"| {work} | {row['unit']} | {_grouped(row['ours'])} | {floor} | {peer} | {row['goal']} |")
    lines += [
        "",
        "Beside other people's code:",
        "",
        "| work | unit | ours | theirs | whose | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, column in PEERS.items():
        for row in _measured(name)[0]:
            figures = f"{_grouped(row['ours'])} | {_grouped(row[column])}"
            lines.append(f"| {row['work']} | {row['unit']} | {figures} | {column} | {row['ratio']} |")
    return "\n".join(lines)


def _grouped(figure: str) -> str:
    """Return a count with its thousands set apart."""
    return f"{int(figure):,}" if figure.isdigit() else figure


def _measured(name: str) -> tuple[list[dict[str, str]], str]:
    """Return the rows of a table under benchmarks/results, and the machine of the first."""
    with (MEASURED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, rows[0]["machine"]


def smac_page() -> str:
    """SMAC's docstring, and the tables of its simulator."""
    return NOTE + smac.page() + "\n" + _scripts_section()


def _scripts_section() -> str:
    rows = scripted_rows()
    names = list(dict.fromkeys(row["script"] for row in rows))
    found = {(row["environment"], row["script"]): row for row in rows}
    episodes = sorted({row["episodes"] for row in rows})
    lines = [
        "## What scripts win",
        "",
        f"Plans of a few lines (`rmix_kit/envs/smac/scripts.py`) at difficulty 7, won of {episodes[0]:,} battles, and "
        "their mean return in brackets: `rmix-kit reproduce smac --part scripts --out FOLDER`. They see all units. "
        '"nearest" walks up and shoots whoever is nearest, "focus" whoever is weakest; "kite" walks away from enemies '
        'within 4 cells while its weapon cools down; "line" waits in a bent line until the first enemy is within 6 '
        'cells. "Best known" is the best of these and of 250 plans drawn for the map. Reports draw them dotted.',
        "",
        f"| map | {' | '.join(names)} |",
        "|" + "---|" * (len(names) + 1),
    ]
    for env in dict.fromkeys(row["environment"] for row in rows):
        own = [found[env, name] for name in names]
        cells = [f"{row['won'] / row['episodes']:.1%} ({row['return']:.1f})" for row in own]
        lines.append(f"| `{parse(env).name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def settings_table(kind: type) -> str:
    """One row per field of a settings class, inherited ones first."""
    sentences = descriptions(kind)
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        has_own_table = field.default is dataclasses.MISSING
        default = "see below" if has_own_table else f"`{field.default}`"
        rows.append(f"| `{field.name}` | {default} | {sentences[field.name].replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def main() -> None:
    """Write every generated page."""
    pages = {
        "environments/macn.md": environments.page,
        "environments/smac.md": smac_page,
        "commands.md": commands_page,
        "configuration.md": configuration_page,
    }
    for name, text in pages.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text(), encoding="utf-8")
        click.echo(f"wrote docs/{name}")
    README.write_text(results_in(README.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo("wrote the results in README.md")
    YOURS.write_text(foreign_in(YOURS.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo("wrote the tables in docs/environments/yours.md")
    PERFORMANCE.write_text(speed_in(PERFORMANCE.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo("wrote the tables in docs/performance.md")


if __name__ == "__main__":
    main()
