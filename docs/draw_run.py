"""Draws an exported team's walk on a MACN map: `python docs/draw_run.py AGENTS LAYOUT PICTURE.png`."""

from __future__ import annotations

import sys
from pathlib import Path

from rmix_kit.cli.demo import draw
from rmix_kit.playing.isolation import IsolatedTeam

if __name__ == "__main__":
    agents, layout, picture = sys.argv[1:]
    with IsolatedTeam(Path(agents), "onnx") as team:
        draw(team, Path(picture), layout)
