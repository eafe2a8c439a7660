"""``rmix-kit export``."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.export_forms import Made, made_quantized, show_quantized
from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, note_next, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, FORMAT, QUANTIZATION

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
@click.option(
    "--quantize", type=QUANTIZATION,
    help="Smaller ONNX files, with a report of how far they act as before; RUN may be an exported folder.",
)  # fmt: skip
@click.option(
    "--agreement", default=0.98, show_default=True, type=click.FloatRange(0.0, 1.0),
    help="Least share of equal actions that --quantize accepts.",
)  # fmt: skip
@consent_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    run: Path,
    out: Path,
    formats: tuple[str, ...],
    checkpoint: str | int,
    quantize: str | None,
    agreement: float,
    consent: Consent | None,
    as_json: bool,
) -> None:
    """Freeze the agents of RUN, one file each, and verify them against torch.

        rmix-kit export runs/rmix --out agents
        rmix-kit export runs/rmix --out agents --format onnx --format torchscript --checkpoint best
        rmix-kit export agents --out agents-int8 --quantize int8

    The folder holds everything that running the agents needs; `rmix-kit inspect` shows what is in it.
    """
    for library in LIBRARIES:  # where one is missing, that is said before anything is done or remarked on
        importlib.import_module(library)
    if quantize is not None and formats != ("onnx",):
        raise click.UsageError("--quantize writes ONNX files alone; leave --format out")
    made: Made | None = None
    with tempfile.TemporaryDirectory() as aside:
        if quantize is None:
            told = _frozen(run, out, formats, checkpoint, consent)
        else:
            source, told = run, {"run": str(run)}
            if not is_exported(run):
                source = Path(aside) / "agents"
                told = _frozen(run, source, formats, checkpoint, consent)
            made = made_quantized(source, out, quantize, agreement, consent)
            told |= {"out": str(out), "formats": ["onnx"], "quantization": made.to_json()}
    if as_json:
        print_json(told)
    elif made is not None:
        show_quantized(made)
    needs = ("onnxruntime",) if "onnx" in formats else ()
    note_next(f"exported and verified: {out}", ["rmix-kit", "run", str(out), "--isolated"], needs=needs)


def is_exported(path: Path) -> bool:
    """Tell whether a path is an exported folder and no run."""
    from exporters.bundle import MANIFEST_NAME

    return (path / MANIFEST_NAME).exists() and not (path / "config.yaml").exists()


def _frozen(
    run: Path, out: Path, formats: tuple[str, ...], checkpoint: str | int, consent: Consent | None
) -> dict[str, Any]:
    """Export a run; return what there is to tell."""
    import rmix_kit
    from rmix_kit.training.exporting import export

    loaded = rmix_kit.load(run, checkpoint=checkpoint, consent=consent)
    names = loaded.env_spec.agent_ids
    note(
        f"freezing {len(names)} agents of {loaded.config.algorithm.name} at step {loaded.checkpoint_step:,} as "
        f"{' and '.join(formats)}, and comparing what the files answer with torch: a few seconds an agent"
    )
    folder = export(loaded, out, formats)
    told = {"out": str(folder), "formats": list(formats), "agents": list(names)}
    return {**told, "run": str(run), "checkpoint_step": loaded.checkpoint_step}
