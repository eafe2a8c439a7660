"""A report's folder: one page that needs nothing else, and figures that show what the tables hold."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from rmix_kit.plotting.style import FORMATS, picture
from rmix_kit.reports.content import make_page
from rmix_kit.reports.figures import ReportFigure, slug
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.marl_eval import marl_eval
from rmix_kit.reports.report import write_report
from rmix_kit.reports.scores import Scores
from rmix_kit.results import RunRecord
from tests.reports.records import BRIDGE, MMM2, record, small_set

RESAMPLES = 200
PLANNED = [("iql", BRIDGE, (0, 1)), ("rmix", BRIDGE, (0, 1, 2))]


class Reader(HTMLParser):
    """Collects a page's elements, its addresses and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "xlink:href", "action", "srcset"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def runs() -> list[RunRecord]:
    unfinished = record("vdn", BRIDGE, 2, is_finished=False, name="vdn-stopped")
    return [*small_set(), unfinished]


@pytest.fixture(scope="module")
def report(runs: list[RunRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "report"
    write_report(runs, folder, title="Tests & trials", expected=PLANNED, resamples=RESAMPLES)
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Reader:
    return Reader(report / "index.html")


@pytest.fixture(scope="module")
def figures(runs: list[RunRecord]) -> dict[str, ReportFigure]:
    groups = group_runs(runs, PLANNED)
    content = make_page(groups, Scores(groups), title="", resamples=RESAMPLES)
    return {figure.name: figure for figure in content.figures}


def table(report: Path, name: str) -> list[dict[str, str]]:
    with (report / "tables" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_asks_nothing_of_the_network(page: Reader) -> None:
    assert page.addresses
    assert not [a for a in page.addresses if not a.startswith(("#", "data:", "figures/"))]
    assert not page.elements & {"script", "iframe", "object", "embed"}


def test_addresses_within_the_page_lead_somewhere(page: Reader) -> None:
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)


def test_files_that_the_page_names_lie_beside_it(page: Reader, report: Path) -> None:
    named = {address for address in page.addresses if address.startswith("figures/")}
    assert named == {f"figures/{file.name}" for file in (report / "figures").iterdir()}


def test_no_name_stands_twice_on_the_page(page: Reader) -> None:
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.usefixtures("undrawn")
def test_the_distance_to_the_exact_optimum_is_a_column_where_it_is_known(report: Path) -> None:
    best = -8.65753878
    rows = [row for row in table(report, "final_results") if row["environment"] == BRIDGE]
    assert [float(row["distance"]) for row in rows] == pytest.approx([best - float(row["return_mean"]) for row in rows])
    assert {row["distance"] for row in table(report, "final_results") if row["environment"] == MMM2} == {""}
    means = [row for row in table(report, "returns_and_tails") if row["environment"] == BRIDGE]
    assert [float(row["distance"]) for row in means if row["risk_level"] == "1.0"] == pytest.approx(
        [best - float(row["return"]) for row in means if row["risk_level"] == "1.0"]
    )


def test_the_title_is_text_and_not_markup(page: Reader, report: Path) -> None:
    assert "Tests & trials" in page.text
    assert "Tests &amp; trials" in (report / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        "10 finished runs of 4 algorithms on 2 environments",
        "1 run unfinished",
        "3 runs planned and not run",
        "greedy test episodes",
        "SMAC-like simulator",
        "vdn-stopped",
        "0123456789",
    ],
)
def test_the_page_says_what_the_runs_were(page: Reader, words: str) -> None:
    assert words in page.text


def test_a_planned_cell_without_runs_is_shown_as_not_run(report: Path) -> None:
    states = {(row["algorithm"], row["environment"]): row["state"] for row in table(report, "cells")}
    assert states["iql", BRIDGE] == "not run"
    assert states["rmix", BRIDGE] == "2 of 3, 1 not run"


def test_an_unfinished_run_is_in_no_statistic(report: Path) -> None:
    (row,) = [
        row
        for row in table(report, "statistics")
        if (row["scope"], row["algorithm"], row["statistic"]) == (BRIDGE, "vdn", "mean")
    ]
    assert row["runs"] == "2"


def drawn_values(figure: ReportFigure) -> set[float]:
    """Every number that a figure shows, besides where its rows lie and where its bars end at the frame."""
    found: list[np.ndarray] = []
    for axes in figure.draw().axes:
        for image in axes.images:
            found.append(np.asarray(image.get_array()).ravel())
        for line in axes.lines:
            x, y = (np.asarray(data, dtype=float) for data in line.get_data())
            found += [x, y] if "env_steps" in figure.columns or "threshold" in figure.columns else [x]
        if "low" in figure.columns:
            for collection in axes.collections:
                paths = np.concatenate([path.vertices for path in collection.get_paths()])
                found.append(paths[:, 1] if "threshold" in figure.columns else paths[:, 0])
    return {round(float(value), 9) for values in found for value in values}


def rows_of(figure: ReportFigure, report: Path) -> list[dict[str, str]]:
    wanted = {name: str(value) for name, value in figure.rows.items()}
    return [row for row in table(report, figure.table.name) if wanted.items() <= row.items()]


TRACED = [
    *(f"{env}-{metric}-{band}" for env in ("macn-bridge-slip-0.1",) for metric in ("success_rate", "return_mean")
      for band in ("std", "quartiles")),
    "macn-bridge-slip-0.1-iqm", "macn-bridge-slip-0.1-cvar-0.1", "macn-bridge-slip-0.1-cvar-0.25",
    "macn-bridge-slip-0.1-falls", "smac-MMM2-backend-builtin-defeats", "all-tasks-profile-of-runs",
    "all-tasks-profile-of-tasks", "all-tasks-improvement", "all-tasks-median", "all-algorithms-optimality_gap",
]  # fmt: skip


@pytest.mark.parametrize("name", TRACED)
def test_what_a_figure_shows_stands_in_the_rows_it_names(
    name: str, figures: dict[str, ReportFigure], report: Path
) -> None:
    figure = figures[name]
    rows = rows_of(figure, report)
    assert rows
    cells = [row[column] for row in rows for column in figure.columns if column not in ("algorithm", "against")]
    known = {round(float(cell), 9) for cell in cells} | ({0.5} if "against" in figure.columns else set())
    if figure.rows.get("metric") == "return_mean":  # the exact optimum is a line across, from 0 to 1 of the axes
        (best,) = [row["optimum"] for row in table(report, "optima") if row["environment"] == BRIDGE]
        known |= {0.0, 1.0, round(float(best), 9)}
    shown = drawn_values(figure)
    assert shown
    assert shown <= known


def test_a_histogram_shows_the_bins_of_its_rows(figures: dict[str, ReportFigure], report: Path) -> None:
    figure = figures["macn-bridge-slip-0.1-returns"]
    rows = rows_of(figure, report)
    first = [row for row in rows if row["algorithm"] == rows[0]["algorithm"]]
    shares = np.array([float(row["share"]) for row in first])
    steps = figure.draw().axes[0].patches[0].get_data()
    assert steps.edges[:-1].tolist() == [float(row["bin_low"]) for row in first]
    assert np.allclose(steps.baseline - steps.values, 0.8 * shares / shares.max())


def test_every_figure_names_rows_that_exist(figures: dict[str, ReportFigure], report: Path) -> None:
    assert [name for name, figure in figures.items() if not rows_of(figure, report)] == []


def test_falls_are_counted_over_all_episodes_and_defeats_are_battles_not_won(
    report: Path, runs: list[RunRecord]
) -> None:
    found = {(row["environment"], row["algorithm"]): row for row in table(report, "catastrophes")}
    own = [run.last for run in runs if (run.algo, run.env) == ("qmix", MMM2) and run.last is not None]
    row = found[MMM2, "qmix"]
    assert row["event"] == "defeat"
    assert int(row["times"]) == sum(not won for episodes in own for won in episodes.success)
    assert int(row["episodes"]) == 80
    assert float(row["low"]) < float(row["rate"]) < float(row["high"])


def test_the_paper_s_memory_stands_beside_ours(page: Reader, report: Path) -> None:
    (row,) = [row for row in table(report, "replay_memory") if row["map"] == "MMM2"]
    assert float(row["paper_gb"]) == 10.8
    assert float(row["measured_gb"]) == pytest.approx(30 * 2**20 / 1e9)
    assert "Table 3" in page.text


def test_marl_eval_s_file_has_steps_and_the_absolute_metrics_of_the_best_checkpoint(
    report: Path, runs: list[RunRecord]
) -> None:
    found = json.loads((report / "marl_eval.json").read_text(encoding="utf-8"))
    seed = found["smac"]["mmm2?backend=builtin"]["qmix"]["seed_1"]
    (run,) = [run for run in runs if (run.algo, run.env, run.seed) == ("qmix", MMM2, 1)]
    step = seed[list(seed)[2]]
    assert step == {
        "step_count": run.evaluations[2]["env_steps"],
        **{name: step[name] for name in seed["absolute_metrics"]},
    }
    assert step["return"] == [run.evaluations[2]["return_mean"]]
    assert run.best is not None
    assert seed["absolute_metrics"]["return"] == list(run.best.returns)
    assert seed["absolute_metrics"]["success_rate"] == [1.0] * 40


def test_marl_eval_s_file_leaves_out_numbers_that_are_not_known() -> None:
    rows = record().evaluations
    gaps = (rows[0] | {"fall_rate": None}, rows[1] | {"return_mean": float("nan")}, *rows[2:])
    steps = marl_eval(group_runs([record(env=BRIDGE, evaluations=gaps)]))["macn"]["bridge?slip=0.1"]["rmix"]["seed_0"]
    assert "fall_rate" not in steps["step_0"]
    assert "return" not in steps["step_1000"]


def test_an_older_report_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_report([], tmp_path, expected=PLANNED)
    (tmp_path / "figures" / "stale.png").write_bytes(b"")
    write_report([], tmp_path, expected=[("qmix", MMM2, (0,))])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "figures" / "stale.png").exists()
    assert "qmix" in Reader(tmp_path / "index.html").text


