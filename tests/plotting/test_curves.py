"""Learning curves in someone's own axes."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import rmix_kit.plotting
from rmix_kit.errors import ConfigError, MissingExtraError, RecordError
from rmix_kit.results import write_record
from tests.reports.records import BRIDGE, MMM2, record


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def labels(ax: Axes) -> list[str]:
    return [str(label) for label in ax.get_legend_handles_labels()[1]]


def test_seeds_of_one_algorithm_are_one_line_with_the_mean_and_its_band(ax: Axes) -> None:
    runs = [record(seed=0, successes=(0.0, 0.5)), record(seed=1, successes=(0.5, 1.0)), record("qmix")]
    assert rmix_kit.plotting.curves(runs, metric="success_rate", ax=ax) is ax
    assert labels(ax) == ["rmix", "qmix"]
    assert ax.get_lines()[0].get_ydata() == pytest.approx([0.25, 0.75])
    band = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])[:, 1]
    assert set(band.round(9).tolist()) == {0.0, 0.5, 1.0}
    assert [ax.get_title(), ax.get_ylabel()] == ["macn:4x7", "test success rate"]


def test_folders_files_and_loaded_runs_are_taken(tmp_path: Path, ax: Axes) -> None:
    for algo in ("rmix", "qmix"):
        write_record(tmp_path / "all" / f"{algo}.json", record(algo))
    write_record(tmp_path / "vdn.json", record("vdn"))
    loaded: Any = SimpleNamespace(path=tmp_path / "all")  # of `rmix_kit.load`: what matters is its path
    rmix_kit.plotting.curves([loaded, str(tmp_path / "vdn.json")], ax=ax)
    assert labels(ax) == ["rmix", "qmix", "vdn"]
    alone = Figure().subplots()
    rmix_kit.plotting.curves(tmp_path / "all", ax=alone)
    assert labels(alone) == ["rmix", "qmix"]


def test_the_exact_optimum_is_a_line_across_the_returns(ax: Axes) -> None:
    rmix_kit.plotting.curves([record()], ax=ax)
    assert list(ax.get_lines()[-1].get_ydata()) == [-7.0, -7.0]
    assert [text.get_text() for text in ax.texts] == ["exact optimum"]


def test_pyplot_s_axes_are_drawn_into_where_none_are_given() -> None:
    import matplotlib.pyplot as plt

    ax = plt.figure().subplots()
    assert rmix_kit.plotting.curves([record()]) is ax
    plt.close(ax.figure)


def test_one_of_several_environments_is_chosen(ax: Axes) -> None:
    runs = [record(env=BRIDGE), record(env=MMM2)]
    with pytest.raises(ConfigError, match="choose it as env="):
        rmix_kit.plotting.curves(runs, ax=ax)
    with pytest.raises(ConfigError, match="'macn:4x7'"):
        rmix_kit.plotting.curves(runs, ax=ax, env="macn:4x7")
    rmix_kit.plotting.curves(runs, ax=ax, env=BRIDGE)
    assert ax.get_title() == BRIDGE


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"metric": "sucess_rate"}, "did you mean 'success_rate'"), ({"band": "sdt"}, "did you mean 'std'")],
)
def test_a_misspelt_word_is_refused_with_the_nearest_one(changes: dict[str, Any], words: str, ax: Axes) -> None:
    with pytest.raises(ConfigError, match=words):
        rmix_kit.plotting.curves([record()], ax=ax, **changes)


def test_runs_that_are_not_there_or_not_finished_are_refused(tmp_path: Path, ax: Axes) -> None:
    with pytest.raises(RecordError, match="there is no"):
        rmix_kit.plotting.curves(tmp_path / "none", ax=ax)
    with pytest.raises(RecordError, match="no finished run"):
        rmix_kit.plotting.curves([record(is_finished=False)], ax=ax)


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import_module = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")
        return import_module(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"install it with: pip install 'rmix-kit\[plot\]'"):
        rmix_kit.plotting.curves([record()])
