"""Pictures are written as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rmix_kit.errors import ShapeError
from rmix_kit.plotting.png import write_png


def test_another_program_reads_the_same_picture(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(256, size=(7, 5, 3), dtype=np.uint8)
    write_png(tmp_path / "picture.png", picture)
    with Image.open(tmp_path / "picture.png") as read:
        assert np.array_equal(np.asarray(read), picture)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 4), (0, 5, 3)])
def test_what_is_no_picture_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="height, width, 3"):
        write_png(tmp_path / "picture.png", np.zeros(shape, dtype=np.uint8))
