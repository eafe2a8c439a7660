"""What a report says, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rmix_kit.envs.make import remark_on
from rmix_kit.errors import RmixKitError
from rmix_kit.metrics import RETURN, TAIL_LEVELS
from rmix_kit.reports import figures, views
from rmix_kit.reports.curves import curve_table
from rmix_kit.reports.forecasts import Forecasts, forecast_table
from rmix_kit.reports.groups import Group, algorithm_of, environments_of
from rmix_kit.reports.optimum import optimum_table
from rmix_kit.reports.pace import unequal_updates
from rmix_kit.reports.page import Made, Page, Section
from rmix_kit.reports.paper import FIGURE_15_ALGORITHMS
from rmix_kit.reports.risk_tables import catastrophe_table, histogram_table, mark_table, tail_table
from rmix_kit.reports.run_tables import (
    cell_table,
    final_table,
    memory_table,
    replay_table,
    run_table,
    threshold_table,
)
from rmix_kit.reports.score_tables import improvement_table, profile_table, statistics_table
from rmix_kit.reports.scores import Comparison, Scores
from rmix_kit.reports.scripted import line_table
from rmix_kit.reports.statistics import PROFILE_RESAMPLES, RESAMPLES
from rmix_kit.reports.table import Table
from rmix_kit.reports.verdicts import verdict_table, verdicts
from rmix_kit.spelling import listed

GREEDY = (
    "Every number is of greedy test episodes: the agents do not explore, and their seeds are not those of training. "
    "Curves show the evaluations during training."
)

SEEN_ENDS = (
    "Its scale goes from the lowest mean return of any evaluation to the highest, so scores of another report may have "
    "another scale."
)
ONE_RUN = (
    "Where an algorithm has one run on an environment, its bands and its intervals over runs have no width: what other "
    "seeds would give is not known."
)


MOST_NAMED = 4
"""Algorithms that a title names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """Everything that the report knows."""

    verdicts: Table
    optima: Table
    cells: Table
    runs: Table
    curves: Table
    final: Table
    statistics: Table
    profiles: Table
    improvement: Table
    tails: Table
    histograms: Table
    marks: Table
    catastrophes: Table
    forecasts: Table
    lines: Table
    thresholds: Table
    memory: Table
    replay: Table


