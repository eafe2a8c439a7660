"""Nothing in the packages can run code from a file, hide a warning or reach a global seed; no text names a machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, calls_of, imports_of, project_files, python_files, syntax_tree

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

packages = pytest.mark.parametrize("file", python_files(*PACKAGES), ids=str)


def _texts() -> list[Path]:
    return [file for file in project_files() if b"\0" not in (ROOT / file).read_bytes()]


@packages
def test_no_module_that_unpickles_is_imported(file: Path) -> None:
    found = [entry for entry in imports_of(file) if entry.target.split(".")[0] in UNPICKLING_MODULES]
    assert not found


@packages
def test_no_unsafe_call_is_made(file: Path) -> None:
    found = [
        f"{file}:{call.lineno}: {name}: {UNSAFE_CALLS[name]}"
        for name, call in calls_of(syntax_tree(file))
        if name in UNSAFE_CALLS
    ]
    assert not found, "\n".join(found)


@packages
def test_numpy_files_are_loaded_without_pickle(file: Path) -> None:
    for name, call in calls_of(syntax_tree(file)):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        allowed = given.get("allow_pickle")
        is_refused = isinstance(allowed, ast.Constant) and allowed.value is False
        assert allowed is None or is_refused, f"{file}:{call.lineno}: allow_pickle"
        if name in {"np.load", "numpy.load"}:
            assert is_refused, f"{file}:{call.lineno}: say allow_pickle=False"


@packages
def test_no_bare_except(file: Path) -> None:
    found = [
        node.lineno for node in ast.walk(syntax_tree(file)) if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not found, f"{file}: lines {found}"


def _inside(tree: ast.Module, manager: str) -> set[ast.AST]:
    """Everything inside a `with` block of that context manager."""
    return {
        inner
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and any(manager in ast.unparse(item.context_expr) for item in block.items)
        for inner in ast.walk(block)
    }


@packages
def test_warnings_are_filtered_only_inside_catch_warnings(file: Path) -> None:
    tree = syntax_tree(file)
    caught = _inside(tree, "catch_warnings")
    found = [
        call.lineno for name, call in calls_of(tree) if name.split(".")[-1] in WARNING_FILTERS and call not in caught
    ]
    assert not found, f"{file}: lines {found} change the warnings of the whole process"


@packages
def test_global_seeds_are_set_only_inside_fork_rng(file: Path) -> None:
    # torch's initialisers know no generator; inside fork_rng the process's own stream is put back afterwards.
    tree = syntax_tree(file)
    forked = _inside(tree, "fork_rng")
    found = [call.lineno for name, call in calls_of(tree) if name in GLOBAL_SEEDS and call not in forked]
    assert not found, f"{file}: lines {found} seed the whole process"


@pytest.mark.parametrize("file", _texts(), ids=str)
def test_text_names_no_machine_and_no_registry(file: Path) -> None:
    found = [
        f"{file}:{number}: {line.strip()[:100]}"
        for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line) or REGISTRY_HOST.search(line)
    ]
    assert not found, "\n".join(found)
