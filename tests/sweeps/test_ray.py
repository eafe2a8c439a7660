"""Two Ray nodes on this machine, one of which is killed in the middle (`make test-ray`)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.ray_cluster import ray_cluster
from tests.sweeps.sweeps import SMALL, end, file_of, metrics, start, until

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::ResourceWarning:ray")]
INTERVAL = 500
TEXT = SMALL.replace("steps: 500", "steps: 4000").replace(
    "checkpoint_interval: 200", f"checkpoint_interval: {INTERVAL}"
)
ROUND = 4 * 20  # environment steps of one round: four copies, at most 20 steps each


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head with one processor."""
    with ray_cluster(monkeypatch) as made:
        yield made


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same sweep by the local engine."""
    folder = tmp_path_factory.mktemp("local")
    code, _, complaint = end(start(file_of(folder, TEXT), folder / "out"))
    assert code == 0, complaint
    return folder / "out"


def rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def reached(place: Path) -> dict[str, int]:
    """The environment steps of the last row of each run's metrics."""
    return {p.parent.name: ([0] + [row["env_steps"] for row in rows(p)])[-1] for p in place.glob("*/metrics.jsonl")}


def descendants(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(number) for thread in threads for number in thread.read_text().split()]
    return found + [further for child in found for further in descendants(child)]


def switch_off(cluster: Any, node: Any) -> None:
    """End everything on a node before it can say or save anything, as when a machine loses its power."""
    (raylet,) = node.all_processes["raylet"]
    pids = descendants(raylet.process.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
        if number == signal.SIGSTOP:
            cluster.remove_node(node, allow_graceful=False)


@pytest.mark.parametrize("is_shared", [True, False], ids=["shared folder", "object store"])
def test_sweep_on_two_nodes_survives_the_death_of_one(
    cluster: Any, local: Path, tmp_path: Path, is_shared: bool
) -> None:
    second = cluster.add_node(num_cpus=1)
    storage = tmp_path / "store"
    text = TEXT if is_shared else f"{TEXT}\nstorage: file://{storage}\n"
    out, place = tmp_path / "out", tmp_path / "out" / "runs" if is_shared else storage
    process = start(file_of(tmp_path, text), out, "--engine", "ray", "--address", cluster.address, "--json")
    until(lambda: sum(step > INTERVAL + 2 * ROUND for step in reached(place).values()) >= 2)  # a checkpoint lies there
    at_the_kill = reached(place)
    switch_off(cluster, second)
    code, said, complaint = end(process)
    assert code == 0, complaint
    assert metrics(out) == metrics(local)
    attempts = {run["name"]: run["attempts"] for run in json.loads(said)["runs"]}
    assert sorted(attempts.values()) == [1, 1, 1, 2], complaint  # what the dead node held, and nothing else
    (again,) = [name for name, count in attempts.items() if count == 2]
    begun = [row["env_steps"] for row in rows(out / "runs" / again / "origin.jsonl")]
    assert 0 <= at_the_kill[again] - begun[-1] <= INTERVAL + ROUND
    assert begun[-1] >= INTERVAL


def test_interrupted_sweep_leaves_nothing_running_on_the_cluster(cluster: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = file_of(tmp_path, TEXT.replace("steps: 4000", "steps: 1000000"))
    process = start(file, out, "--engine", "ray", "--address", cluster.address)
    until(lambda: any(step > 0 for step in reached(out / "runs").values()))
    process.terminate()
    code, _, complaint = end(process)
    assert code == 143, complaint
    (log,) = out.glob("logs/*.log")
    assert "interrupted by signal 15: step_" in log.read_text()


def test_runs_side_by_side_are_as_many_as_the_nodes_hold(cluster: Any, tmp_path: Path) -> None:
    import ray

    from rmix_kit.sweeps.ray_engine import RayEngine
    from tests.sweeps.sweeps import planned

    ray.init(address=cluster.address)
    try:
        engine = RayEngine(planned(tmp_path, f"{TEXT}\nresources: {{cpus: 0.25}}\n"), None)
        assert engine._room_for(engine._plan.runs[0]) == 4
    finally:
        ray.shutdown()
