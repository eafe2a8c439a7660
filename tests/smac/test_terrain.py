"""Ways around walls."""

from __future__ import annotations

import numpy as np

from rmix_kit.smac.maps import MAP_SIZE
from rmix_kit.smac.terrain import waypoints


def test_nothing_is_in_the_way_on_a_rectangle() -> None:
    pathing = np.zeros((MAP_SIZE, MAP_SIZE), dtype=np.bool_)
    pathing[4:9, 10:13] = True
    assert waypoints(pathing) is None


def test_a_blocked_cell_is_walked_around() -> None:
    pathing = np.zeros((MAP_SIZE, MAP_SIZE), dtype=np.bool_)
    pathing[4:9, 10:13] = True
    pathing[6, 10:12] = False
    table = waypoints(pathing)
    assert table is not None
    before, behind = 5 * MAP_SIZE + 10, 7 * MAP_SIZE + 10
    column, row = divmod(int(table[before * MAP_SIZE * MAP_SIZE + behind]), MAP_SIZE)
    assert pathing[column, row]
    assert row > 10
    assert table[before * MAP_SIZE * MAP_SIZE + before + 1] == -1  # in sight
