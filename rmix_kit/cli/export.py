"""``rmix-kit export``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, note_next, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, FORMAT

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")


@click.command("export", cls=KitCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; it must be new.")
@click.option(
    "--format", "formats", multiple=True, default=("onnx",), show_default=True, type=FORMAT,
    help="What to write; repeatable.",
)  # fmt: skip
@click.option("--checkpoint", default="last", show_default=True, type=CHECKPOINT, help="last, best or a step.")
@click.option("--shared", is_flag=True, help="One file for all agents, who then act in one call.")
@consent_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    run: Path,
    out: Path,
    formats: tuple[str, ...],
    checkpoint: str | int,
    shared: bool,
    consent: Consent | None,
    as_json: bool,
) -> None:
    """Freeze the agents of RUN, one file each or one for all, and verify them against torch.

        rmix-kit export runs/rmix --out agents
        rmix-kit export runs/rmix --out agents --format onnx --format torchscript --checkpoint best
        rmix-kit export runs/rmix --out agents --shared

    The folder holds everything that running the agents needs; `rmix-kit inspect` shows what is in it.
    """
    import rmix_kit
    from rmix_kit.training.exporting import export

    for library in LIBRARIES:  # where one is missing, that is said before anything is done or remarked on
        importlib.import_module(library)
    loaded = rmix_kit.load(run, checkpoint=checkpoint, consent=consent)
    names = loaded.env_spec.agent_ids
    note(
        f"freezing {len(names)} agents of {loaded.config.algorithm.name} at step {loaded.checkpoint_step:,} as "
        f"{' and '.join(formats)}, and comparing what the files answer with torch: a few seconds an agent"
    )
    folder = export(loaded, out, formats, shared=shared)
    if as_json:
        told = {"out": str(folder), "formats": list(formats), "agents": list(names), "shared": shared}
        print_json({**told, "run": str(run), "checkpoint_step": loaded.checkpoint_step})
    needs = ("onnxruntime",) if "onnx" in formats else ()
    note_next(f"exported and verified: {folder}", ["rmix-kit", "run", str(folder), "--isolated"], needs=needs)
