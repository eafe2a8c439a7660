"""Curves are readable at the width of a column."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from rmix_kit.plotting.lines import MOST_TOGETHER, Curve, Level, Panel, draw_curves
from rmix_kit.plotting.rows import Row, draw_intervals
from rmix_kit.plotting.style import ALGORITHMS, looks_of

SMALLEST_POINTS = 7.0
TOGETHER = ALGORITHMS[:MOST_TOGETHER]


def panel(*algorithms: str, title: str = "macn:4x12") -> Panel:
    x = [0.0, 1e5, 2e5]
    return Panel(
        title=title,
        curves=tuple(
            Curve(algorithm=name, label=name, x=x, middle=[0.0, 0.5, 1.0], low=[0.0, 0.4, 0.9], high=[0.1, 0.6, 1.0])
            for name in algorithms
        ),
    )


def drawn(*panels: Panel) -> Figure:
    figure = draw_curves(panels, x_label="environment steps", y_label="test return")
    figure.draw_without_rendering()
    return figure


LEGENDS = ([ALGORITHMS[:1]], [TOGETHER], [TOGETHER, ALGORITHMS[MOST_TOGETHER:12], ALGORITHMS[12:]])


@pytest.mark.parametrize("groups", LEGENDS)
def test_the_legend_lies_outside_the_data(groups: list[tuple[str, ...]]) -> None:
    figure = drawn(*[panel(*group) for group in groups])
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(box) for axes in figure.axes if (box := axes.get_tightbbox()) is not None)
    assert len(figure.legends[0].get_texts()) == sum(map(len, groups))


@pytest.mark.parametrize("groups", LEGENDS)
def test_nothing_is_cut_off_at_the_edge(groups: list[tuple[str, ...]]) -> None:
    figure = drawn(*[panel(*group) for group in groups])
    parts = [figure.legends[0].get_window_extent(), *[axes.get_tightbbox() for axes in figure.axes]]
    assert all(part is not None and figure.bbox.padded(1.0).containsx(part.x0) for part in parts)
    assert all(part is not None and figure.bbox.padded(1.0).containsx(part.x1) for part in parts)
    assert all(part is not None and figure.bbox.padded(1.0).containsy(part.y0) for part in parts)


def test_the_data_keep_half_of_a_crowded_figure() -> None:
    figure = drawn(panel(*TOGETHER))
    assert figure.axes[0].get_window_extent().height > 0.4 * figure.bbox.height


def test_curves_too_many_for_one_panel_stand_apart_each_before_all_others() -> None:
    figure = drawn(panel(*reversed(ALGORITHMS)))
    assert figure.get_figwidth() * 25.4 == pytest.approx(85.0)
    assert [axes.get_title() for axes in figure.axes] == list(ALGORITHMS)
    assert not figure.legends
    for axes, name in zip(figure.axes, ALGORITHMS, strict=True):
        assert len(axes.lines) == len(ALGORITHMS) + 1
        assert axes.lines[-1].get_label() == name
        assert axes.lines[-1].get_color() == looks_of([name])[name].colour
        assert len(axes.collections) == 1
        assert axes.get_ylim() == figure.axes[0].get_ylim()


@pytest.mark.parametrize("count", [MOST_TOGETHER + 1, 9, len(ALGORITHMS)])
@pytest.mark.parametrize("titles", [[""], ["macn:bridge?slip=0.1&include_position=true"], ["macn:4x12", "macn:4x15"]])
def test_small_panels_are_readable_and_stay_inside_the_figure(count: int, titles: list[str]) -> None:
    figure = drawn(*[panel(*ALGORITHMS[:count], title=title) for title in titles])
    edge = figure.bbox.padded(1.0)
    boxes = [box for axes in figure.axes if (box := axes.get_tightbbox()) is not None]
    assert len(boxes) == count * len(titles)
    assert all(edge.containsx(box.x0) and edge.containsx(box.x1) for box in boxes)
    assert all(edge.containsy(box.y0) and edge.containsy(box.y1) for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    words = [axes.title for axes in figure.axes] + [word for axes in figure.axes for word in axes.get_xticklabels()]
    assert min(word.get_fontsize() for word in words) >= SMALLEST_POINTS
    numbered = [axes for axes in figure.axes if any(word.get_visible() for word in axes.get_xticklabels())]
    assert len(numbered) == len(titles) * min(count, 3 if len(titles) == 1 else 7)  # the lowest of each column


def test_one_crowded_panel_parts_the_curves_of_all() -> None:
    figure = drawn(panel(*ALGORITHMS), panel("qmix", "rmix"))
    assert figure.get_figwidth() * 25.4 == pytest.approx(178.0)
    assert [axes.get_title() for axes in figure.axes] == [*ALGORITHMS, "rmix", "qmix"]


def test_one_panel_is_as_wide_as_a_column_and_several_as_a_page() -> None:
    assert drawn(panel("rmix")).get_figwidth() * 25.4 == pytest.approx(85.0)
    assert drawn(panel("rmix"), panel("qmix")).get_figwidth() * 25.4 == pytest.approx(178.0)


@pytest.mark.parametrize("title", ["pettingzoo:$\\frac{a}$", "pettingzoo:my_$a^$b_{"])
def test_dollars_in_a_title_are_dollars(title: str) -> None:
    assert drawn(panel("rmix", title=title)).axes[0].get_title() == title


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("title", ["macn:bridge?slip=0.1&include_position=true", "macn:" + 40 * "S..CCC...G"])
def test_long_titles_stay_above_their_own_panel(title: str, count: int) -> None:
    figure = drawn(*[panel("rmix", title=title)] * count)
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(figure.bbox.containsx(end) for box in boxes for end in (box.x0, box.x1))
    assert not any(left.overlaps(right) for left, right in itertools.pairwise(boxes))


def test_type_is_large_enough() -> None:
    figure = drawn(panel("rmix"))
    axes = figure.axes[0]
    words = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *figure.legends[0].get_texts()]
    assert min(word.get_fontsize() for word in words) >= SMALLEST_POINTS


def test_an_algorithm_in_two_panels_stands_once_in_the_legend() -> None:
    figure = drawn(panel("rmix", "vdn"), panel("qmix", "rmix"))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["rmix", "qmix", "vdn"]


def test_the_first_row_of_estimates_is_on_top() -> None:
    rows = [Row(algorithm=name, label=name, value=0.5, low=0.4, high=0.6) for name in ("rmix", "qmix")]
    axes = draw_intervals(rows, x_label="IQM").axes[0]
    low, high = axes.get_ylim()
    assert low > high
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rmix", "qmix"]


def test_lines_across_stand_where_they_belong_and_those_on_one_another_are_one_with_both_names() -> None:
    levels = (Level(label="kite", y=0.96), Level(label="nearest", y=0.5), Level(label="best known", y=0.98))
    figure = draw_curves([replace(panel("qmix"), levels=levels)], x_label="x", y_label="y", y_range=(0.0, 1.0))
    (axes,) = figure.axes
    said = {text.get_text(): text.xy[1] for text in axes.texts}
    assert said == {"nearest": 0.5, "kite, best known": pytest.approx(0.97)}
    dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == [0.5, pytest.approx(0.97)]
    assert all(text.get_fontsize() >= SMALLEST_POINTS for text in axes.texts)
