"""Nothing in the packages can run code from a file, hide a warning or reach a global seed; no text names a machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.architecture.sources import (
    PACKAGES,
    calls_of,
    imports_of,
    nodes_of,
    project_files,
    python_files,
    text_lines,
)

UNPICKLING_MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {
    "torch.load": "it unpickles",
    "torch.save": "it pickles",
    "torch.export.load": "it unpickles",
    "torch.export.save": "it pickles",
    "yaml.load": "use yaml.safe_load",
    "yaml.load_all": "use yaml.safe_load_all",
    "yaml.full_load": "use yaml.safe_load",
    "yaml.unsafe_load": "use yaml.safe_load",
    "eval": "it runs text",
    "exec": "it runs text",
}
GLOBAL_SEEDS = {"torch.manual_seed", "torch.cuda.manual_seed_all", "np.random.seed", "numpy.random.seed", "random.seed"}
WARNING_FILTERS = {"filterwarnings", "simplefilter"}
# Written so that this file does not match them itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/>-])/(?:" + "|".join(["work", "root", "home", "opt", "Users", "mnt"]) + r")/\w")
REGISTRIES = [("pypi", "org"), ("pythonhosted", "org"), ("pytorch", "org", "whl"), ("anaconda", "org")]
REGISTRY_HOST = re.compile("|".join(r"[./]".join(host) for host in REGISTRIES))


def _in_packages(complaints: Callable[[Path], Iterable[tuple[int, str]]]) -> str:
    """Every complaint about a file of the packages, one a line with its place."""
    return "\n".join(f"{file}:{line}: {what}" for file in python_files(*PACKAGES) for line, what in complaints(file))


def test_no_module_that_unpickles_is_imported() -> None:
    found = _in_packages(
        lambda file: [
            (entry.line, f"imports {entry.target}")
            for entry in imports_of(file)
            if entry.target.split(".")[0] in UNPICKLING_MODULES
        ]
    )
    assert not found, found


def test_no_unsafe_call_is_made() -> None:
    found = _in_packages(
        lambda file: [
            (call.lineno, f"{name}: {UNSAFE_CALLS[name]}") for name, call in calls_of(file) if name in UNSAFE_CALLS
        ]
    )
    assert not found, found


def _pickle_complaints(file: Path) -> Iterator[tuple[int, str]]:
    for name, call in calls_of(file):
        allowed = {keyword.arg: keyword.value for keyword in call.keywords}.get("allow_pickle")
        is_refused = isinstance(allowed, ast.Constant) and allowed.value is False
        if allowed is not None and not is_refused:
            yield call.lineno, "allow_pickle"
        elif name in {"np.load", "numpy.load"} and not is_refused:
            yield call.lineno, "say allow_pickle=False"


def test_numpy_files_are_loaded_without_pickle() -> None:
    found = _in_packages(_pickle_complaints)
    assert not found, found


def test_no_bare_except() -> None:
    found = _in_packages(
        lambda file: [
            (node.lineno, "bare except")
            for node in nodes_of(file)
            if isinstance(node, ast.ExceptHandler) and node.type is None
        ]
    )
    assert not found, found


def _inside(file: Path, manager: str) -> set[ast.AST]:
    """Everything inside a `with` block of that context manager."""
    return {
        inner
        for block in nodes_of(file)
        if isinstance(block, ast.With) and any(manager in ast.unparse(item.context_expr) for item in block.items)
        for inner in ast.walk(block)
    }


def test_warnings_are_filtered_only_inside_catch_warnings() -> None:
    found = _in_packages(
        lambda file: [
            (call.lineno, "changes the warnings of the whole process")
            for name, call in calls_of(file)
            if name.split(".")[-1] in WARNING_FILTERS and call not in _inside(file, "catch_warnings")
        ]
    )
    assert not found, found


def test_global_seeds_are_set_only_inside_fork_rng() -> None:
    # torch's initialisers know no generator; inside fork_rng the process's own stream is put back afterwards.
    found = _in_packages(
        lambda file: [
            (call.lineno, "seeds the whole process")
            for name, call in calls_of(file)
            if name in GLOBAL_SEEDS and call not in _inside(file, "fork_rng")
        ]
    )
    assert not found, found


def test_texts_name_no_machine_and_no_registry() -> None:
    found = [
        f"{file}:{number}: {line.strip()[:100]}"
        for file in project_files()
        for number, line in enumerate(text_lines(file), start=1)
        if MACHINE_PATH.search(line) or REGISTRY_HOST.search(line)
    ]
    assert not found, "\n".join(found)
