"""`make test-install WHEEL`: the wheel in fresh environments, with no extra and with each alone.

Every command must work there, or say in one line which extra to install. Exits with 1 where one does neither.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.install.commands import COMMANDS, EXTRAS, Command, Outcome, judged, material

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2
CONSTRAINTS = ROOT / "constraints.txt"


def install(place: Path, wheel: Path, extra: str) -> Path:
    """Make an environment with the wheel and one extra; give its interpreter.

    Args:
        place: Where the environment is made.
        extra: "" for none.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    what = f"{wheel}[{extra}]" if extra else str(wheel)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "-c", str(CONSTRAINTS), what]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what} cannot be installed:\n{done.stderr}")
    return python


def walk(python: Path, extra: str, made: Path, folder: Path) -> dict[str, Outcome]:
    """Run every command in an environment, two at a time, each in a folder of its own."""

    def look(number: int, command: Command) -> Outcome:
        place = folder / str(number)
        place.mkdir(parents=True)
        return judged(command, python, extra, made=made, folder=place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = pool.map(look, range(len(COMMANDS)), COMMANDS)
        return {command.name: outcome for command, outcome in zip(COMMANDS, outcomes, strict=True)}


def table(results: dict[str, dict[str, Outcome]]) -> str:
    """Return the outcomes as a table: a row per command, a column per extra."""
    columns = [extra or "base" for extra in results]
    lines = ["| command | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for command in COMMANDS:
        cells = [results[extra][command.name].short for extra in results]
        lines.append(f"| {command.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.install", description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument(
        "--extra", action="append", choices=["base", *filter(None, EXTRAS)], help="only this one; may be repeated"
    )
    given = parser.parse_args()
    chosen = [extra for extra in EXTRAS if not given.extra or (extra or "base") in given.extra]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rmix-kit-install-") as folder:
        place = Path(folder).resolve()
        made = place / "made"
        material(install(place / "all", given.wheel.resolve(), "all"), made)
        results: dict[str, dict[str, Outcome]] = {}
        for extra in chosen:
            name = extra or "base"
            is_there = extra == "all"
            python = (
                place / "all" / "bin" / "python" if is_there else install(place / name, given.wheel.resolve(), extra)
            )
            installed = time.monotonic() - begun
            results[extra] = walk(python, extra, made, place / f"looks-{name}")
            sys.stdout.write(f"{name}: installed at {installed:.0f} s, walked at {time.monotonic() - begun:.0f} s\n")
            sys.stdout.flush()
        sys.stdout.write(table(results) + "\n")  # before the environments are removed, which can take minutes
        sys.stdout.flush()
    wrong = [
        f"{extra or 'base'}: {name}: {outcome.what}"
        for extra, outcomes in results.items()
        for name, outcome in outcomes.items()
        if outcome.is_wrong
    ]
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "")
    sys.stdout.write(f"{sum(map(len, results.values()))} looks, {len(wrong)} wrong, {time.monotonic() - begun:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