@pytest.mark.usefixtures("undrawn")
def test_allowed_mixtures_are_labelled_on_the_page(tmp_path: Path) -> None:
    mixed = [record(), record(seed=1, env_spec={"n_agents": 3})]
    text = Reader(write_report(mixed, tmp_path / "report", allow_mixed=True, resamples=9)).text
    assert "rmix (mixed)" in text
    assert "n_agents: 2 against 3" in text


def test_a_single_run_has_no_interval_on_the_page(tmp_path: Path) -> None:
    text = Reader(write_report([record(won=36), record("qmix")], tmp_path / "report", resamples=9)).text
    assert "(0.900 to 0.900)" not in text
    assert "0.900 (one run)" in text
    assert "-20.00 (one run)" in text


@pytest.mark.usefixtures("undrawn")
def test_several_equal_runs_keep_their_interval(tmp_path: Path) -> None:
    text = Reader(write_report([record(), record(seed=1)], tmp_path / "report", resamples=9)).text
    assert "0.900 (0.900 to 0.900)" in text


def test_only_planned_runs_make_a_page_too(tmp_path: Path) -> None:
    text = Reader(write_report([], tmp_path / "report", expected=PLANNED)).text
    assert "0 finished runs" in text
    assert "5 runs planned and not run" in text


def test_drawn_maps_have_files_of_their_own() -> None:
    maps = ["macn:S.G\\nCCC", "macn:S.G\\nC#C", "macn:" + 300 * "S" + "G", "macn:" + 300 * "S" + "CG"]
    names = [slug(text) for text in maps]
    assert len(set(names)) == len(maps)
    assert max(map(len, names)) < 100
    assert slug("macn:bridge?slip=0.1") == "macn-bridge-slip-0.1"


