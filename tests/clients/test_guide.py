"""The guide's examples in JavaScript and C++ run as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.clients import tools
from tests.clients.conftest import built

GUIDE = (tools.ROOT / "docs" / "guides" / "clients.md").read_text(encoding="utf-8")
AGENTS = tools.ROOT / "examples" / "agents" / "riskq-bridge"
GIVEN = """
globalThis.observations = { agent_0: new Int8Array(11), agent_1: new Int8Array(11) };
globalThis.masks = { agent_0: new Uint8Array(4).fill(1), agent_1: new Uint8Array(4).fill(1) };
"""


def block(language: str) -> str:
    """Return the first block in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_javascript(tmp_path: Path) -> None:
    shutil.copy(tools.ROOT / "clients" / "javascript" / "rmix.mjs", tmp_path)
    (tmp_path / "agents").symlink_to(AGENTS)
    (tmp_path / "node_modules").symlink_to(tools.MODULES)
    (tmp_path / "given.mjs").write_text(GIVEN, encoding="utf-8")
    (tmp_path / "example.mjs").write_text(block("js") + "\nconsole.log(answers.agent_0.action[0]);\n", encoding="utf-8")
    command = ["node", "--import", "./given.mjs", "example.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"0", "1", "2", "3"}


def test_cpp(tmp_path: Path) -> None:
    include, body = block("cpp").split("\n", 1)
    end = 'std::printf("%d\\n", static_cast<int>(action));'
    text = f"{include}\n#include <cstdio>\nint main() {{\n{body}\n{end}\n}}\n"
    (tmp_path / "example.cpp").write_text(text, encoding="utf-8")
    (tmp_path / "agents").symlink_to(AGENTS)
    program = built(str(tmp_path / "example.cpp"), tmp_path, "-I", str(tools.ROOT / "clients" / "cpp"))
    done = subprocess.run([str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"0", "1", "2", "3"}
