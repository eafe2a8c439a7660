"""What package indices and citers see: the published README, the version, the repository's address."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import yaml

import rmix_kit
from tests.architecture.sources import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REPOSITORY = PYPROJECT["project"]["urls"]["Source"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
TARGET = re.compile(r'(?:\]\(|(?:src|href)=")([^)"\s]+)')


def published() -> str:
    """The README as the built distribution carries it."""
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = "".join((ROOT / fragment["path"]).read_text(encoding="utf-8") for fragment in hook["fragments"])
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    return text


def test_no_link_of_the_published_readme_is_relative() -> None:
    targets = TARGET.findall(published())
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_links_of_the_published_readme_lead_to_files_of_the_repository() -> None:
    files = re.findall(re.escape(REPOSITORY) + r"/(?:raw|blob)/main/([^)\"\s#]+)", published())
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_the_repository_has_one_address() -> None:
    assert CITATION["repository-code"] == REPOSITORY
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"https://github\.com/[\w-]+/[\w-]+", text)) == {REPOSITORY}


def test_the_version_is_one_and_of_a_release() -> None:
    version = PYPROJECT["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert CITATION["version"] == version


def test_the_package_says_its_version_and_looks_it_up_only_then() -> None:
    code = "import rmix_kit, sys; assert 'rmix_kit.origin' not in sys.modules; print(rmix_kit.__version__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == rmix_kit.__version__
    assert not hasattr(rmix_kit, "__verson__")
