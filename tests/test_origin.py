from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from rmix_kit.origin import kit_version, release_of, source_commit
from tests.architecture.sources import ROOT


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(("git", *identity, "-C", str(folder), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def checkout(folder: Path) -> Path:
    package = folder / "package"
    package.mkdir()
    (package / "module.py").write_text("x = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "First")
    return package


def test_the_version_is_that_of_the_project_file() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert kit_version() == tomllib.load(file)["project"]["version"]


def test_a_clean_checkout_names_its_commit(tmp_path: Path) -> None:
    package = checkout(tmp_path)
    assert source_commit(package) == (git(tmp_path, "rev-parse", "HEAD"), False)


def test_a_changed_file_of_the_package_is_told(tmp_path: Path) -> None:
    package = checkout(tmp_path)
    (package / "module.py").write_text("x = 2\n")
    assert source_commit(package)[1] is True


def test_an_installed_package_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    assert source_commit(tmp_path / "package") == (None, None)


def test_a_development_version_counts_as_its_release() -> None:
    given = ("0.1.0", "0.1.0.dev0", "0.1.0.dev12+g1a2b", "0.2.0rc1", "not installed")
    assert [release_of(version) for version in given] == ["0.1.0", "0.1.0", "0.1.0", "0.2.0rc1", "not installed"]
