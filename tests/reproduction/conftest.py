"""What the tests of reproductions share."""

from __future__ import annotations

import pytest

from rmix_kit.results import RunRecord, record_of
from rmix_kit.training.absolute import evaluate_run
from rmix_kit.training.trainer import train
from tests.training.runs import tiny


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    folder = tmp_path_factory.mktemp("template") / "run"
    train(tiny(steps=300), folder)
    evaluate_run(folder)
    return record_of(folder)
