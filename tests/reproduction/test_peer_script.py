from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rmix_kit.reproduction.peers import read_peer

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "long" / "epymarl_peer.py"
STAND_IN = """#!{python}
import json, pathlib, sys
if sys.argv[1] == "-c":
    print(json.dumps({{"torch": "0"}}))
    raise SystemExit
assert pathlib.Path(sys.argv[2], "src").is_symlink()
if "seed=9" in sys.argv:
    raise SystemExit("no such seed")
folder = pathlib.Path(sys.argv[2], "results", "sacred", "qmix", "key", "1")
folder.mkdir(parents=True)
number = {{"py/object": "numpy.float64", "dtype": "float64", "value": -3.5}}
rows = {{"test_return_mean_T": [25, 1025], "test_return_mean": [number, -2], "test_return_std": [number, 1]}}
(folder / "info.json").write_text(json.dumps(rows))
(folder / "config.json").write_text(json.dumps({{"arguments": sys.argv[3:], "local_results_path": "here"}}))
"""


def checkout(tmp_path: Path) -> tuple[Path, Path]:
    repository, python = tmp_path / "checkout", tmp_path / "python"
    (repository / "src").mkdir(parents=True)
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)
    python.write_text(STAND_IN.format(python=sys.executable))
    python.chmod(0o755)
    return repository, python


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    repository, python = checkout(tmp_path)
    command = [sys.executable, str(SCRIPT), str(repository), "--python", str(python), "--out", str(tmp_path / "peer")]
    return subprocess.run(
        [*command, "--steps", "1000", "--tasks", "spread", *arguments], capture_output=True, text=True
    )


def test_a_run_is_recorded_as_the_reproduction_reads_it(tmp_path: Path) -> None:
    finished = run(tmp_path, "--algorithms", "qmix", "--seeds", "3", "--set", "use_rnn=True")
    assert finished.returncode == 0, finished.stderr
    record = read_peer(tmp_path / "peer" / "qmix_spread_seed-3.json")
    assert (record.task, record.algo, record.seed, record.steps) == ("spread", "qmix", 3, 1000)
    assert record.evaluations[0] == {"env_steps": 25, "return_mean": -3.5, "return_std": -3.5}
    assert record.changed == ("use_rnn=True",)
    assert {"t_max=1000", "test_interval=50000", "use_rnn=True", "seed=3"} <= set(record.config["arguments"])
    assert "local_results_path" not in record.config
    assert len(record.commit) == 40


def test_a_run_that_fails_leaves_no_record_and_says_what_was_said(tmp_path: Path) -> None:
    finished = run(tmp_path, "--algorithms", "qmix", "--seeds", "9")
    assert finished.returncode == 1
    assert "no such seed" in finished.stdout
    assert not list((tmp_path / "peer").glob("*"))


def test_what_is_recorded_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "peer").mkdir()
    kept = tmp_path / "peer" / "qmix_spread_seed-9.json"
    kept.write_text(json.dumps({}))
    assert run(tmp_path, "--algorithms", "qmix", "--seeds", "9").returncode == 0
    assert kept.read_text() == "{}"
