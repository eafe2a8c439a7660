"""One table names what is measured: no other file spells a metric."""

from __future__ import annotations

import ast
from pathlib import Path

from rmix_kit.metrics import METRICS
from tests.architecture.sources import PACKAGES, python_files, syntax_tree

TABLE = "rmix_kit/metrics.py"
OF_TYPES = {"rmix_kit/reports/scores.py": {"success_rate"}}  # a Literal takes no name


def written_in(file: Path) -> set[str]:
    """The metrics whose names a file spells as text of its own."""
    texts = {node.value for node in ast.walk(syntax_tree(file)) if isinstance(node, ast.Constant)}
    return texts & METRICS.keys()


def test_no_other_file_spells_a_metric() -> None:
    found = [
        f"{file}: {', '.join(sorted(spelled))}"
        for file in python_files(*PACKAGES)
        if str(file) != TABLE and (spelled := written_in(file) - OF_TYPES.get(str(file), set()))
    ]
    assert not found, "\n".join(found)