def make_page(
    groups: Sequence[Group],
    scores: Scores,
    *,
    title: str = "",
    made: Made | None = None,
    forecasts: Sequence[Forecasts] = (),
    is_figure_15: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Page:
    """Make the content of a report; nothing is drawn yet.

    Args:
        scores: Of these groups.
        title: Its heading; of the algorithms and environments if empty.
        made: When and by which command, for its head.
        forecasts: On their environments.
        is_figure_15: The paper's Figure 15 comes first.
        resamples: Of the bootstrap; profiles take a tenth.
    """
    comparisons = scores.comparisons()
    optima = optimum_table(environments_of(groups))
    profile_resamples = max(1, resamples * PROFILE_RESAMPLES // RESAMPLES)
    tables = Tables(
        verdicts=verdict_table(scores, comparisons, optima, resamples=resamples, seed=seed),
        optima=optima,
        cells=cell_table(groups),
        runs=run_table(groups),
        curves=curve_table(groups),
        final=final_table(scores, optima),
        statistics=statistics_table(scores, comparisons, resamples=resamples, seed=seed),
        profiles=profile_table(comparisons, resamples=profile_resamples, seed=seed),
        improvement=improvement_table(comparisons, resamples=resamples, seed=seed),
        tails=tail_table(scores, optima, resamples=resamples, seed=seed),
        histograms=histogram_table(scores),
        marks=mark_table(scores),
        catastrophes=catastrophe_table(scores),
        forecasts=forecast_table(forecasts),
        lines=line_table(environments_of(groups)),
        thresholds=threshold_table(groups),
        memory=memory_table(groups),
        replay=replay_table(groups),
    )
    sections = [_verdict(tables)] if scores.groups else []
    lead, *remarks = _lead(groups, scores)
    sections.append(Section(name="runs", title="Runs", texts=tuple(remarks), views=(views.cell_view(tables.cells),)))
    if is_figure_15 and scores.groups:
        sections.append(_figure_15(tables, environments_of(scores.groups)))
    sections += [_comparison(tables, comparison, scores) for comparison in comparisons]
    sections += [_environment(tables, env, scores) for env in environments_of(scores.groups)]
    sections += [_costs(tables, groups), _provenance(tables)]
    return Page(
        title=title or title_of(groups),
        made=made,
        lead=lead,
        sections=tuple(sections),
        tables=tuple(vars(tables).values()),
    )


def title_of(groups: Sequence[Group]) -> str:
    """Return what a report on groups is about: who is compared, and where."""
    algorithms = list(dict.fromkeys(group.algo for group in groups))
    envs = environments_of(groups)
    who = _count(len(algorithms), "algorithm")
    if len(algorithms) <= MOST_NAMED:
        who = listed(algorithms)
    return f"{who} on {envs[0] if len(envs) == 1 else _count(len(envs), 'environment')}"


def _verdict(tables: Tables) -> Section:
    return Section(
        name="verdict",
        title="Verdict",
        texts=verdicts(tables.verdicts),
        folded=(views.verdict_view(tables.verdicts),),
    )


def remark(env: str) -> str:
    """Return what must be said beside an environment's results; nothing where it is not installed here."""
    try:
        text = remark_on(env)
    except RmixKitError:
        return ""
    return text + "." if text and not text.endswith(".") else text


def _lead(groups: Sequence[Group], scores: Scores) -> Iterator[str]:
    finished = sum(len(group.runs) for group in groups)
    unfinished = sum(len(group.unfinished) for group in groups)
    missing = sum(len(group.missing) for group in groups)
    envs, algorithms = {group.env for group in groups}, {group.algo for group in groups}
    text = f"{_count(finished, 'finished run')} of {_count(len(algorithms), 'algorithm')} "
    text += f"on {_count(len(envs), 'environment')}."
    if unfinished:
        text += f" {_count(unfinished, 'run')} unfinished: listed, and left out of every figure and statistic."
    if missing:
        text += f" {_count(missing, 'run')} planned and not run."
    unsealed = sum(not run.is_sealed for group in groups for run in group.runs)
    if unsealed:
        text += f" {_count(unsealed, 'run')} without a seal: not compared with what training wrote at its end."
    yield text
    if any(len(group.runs) == 1 for group in groups):
        yield ONE_RUN
    yield GREEDY
    if scores.groups:
        kinds = dict.fromkeys(scores.describe(group.env).split(":")[0] for group in scores.groups)
        yield f"The score of a run is its {' or '.join(kinds)}, from {scores.source()}."
    for env in dict.fromkeys([*scores.silent, *scores.saturated]):
        ends = "" if scores.anchors[env].is_exact else f" {SEEN_ENDS}"
        yield f"{env}: {scores.why_return(env)}, so the return counts.{ends}"


def _figure_15(tables: Tables, envs: Sequence[str]) -> Section:
    metric, shown = RETURN, []
    for band, words in figures.BANDS.items():
        shown.append(
            figures.ReportFigure(
                name=f"figure-15-{band}",
                title=f"Test return on {_count(len(envs), 'scenario')}: {words}",
                table=tables.curves,
                rows={"metric": metric},
                columns=("environment", *figures.curve_columns(band)),
                draw=lambda band=band: figures.draw_learning(tables.curves, envs, metric, band),  # type: ignore[misc]
                band=band,
                is_wide=len(envs) > 1,
            )
        )
    names = ", ".join(name.upper() for name in FIGURE_15_ALGORITHMS)
    texts = [f"{names} as in Figure 15 of the RMIX paper, which shows their test return on three scenarios."]
    texts += list(dict.fromkeys(text for env in envs if (text := remark(env))))
    return Section(name="figure-15", title="The RMIX paper's Figure 15", texts=tuple(texts), figures=tuple(shown))


def _comparison(tables: Tables, comparison: Comparison, scores: Scores) -> Section:
    scope, is_one = comparison.name, len(comparison.tasks) == 1
    score = " / ".join(dict.fromkeys(scores.describe(env).split(":")[0] for env in comparison.tasks))
    profiles = figures.profile_figures(tables.profiles, scope, score)
    shown = [*figures.statistic_figures(tables.statistics, scope, score), *(profiles[:1] if is_one else profiles)]
    shown_views = [views.statistics_view(tables.statistics, scope)]
    folded = []
    if len(comparison.algorithms) > 1:
        shown.append(figures.improvement_figure(tables.improvement, scope))
        folded.append(views.improvement_view(tables.improvement, scope))
    left_out = [
        name for name in tables.cells.values("algorithm") if name not in map(algorithm_of, comparison.algorithms)
    ]
    texts = [f"Over {_count(len(comparison.tasks), 'task')}: {', '.join(comparison.tasks)}."]
    if left_out:
        texts.append(f"Without {', '.join(left_out)}, of which not every one of these tasks has finished runs.")
    return Section(
        name=figures.slug(scope),
        title=f"{scope[0].upper()}{scope[1:]}" + (f" on {comparison.tasks[0]}" if is_one else ""),
        texts=tuple(texts),
        figures=tuple(shown),
        views=tuple(shown_views),
        folded=tuple(folded),
    )


def _environment(tables: Tables, env: str, scores: Scores) -> Section:
    score = scores.describe(env)
    runs = [run for group in scores.groups if group.env == env for run in group.runs]
    shown = [
        *figures.learning_figures(tables.curves, env),
        *(
            figure
            for figure in figures.statistic_figures(tables.statistics, env, score.split(":")[0])
            if figure.name.endswith("-iqm")
        ),
        *(figures.tail_figure(tables.tails, env, level) for level in TAIL_LEVELS),
    ]
    if tables.catastrophes.where(environment=env):
        shown.append(figures.catastrophe_figure(tables.catastrophes, env))
    if tables.histograms.where(environment=env):
        shown.append(figures.histogram_figure(tables.histograms, tables.marks, env))
    shown_views = [
        views.statistics_view(tables.statistics, env),
        views.tail_view(tables.tails, env),
    ]
    if tables.catastrophes.where(environment=env):
        shown_views.append(views.catastrophe_view(tables.catastrophes, env))
    if tables.forecasts.where(env=env):
        shown_views.append(views.forecast_view(tables.forecasts, env))
    if tables.lines.where(environment=env):
        shown_views.append(views.line_view(tables.lines, env))
    if env not in scores.silent:
        shown_views.append(views.threshold_view(tables.thresholds, env))
    return Section(
        name=f"environment-{figures.slug(env)}",
        title=env,
        texts=tuple(filter(None, (remark(env), f"Score: {score}.", unequal_updates(runs)))),
        figures=tuple(shown),
        views=tuple(shown_views),
        folded=(views.final_view(tables.final, env),),
    )


def _costs(tables: Tables, groups: Sequence[Group]) -> Section:
    shown = [views.memory_view(tables.memory)]
    if any(group.env.startswith("smac:") for group in groups):
        shown.append(views.replay_view(tables.replay))
    return Section(name="memory", title="Memory and time", views=tuple(shown))


def _provenance(tables: Tables) -> Section:
    return Section(name="provenance", title="What each run was", views=(views.run_view(tables.runs),))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