@pytest.mark.usefixtures("undrawn")
def test_figure_15_takes_its_four_algorithms_alone(tmp_path: Path, runs: list[RunRecord]) -> None:
    kept = [run for run in runs if run.env == MMM2] + [record("iql", MMM2)]
    folder = tmp_path / "report"
    text = Reader(write_report(kept, folder, is_figure_15=True, resamples=9)).text
    assert "Figure 15 of the RMIX paper" in text
    assert "SMAC-like simulator" in text
    assert {row["algorithm"]: row["state"] for row in table(folder, "cells")} == {
        "rmix": "2",
        "qmix": "2",
        "vdn": "not run",
        "rdn": "not run",
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_figure_is_the_same_file(kind: str, figures: dict[str, ReportFigure]) -> None:
    figure = figures["all-tasks-improvement"]
    assert picture(figure.draw(), kind) == picture(figure.draw(), kind)


def test_marl_eval_s_steps_have_one_name_in_all_runs_of_a_plan() -> None:
    runs = [record(env=BRIDGE, seed=seed) for seed in range(3)]  # each evaluation is 7, 8 and 9 steps late
    found = marl_eval(group_runs(runs))["macn"]["bridge?slip=0.1"]["rmix"]
    names = ["step_0", "step_1000", "step_2000", "step_3000", "step_4000", "absolute_metrics"]
    assert [list(found[f"seed_{seed}"]) for seed in range(3)] == [names] * 3
    assert [found[f"seed_{seed}"]["step_1000"]["step_count"] for seed in range(3)] == [1007, 1008, 1009]


def test_marl_eval_s_last_step_is_the_end_of_the_run_however_late_it_was_reached() -> None:
    rows = record().evaluations
    late = record(env=BRIDGE, evaluations=(*rows[:-1], rows[-1] | {"env_steps": 5002}))
    assert "step_4000" in marl_eval(group_runs([late]))["macn"]["bridge?slip=0.1"]["rmix"]["seed_0"]
