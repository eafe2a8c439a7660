"""`rmix-kit page`: what the folder holds, and one line for every mistake."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporters.bundle import read_manifest
from macn import oracle
from rmix_kit.cli.main import main
from rmix_kit.live import ort_web
from rmix_kit.live.writing import CLIENT, client_text, page_files
from rmix_kit.seeding import episode_seed
from tests.architecture.sources import ROOT
from tests.fixtures.live_pages import BRIDGE, unpacked_package
from tests.fixtures.trained import Trained

RUNTIME = {name: name.encode() for name in ort_web.FILES}
ADDRESS = re.compile(r"""(?:from|import\(|new URL\(|src=|href=)\s*["']([^"']+)["']""")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["page", *map(str, arguments)])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return unpacked_package(tmp_path / "package", RUNTIME)


def test_the_folder_holds_the_agents_the_runtime_and_what_is_exact(package: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    done = call(BRIDGE, "--out", out, "--ort-web", package, "--exact-levels", "0.1,1.0", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bytes"] == sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    facts = json.loads((out / "page.json").read_text(encoding="utf-8"))
    for row in facts["exact"]:
        exact = oracle.solve("bridge", slip=0.1, risk_level=row["risk_level"]).evaluation
        assert row["return_mean"] == exact.return_mean
        assert row["fall_rate"] == exact.fall_probability
        assert row["episode_length_mean"] == exact.episode_length_mean
    assert [row["risk_level"] for row in facts["exact"]] == [0.1, 1.0]
    assert facts["game"]["rows"] == [".....", ".###.", ".###.", "S...G", "##C##"]
    assert facts["quiet"]["seeds"] == [episode_seed(0, "test", number) for number in range(1000)]
    for entry in read_manifest(BRIDGE).agents:
        name = entry.files["onnx"]
        assert (out / "agents" / name).read_bytes() == (BRIDGE / name).read_bytes()
    assert {file.name: file.read_bytes() for file in (out / "ort").iterdir()} == RUNTIME


def test_every_address_of_the_page_is_relative_and_there(package: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    assert call(BRIDGE, "--out", out, "--ort-web", package, "--exact-levels", "1.0").exit_code == 0
    programs = [file for file in out.iterdir() if file.suffix in {".html", ".mjs"} and file.name != CLIENT]
    found = [address for file in programs for address in ADDRESS.findall(file.read_text(encoding="utf-8"))]
    assert len(found) > 20
    for address in set(found) - {"data:,"}:
        assert (out / address).is_file(), address
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', (out / "index.html").read_text(encoding="utf-8"))
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    assert "http" not in policy[1]


def test_the_client_is_the_one_of_the_repository() -> None:
    assert client_text() == (ROOT / "clients" / "javascript" / CLIENT).read_bytes()
    assert f'"clients/javascript/{CLIENT}" = "rmix_kit/live/page/{CLIENT}"' in (ROOT / "pyproject.toml").read_text()


def test_what_is_shared_with_films_is_given_as_modules() -> None:
    files = page_files()
    films = ROOT / "rmix_kit" / "films" / "page"
    assert files["base.css"] == (films / "style.css").read_bytes()
    for name in ("dom", "scene_macn"):
        assert (films / f"{name}.js").read_bytes() in files[f"{name}.mjs"]
        for word in files[f"{name}.mjs"].decode().rsplit("export {", 1)[1].split("}")[0].split(","):
            assert re.search(rf"(?:function|const) {word.strip()}\b", files[f"{name}.mjs"].decode())


def test_every_mistake_is_told_in_one_line(package: Path, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    other = unpacked_package(tmp_path / "other", RUNTIME, "1.0.0")
    half = unpacked_package(tmp_path / "half", {ort_web.FILES[0]: b""})
    shutil.copytree(trained.agents, tmp_path / "changed")
    (tmp_path / "changed" / "agent_0.onnx").write_bytes(b"other")
    new, ort = ("--out", tmp_path / "page"), ("--ort-web", package)
    for words, told in (
        ((tmp_path / "nowhere", *new, *ort), "nowhere"),
        ((tmp_path / "taken", *new, *ort), "manifest.json"),
        ((trained.run, *new, *ort), "export it first"),
        ((BRIDGE, "--out", tmp_path / "taken", *ort), "exists already"),
        ((BRIDGE, "--out", tmp_path / "no" / "page", *ort), "there is no folder"),
        ((BRIDGE, *new, *ort, "--env", "didactic:climbing"), "knows the rules of macn:* alone"),
        ((BRIDGE, *new, *ort, "--env", "macn:bridge?slop=0.1"), "slop"),
        ((BRIDGE, *new, *ort, "--env", "macn:bridge"), "was trained with"),
        ((BRIDGE, *new, *ort, "--exact-levels", "0.1,dynamic"), "no exact values"),
        ((BRIDGE, *new, "--ort-web", tmp_path / "taken"), "npm pack onnxruntime-web@"),
        ((BRIDGE, *new, "--ort-web", other), "1.0.0"),
        ((BRIDGE, *new, "--ort-web", half), "not whole"),
        ((tmp_path / "changed", *new, *ort, "--exact-levels", "1.0"), "agent_0.onnx"),
    ):
        done = call(*words)
        assert done.exit_code in {1, 2}, (words, done.output)
        assert told in done.stderr.splitlines()[-1], (words, done.stderr)
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "page").exists()
    assert not list(tmp_path.glob(".page*"))


def test_without_npm_it_is_said_how_to_get_the_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = call(BRIDGE, "--out", tmp_path / "page")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("Error: npm is not installed")
    assert "--ort-web package" in done.stderr


def test_an_archive_of_another_sum_is_refused(tmp_path: Path) -> None:
    from rmix_kit.errors import RunFolderError

    with pytest.raises(RunFolderError, match="nothing of it was used"):
        ort_web.unpacked(b"other", tmp_path / "archive.tgz")


def test_making_a_page_loads_neither_torch_nor_onnxruntime(package: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'onnxruntime', 'matplotlib'} & set(sys.modules)\n"
    )
    words = ["page", str(BRIDGE), "--out", str(tmp_path / "page"), "--ort-web", str(package), "--exact-levels", "1.0"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
