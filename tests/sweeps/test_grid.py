"""Lists of values in a sweep's file are grids."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.errors import RmixKitError
from rmix_kit.reports.variants import name_variants
from rmix_kit.results.folder import record_of
from rmix_kit.sweeps.plan import plan
from rmix_kit.sweeps.sweep_file import read_sweep_file
from tests.architecture.sources import ROOT
from tests.sweeps.sweeps import SMALL, file_of, planned

GRID = SMALL.replace("training.batch_size: 8", "training.batch_size: [8, 4]\n  algorithm.learning_rate: [5e-4, 1e-3]")


def with_set(**values: Any) -> str:
    return SMALL + "".join(f"  {name}: {json.dumps(value)}\n" for name, value in values.items())


def test_every_combination_is_a_run_with_a_name_that_tells_it(tmp_path: Path) -> None:
    runs = planned(tmp_path, GRID.replace("[iql, vdn]", "[vdn]")).runs
    ends = [f"batch-size={size}-learning-rate={rate}" for size, rate in product((8, 4), ("0.0005", "0.001"))]
    assert [run.name for run in runs] == [f"vdn-{end}_macn-4x7-max-steps=20_seed-{s}" for s in (0, 1) for end in ends]
    assert [run.algo for run in runs[:4]] == [f"vdn-{end}" for end in ends]
    assert len({run.options for run in runs}) == 8
    assert "algorithm.learning_rate=0.0005" in runs[0].options


def test_a_value_over_a_grid_ends_it(tmp_path: Path) -> None:
    text = GRID.replace("[iql, vdn]", "[{algo: vdn, set: {batch_size: 2, learning_rate: [1e-4, 1e-5, 1e-6]}}]")
    runs = planned(tmp_path, text).runs
    assert len(runs) == 6
    assert all("training.batch_size=2" in run.options for run in runs)


def test_a_setting_that_is_a_list_takes_one_and_several(tmp_path: Path) -> None:
    one = planned(tmp_path, with_set(image_channels=[8, 16])).runs
    assert all("algorithm.image_channels=[8, 16]" in run.options for run in one)
    assert len(one) == 4
    several = planned(tmp_path, with_set(image_channels=[[8, 16], [4]])).runs
    assert {run.algo for run in several} == {f"{a}-image-channels={c}" for a in ("iql", "vdn") for c in ("8-16", "4")}


def test_words_and_truths_may_vary(tmp_path: Path) -> None:
    runs = planned(tmp_path, with_set(optimizer=["adam", "rmsprop"], has_bounded_targets=[True, False])).runs
    assert "iql-optimizer=adam-has-bounded-targets=true" in {run.algo for run in runs}
    assert len(runs) == 16


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gamma": []}, "set gives algorithm.gamma no value"),
        ({"gamma": [0.9, 0.9]}, "the value 0.9 twice"),
        ({"gamma": [0.9, 2]}, "algorithm.gamma is 2"),
        ({"gamma": [0.9, [0.8]]}, "may not be mixed"),
        ({"image_channels": [[8], 4]}, "may not be mixed"),
        ({"training.threads": [1, 2]}, "give threads: for the whole sweep"),
        ({"env": [1]}, "there is no env"),
        ({"keep_checkpoints": [*range(1, 999)], "evaluation_copies": [*range(1, 999)]}, "gives 996,004 combinations"),
    ],
)
def test_a_grid_that_is_wrong_is_one_line(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RmixKitError) as caught:
        planned(tmp_path, with_set(**values))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_example_is_planned() -> None:
    assert len(plan(read_sweep_file(ROOT / "examples" / "grid.yaml"), Path("nowhere")).runs) == 12


def test_runs_of_a_grid_are_reported_by_group(tmp_path: Path) -> None:
    text = SMALL.replace("[iql, vdn]", "[vdn]").replace("steps: 500", "steps: 40").replace("seeds: 0-1", "seeds: 0")
    file = file_of(tmp_path, text.replace("training.batch_size: 8", "training.batch_size: [8, 4]"))
    result = CliRunner().invoke(main, ["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "2", "--json"])
    assert result.exit_code == 0, result.output
    runs = json.loads(result.stdout)["runs"]
    assert [run["algo"] for run in runs] == ["vdn-batch-size=8", "vdn-batch-size=4"]
    named = name_variants(record_of(Path(run["folder"])) for run in runs)
    assert [record.algo for record in named] == ["vdn batch_size=8", "vdn batch_size=4"]
