"""Where what lies in a run's folder; readable without torch."""

from __future__ import annotations

import re
from pathlib import Path

from rmix_kit.files.reading import LARGEST_TABLE, read_json

STEP_NAME = re.compile(r"step_(\d+)")
MANIFEST_NAME = "manifest.json"


class RunPaths:
    """Paths of one run; nothing is touched."""

    def __init__(self, path: Path) -> None:
        """Name the folder."""
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.timing = path / "timing.jsonl"
        self.origin = path / "origin.jsonl"
        self.facts = self.config, self.metrics, self.timing, self.origin
        self.seal = path / "seal.json"
        self.stopped = path / "stopped.json"
        self.evaluations = path / "evaluations"
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"
        self.replay = path / "replay"

    def checkpoint(self, step: int) -> Path:
        """Return the folder of the checkpoint of that environment step."""
        return self.checkpoints / f"step_{step}"

    def evaluation(self, checkpoint: str) -> Path:
        """Return the file with the episodes of the "best" or the "last" checkpoint (`rmix_kit.results.Episodes`)."""
        return self.evaluations / f"{checkpoint}.json"

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that lie there, sound or not, in order."""
        names = (path.name for path in self.checkpoints.iterdir()) if self.checkpoints.is_dir() else ()
        return sorted(int(match[1]) for match in map(STEP_NAME.fullmatch, names) if match)

    def is_marked_finished(self) -> bool:
        """Return whether the newest checkpoint calls itself the run's last; whether it is sound is not looked at."""
        steps = self.steps()
        if not steps:
            return False
        try:
            manifest = read_json(self.checkpoint(steps[-1]) / MANIFEST_NAME, LARGEST_TABLE)
        except (OSError, ValueError):
            return False
        return isinstance(manifest, dict) and manifest.get("is_finished") is True
