"""What is mutated, and a sample of it that hardly moves when the code does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tests.mutants.mutants import Mutant, mutants_of

# An area, its files, and the folders of tests/ that are asked first.
AREAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "losses": ("rmix_kit/losses", ("losses", "reference", "algorithms")),
    "risk": ("rmix_kit/risk", ("risk", "reference", "theory", "networks", "algorithms")),
    "mixers": ("rmix_kit/mixers", ("mixers", "reference", "algorithms")),
    "algorithms": ("rmix_kit/algorithms", ("algorithms", "reference", "theory")),
    "replay": ("rmix_kit/replay", ("replay", "collect")),
    "collect": ("rmix_kit/collect", ("collect", "replay")),
    "learner": ("rmix_kit/training/learner.py", ("learner", "algorithms")),
    "checkpoint": ("rmix_kit/training/checkpoint.py", ("learner", "training")),
    "macn": ("macn", ("macn", "envs")),
    "layout": ("rmix_kit/smac/layout.py", ("smac", "envs")),
    "exporters": ("exporters", ("exporters", "policy")),
}
LEAST = 8  # of every area, however small
# How much likelier than others a kind is drawn: the field's own faults often, what any run would trip over seldom.
WEIGHTS = {"twin": 4.0, "drop": 3.0, "boundary": 2.0, "arithmetic": 1.5, "number": 0.8, "compare": 0.6, "keyword": 0.4}


def files_of(root: Path, area: str) -> list[str]:
    """The area's files, relative to the root."""
    place = root / AREAS[area][0]
    return [str(file.relative_to(root)) for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]


def mutants_by_area(root: Path, areas: Sequence[str]) -> dict[str, list[Mutant]]:
    """Every mutant there is."""
    return {
        area: [mutant for file in files_of(root, area) for mutant in mutants_of(file, (root / file).read_text("utf-8"))]
        for area in areas
    }


def quotas(sizes: Mapping[str, int], total: int, least: int = LEAST) -> dict[str, int]:
    """Share `total` in proportion to the sizes, none getting less than `least` (as far as the total goes round)."""
    least = min(least, total // len(sizes))
    small: dict[str, int] = {}
    while True:
        rest = {name: size for name, size in sizes.items() if name not in small}
        left, weight = total - sum(small.values()), sum(rest.values())
        shares = {name: left * size / weight for name, size in rest.items()}
        below = [name for name, share in shares.items() if share < least]
        if not below:
            break
        small |= dict.fromkeys(below, least)
    whole = {name: math.floor(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: whole[name] - shares[name])
    for name in by_remainder[: left - sum(whole.values())]:
        whole[name] += 1
    return {name: small.get(name, whole.get(name, 0)) for name in sizes}


def _place(mutant: Mutant, seed: int) -> float:
    """Where the mutant stands in the queue: drawn from its id alone, so that other mutants come and go without it."""
    drawn = int(sha256(f"{seed}:{mutant.id}".encode()).hexdigest()[:13], 16) / 16**13
    return -math.log1p(-drawn) / WEIGHTS.get(mutant.kind, 1.0)


def draw(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """The first `count` of the queue, one of a line at most while other lines are left."""
    queue = sorted(mutants, key=lambda mutant: (_place(mutant, seed), mutant.id))
    lines: set[tuple[str, int]] = set()
    first: list[Mutant] = []
    later: list[Mutant] = []
    for mutant in queue:
        here = (mutant.file, mutant.line)
        (later if here in lines else first).append(mutant)
        lines.add(here)
    return [*first, *later][:count]


def sizes_of(root: Path, areas: Sequence[str]) -> dict[str, int]:
    """Lines of each area."""
    return {
        area: sum(len((root / file).read_text("utf-8").splitlines()) for file in files_of(root, area)) for area in areas
    }
