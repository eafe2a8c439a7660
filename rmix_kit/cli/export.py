"""``rmix-kit export``."""

from __future__ import annotations

import importlib
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.export_forms import Made, made_profile, made_quantized, show_quantized
from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, note_next, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, FORMAT, PROFILE, QUANTIZATION, RISK_LEVEL

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
@click.option(
    "--quantize", type=QUANTIZATION,
    help="Smaller ONNX files, with a report of how far they act as before; RUN may be an exported folder.",
)  # fmt: skip
@click.option(
    "--agreement", default=0.98, show_default=True, type=click.FloatRange(0.0, 1.0),
    help="Least share of equal actions that --quantize accepts.",
)  # fmt: skip
@click.option(
    "--profile", type=PROFILE,
    help="The tensors of Unity's ML-Agents, or of policies that rsl_rl exports; RUN may be an exported folder.",
)  # fmt: skip
@click.option(
    "--risk-level", default="dynamic", show_default=True, type=RISK_LEVEL,
    help="What --profile fixes the dial to: in (0, 1], or dynamic, the agents' own choice.",
)  # fmt: skip
@consent_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    run: Path,
    out: Path,
    formats: tuple[str, ...],
    checkpoint: str | int,
    shared: bool,
    quantize: str | None,
    agreement: float,
    profile: str | None,
    risk_level: float | None,
    consent: Consent | None,
    as_json: bool,
) -> None:
    """Freeze the agents of RUN, one file each or one for all, and verify them against torch.

        rmix-kit export runs/rmix --out agents
        rmix-kit export runs/rmix --out agents --format onnx --format torchscript --checkpoint best
        rmix-kit export runs/rmix --out agents --shared
        rmix-kit export agents --out agents-int8 --quantize int8
        rmix-kit export agents --out unity --profile mlagents --risk-level 0.1

    The folder holds everything that running the agents needs; `rmix-kit inspect` shows what is in it.
    """
    for library in LIBRARIES:  # where one is missing, that is said before anything is done or remarked on
        importlib.import_module(library)
    _check_options(formats, shared, quantize, profile, risk_level)
    if checkpoint != "last" and is_exported(run):
        raise click.UsageError(f"{run} is an exported folder, which holds one checkpoint; leave --checkpoint out")
    if math.isnan(agreement):
        raise click.UsageError("--agreement is no number; give a share in [0, 1]")
    made: Made | None = None
    with tempfile.TemporaryDirectory() as aside:
        if quantize is None and profile is None:
            told = _frozen(run, out, formats, checkpoint, consent, shared=shared)
        else:
            source, told = run, {"run": str(run)}
            if not is_exported(run):
                source = Path(aside) / "agents"
                told = _frozen(run, source, formats, checkpoint, consent)
            told |= {"out": str(out), "formats": ["onnx"]}
            if profile is not None:
                told |= made_profile(source, out, profile, risk_level)
            elif quantize is not None:
                made = made_quantized(source, out, quantize, agreement, consent)
                told["quantization"] = made.to_json()
    if as_json:
        print_json(told)
    elif made is not None:
        show_quantized(made)
    if profile is not None:
        note(f"exported and verified: {out}; {out / 'README.md'} says what goes in and out")
        return
    needs = ("onnxruntime",) if "onnx" in formats else ()
    note_next(f"exported and verified: {out}", ["rmix-kit", "run", str(out), "--isolated"], needs=needs)


def _check_options(
    formats: tuple[str, ...], shared: bool, quantize: str | None, profile: str | None, risk_level: float | None
) -> None:
    if quantize is not None and profile is not None:
        raise click.UsageError("--quantize and --profile make different folders; give one of them")
    if profile is None and risk_level is not None:
        raise click.UsageError("--risk-level is for --profile; other files keep the whole dial")
    if formats != ("onnx",) and (quantize or profile):
        raise click.UsageError(f"--{'quantize' if quantize else 'profile'} writes ONNX files alone; leave --format out")
    if shared and (quantize or profile):
        raise click.UsageError(f"--{'quantize' if quantize else 'profile'} writes a file per agent; leave --shared out")


def is_exported(path: Path) -> bool:
    """Tell whether a path is an exported folder and no run."""
    from exporters.bundle import MANIFEST_NAME

    return (path / MANIFEST_NAME).exists() and not (path / "config.yaml").exists()


def _frozen(
    run: Path,
    out: Path,
    formats: tuple[str, ...],
    checkpoint: str | int,
    consent: Consent | None,
    *,
    shared: bool = False,
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
    folder = export(loaded, out, formats, shared=shared)
    told = {"out": str(folder), "formats": list(formats), "agents": list(names), "shared": shared}
    return {**told, "run": str(run), "checkpoint_step": loaded.checkpoint_step}
