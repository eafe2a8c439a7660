"""Links in an exported folder: those of caches and mounts are followed, those that lead elsewhere are not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.bundle import MANIFEST_NAME, read_manifest, read_member, sha256_of
from exporters.errors import BundleError
from exporters.runtime import OnnxAgent, OnnxTeam
from exporters.torchscript_runtime import TorchScriptTeam
from rmix_kit.playing.isolation import IsolatedTeam


def hub_cache(sealed: Path, place: Path, inside: str = "") -> Path:
    """A snapshot as huggingface_hub leaves it: every file is a link to a blob that is called by its sum."""
    repository = place / "hub" / "models--team--bridge"
    snapshot, blobs = repository / "snapshots" / ("ab" * 20) / inside, repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for file in sealed.iterdir():
        blob = blobs / sha256_of(file.read_bytes())
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def hub_cache_with_a_folder(sealed: Path, place: Path) -> Path:
    """The same, the agents being in a folder of the repository."""
    return hub_cache(sealed, place, "exports/agents")


def mounted_volume(sealed: Path, place: Path) -> Path:
    """A volume as Kubernetes mounts it: every file is a link through `..data`, which is a link to a dated folder."""
    mount = place / "mount"
    shutil.copytree(sealed, mount / "..2026_11_29_10_00_00.123456789")
    (mount / "..data").symlink_to("..2026_11_29_10_00_00.123456789")
    for file in sealed.iterdir():
        (mount / file.name).symlink_to(Path("..data", file.name))
    return mount


def mounted_folder(sealed: Path, place: Path) -> Path:
    """The same with the agents in a folder of the volume, which is itself a link."""
    mount = place / "mount"
    shutil.copytree(sealed, mount / "..2026_11_29_10_00_00.123456789" / "agents")
    (mount / "..data").symlink_to("..2026_11_29_10_00_00.123456789")
    (mount / "agents").symlink_to(Path("..data", "agents"))
    return mount / "agents"


LAYOUTS = [hub_cache, hub_cache_with_a_folder, mounted_volume, mounted_folder]
Layout = Callable[[Path, Path], Path]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_caches_and_mounts_are_read(layout: Layout, sealed_team: Path, tmp_path: Path) -> None:
    folder = layout(sealed_team, tmp_path)
    assert (folder / "agent_0.onnx").resolve() != folder.absolute() / "agent_0.onnx"
    assert set(OnnxTeam(folder).agents) == set(TorchScriptTeam(folder).agents) == {"agent_0", "agent_1"}
    assert OnnxAgent(folder / "agent_1.onnx").manifest is not None


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_sums_are_checked_behind_links(layout: Layout, sealed_team: Path, tmp_path: Path) -> None:
    folder = layout(sealed_team, tmp_path)
    file = (folder / "agent_0.onnx").resolve()
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match="sha256"):
        OnnxTeam(folder)


@pytest.mark.parametrize("name", [MANIFEST_NAME, "agent_0.onnx"])
@pytest.mark.parametrize("layout", [None, *LAYOUTS[:3]], ids=lambda layout: getattr(layout, "__name__", "as written"))
def test_a_link_to_a_sound_file_elsewhere_is_refused(
    layout: Layout | None, name: str, sealed_team: Path, tmp_path: Path
) -> None:
    """The bait is what was exported, so that its sum is right."""
    bait = shutil.copytree(sealed_team, tmp_path / "models--team--other" / "blobs")
    folder = layout(sealed_team, tmp_path) if layout else shutil.copytree(sealed_team, tmp_path / "team")
    for target in (bait / name, os.path.relpath(bait / name, folder)):
        (folder / name).unlink()
        (folder / name).symlink_to(target)
        for load in (OnnxTeam, lambda directory: IsolatedTeam(directory, "onnx").__enter__()):
            with pytest.raises(Exception, match=f"{name} is a symbolic link that leads out of the folder.*cp -rL"):
                load(folder)


def test_a_folder_of_links_outside_is_refused_though_it_looks_like_a_mount(sealed_team: Path, tmp_path: Path) -> None:
    folder = mounted_volume(sealed_team, tmp_path)
    (folder / "..data").unlink()
    (folder / "..data").symlink_to(sealed_team)
    with pytest.raises(BundleError, match="leads out of the folder"):
        OnnxTeam(folder)


@pytest.mark.parametrize("target", ["agent_0.onnx", "nowhere"], ids=["itself", "nothing"])
def test_a_link_to_nothing_is_named(target: str, team_folder: Path) -> None:
    manifest = read_manifest(team_folder)
    (team_folder / "agent_0.onnx").unlink()
    (team_folder / "agent_0.onnx").symlink_to(target)
    with pytest.raises(BundleError, match=r"agent_0\.onnx"):
        read_member(team_folder, manifest, "agent_0.onnx")


def test_a_manifest_that_leads_to_nothing_is_not_overlooked(team_folder: Path) -> None:
    (team_folder / MANIFEST_NAME).unlink()
    (team_folder / MANIFEST_NAME).symlink_to("nowhere")
    with pytest.raises(BundleError, match=MANIFEST_NAME):
        OnnxAgent(team_folder / "agent_0.onnx")
