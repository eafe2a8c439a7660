"""``rmix-kit page``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, print_json
from rmix_kit.cli.words import ENVIRONMENT, RISK_LEVELS


@click.command("page", cls=KitCommand)
@click.argument("export", metavar="EXPORT", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; it must be new.")
@click.option("--env", type=ENVIRONMENT, help="Another game of MACN; by default the one of the training.")
@click.option(
    "--exact-levels", default="0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0", show_default=True, type=RISK_LEVELS,
    help="Risk levels whose exact values stand beside the counts.",
)  # fmt: skip
@click.option(
    "--ort-web", metavar="DIR", type=click.Path(path_type=Path),
    help="The unpacked npm package onnxruntime-web; by default npm fetches it.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    export: Path,
    out: Path,
    env: str | None,
    exact_levels: tuple[float | None, ...],
    ort_web: Path | None,
    as_json: bool,
) -> None:
    """Write a web page on which the exported agents in EXPORT act live, in the visitor's browser.

        rmix-kit page agents --out page
        python3 -m http.server --directory page

    For agents of MACN. The folder is static and has everything in it: any web host serves it, under any path, and
    nothing comes from another host. Visitors turn the dial, change the slip and the map, and let 1,000 episodes be
    played beside the exact values.
    """
    from rmix_kit.live.describing import facts_of, scene_of
    from rmix_kit.live.ort_web import files_of
    from rmix_kit.live.writing import check_target, write_page

    levels = [level for level in exact_levels if level is not None]
    if len(levels) < len(exact_levels):
        raise click.UsageError("--exact-levels takes numbers in (0, 1]; at dynamic there are no exact values")
    check_target(out)
    scene = scene_of(export, env)
    runtime = files_of(ort_web)
    note(f"exact values of {scene.text}: a level takes seconds, on large maps minutes")
    facts = facts_of(scene, levels)
    size = write_page(scene, export, facts, runtime, out)
    for remark in facts["exact_remarks"] if not facts["exact"] else ():
        note(remark)
    if as_json:
        print_json({"out": str(out), "env": scene.text, "bytes": size, "exact_levels": len(facts["exact"])})
    ours, theirs = size / 1e6, sum(map(len, runtime.values())) / 1e6
    note(f"page of {scene.source}: {out} ({ours:.1f} MB, of which onnxruntime-web is {theirs:.1f} MB)")
    note(f"look at it: python3 -m http.server --directory {shlex.quote(str(out))}")
