from __future__ import annotations

from pathlib import Path

import pytest

from rmix_kit.config.load import resolve
from rmix_kit.errors import RmixKitError, RunFolderError
from rmix_kit.sweeps.plan import label_of
from rmix_kit.sweeps.sweep_file import read_sweep_file
from tests.architecture.sources import ROOT
from tests.sweeps.sweeps import SMALL, file_of, planned


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(RmixKitError) as caught:
        planned(folder, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("steps: 500", "stepz: 500", "did you mean 'steps'"),
        ("steps: 500", "jobs: 0\nsteps: 500", "jobs is 0"),
        ("steps: 500", "", "has no steps"),
        ("seeds: 0-1", "", "seeds is missing"),
        ("seeds: 0-1", "seed: 0-1", "there is no 'seed'; did you mean 'seeds'"),
        ("seeds: 0-1", "seeds: 0-99999999999", "at most 10000 seeds"),
        ("seeds: 0-1", "seeds: 1-0", "seeds has '1-0'"),
        ("seeds: 0-1", "seeds: [0, 0-2]", "seeds names 0 twice"),
        ("[iql, vdn]", "[iql, {algo: vdn, presett: vdn-paper}]", "did you mean 'preset'"),
        ("[iql, vdn]", "[iql, {preset: vdn-paper}]", "lacks algo"),
        ("[iql, vdn]", "[iql, vdnn]", "did you mean 'vdn'"),
        ("[iql, vdn]", "[vdn, vdn]", "called vdn; give each a name"),
        ("[iql, vdn]", "[iql, {algo: vdn, name: a/b}]", "name is 'a/b'"),
        ("macn:4x7", "macn:4x77", "sweep.yaml: environment 'macn:4x77"),
        ("checkpoint_interval", "checkpoint_intervall", "did you mean 'checkpoint_interval'"),
        ("checkpoint_interval: 200", "checkpoint_interval: 2020-01-01", "checkpoint_interval is '2020-01-01'"),
        ("evaluation: false", "storage: nowhere://bucket/first", "storage is 'nowhere://bucket/first'"),
        ("checkpoint_interval: 200", "threads: 2", "give threads: for the whole sweep"),
    ],
)
def test_mistake_is_reported_in_one_line_before_anything_starts(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert said in complaint(tmp_path, SMALL.replace(before, after))
    assert not (tmp_path / "out").exists()


def test_unknown_key_is_reported_with_its_line(tmp_path: Path) -> None:
    assert "sweep.yaml:5: there is no 'stepz'" in complaint(tmp_path, SMALL.replace("steps: 500", "stepz: 500"))


def test_runs_are_all_combinations_with_names_of_their_own(tmp_path: Path) -> None:
    names = [run.name for run in planned(tmp_path, SMALL).runs]
    assert names == [f"{algo}_macn-4x7-max-steps=20_seed-{seed}" for seed in (0, 1) for algo in ("iql", "vdn")]


def test_values_of_the_algorithm_win_over_the_environments_and_those_over_the_sweeps(tmp_path: Path) -> None:
    text = """
    algorithms: [vdn, {algo: vdn, name: mine, set: {training.batch_size: 3}}]
    environments: [macn:4x7, {env: "macn:4x11", steps: 90, set: {batch_size: 2, num_envs: 2}}]
    seeds: 7
    steps: 50
    set: {training.batch_size: 1, training.num_envs: 1}
    """
    found = {}
    for run in planned(tmp_path, text).runs:
        overrides = [word for option, word in zip(run.options, run.options[1:], strict=False) if option == "--set"]
        training = resolve(algo="vdn", env=run.env, seed=run.seed, steps=run.steps, overrides=overrides).training
        found[run.algo, run.env] = (training.batch_size, training.num_envs, run.steps)
    assert found == {
        ("vdn", "macn:4x7"): (1, 1, 50),
        ("mine", "macn:4x7"): (3, 1, 50),
        ("vdn", "macn:4x11"): (2, 2, 90),
        ("mine", "macn:4x11"): (3, 2, 90),
    }


def test_settings_may_be_nested_as_in_a_configuration(tmp_path: Path) -> None:
    frame = "algorithms: [vdn]\nenvironments: [macn:4x7]\nseeds: 0\nsteps: 50\n"
    flat = frame + "set: {algorithm.hidden_size: 32, training.target.rate: 0.5}"
    nested = frame + "set: {algorithm: {hidden_size: 32}, training: {target: {rate: 0.5}}}"
    options = [[run.options for run in planned(tmp_path, text).runs] for text in (flat, nested)]
    assert options[0] == options[1]
    assert "algorithm.hidden_size=32" in options[0][0]


def test_long_environment_texts_have_short_names_that_differ() -> None:
    first, second = (f"matrix:{[[number] * 40] * 2}" for number in (1, 2))
    assert label_of(first) != label_of(second)
    assert len(label_of(first)) <= 60


def test_folder_with_another_configuration_is_refused_before_anything_starts(tmp_path: Path) -> None:
    run = planned(tmp_path).runs[0]
    config = resolve(algo="iql", env=run.env, seed=5, steps=500)
    folder = tmp_path / "out" / "runs" / run.name
    folder.mkdir(parents=True)
    import yaml

    (folder / "config.yaml").write_text(yaml.safe_dump(config.to_dict()))
    (folder / "metrics.jsonl").touch()
    with pytest.raises(RunFolderError, match="seed is 5 there and 0 here"):
        planned(tmp_path)


def test_example_is_a_sweep_of_eighteen_runs(tmp_path: Path) -> None:
    from rmix_kit.sweeps.plan import plan

    assert len(plan(read_sweep_file(ROOT / "examples" / "sweep.yaml"), tmp_path / "out").runs) == 18


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RmixKitError, match=r"absent\.yaml cannot be read"):
        read_sweep_file(file_of(tmp_path).with_name("absent.yaml"))
