"""``rmix-kit export``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, FORMAT

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent


@click.command("export", cls=KitCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; it must be new.")
@click.option(
    "--format", "formats", multiple=True, default=("onnx",), show_default=True, type=FORMAT,
    help="What to write; repeatable.",
)  # fmt: skip
@click.option("--checkpoint", default="last", show_default=True, type=CHECKPOINT, help="last, best or a step.")
@consent_options
def command(run: Path, out: Path, formats: tuple[str, ...], checkpoint: str | int, consent: Consent | None) -> None:
    """Freeze the agents of RUN, one file each, and verify them against torch.

        rmix-kit export runs/rmix --out agents
        rmix-kit export runs/rmix --out agents --format onnx --format torchscript --checkpoint best

    The folder holds everything that running the agents needs; `rmix-kit inspect` shows what is in it.
    """
    import rmix_kit
    from rmix_kit.training.exporting import export

    folder = export(rmix_kit.load(run, checkpoint=checkpoint, consent=consent), out, formats)
    note(f"exported and verified: {folder}; next: rmix-kit run {shlex.quote(str(folder))} --isolated")
