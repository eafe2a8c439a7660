"""Fresh interpreters: what must start without torch does."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from tests.architecture.sources import ROOT

HEAVY = ("torch", "onnx", "onnxscript", "matplotlib", "tensorboard", "pygame", "moviepy")

USES = (
    "import macn\nenv = macn.parallel_env()\nenv.reset(seed=0)\nenv.step({a: 0 for a in env.agents})",
    "from rmix_kit.envs.smac import parallel_env\n"
    "env = parallel_env('3m', backend='builtin')\n"
    "env.reset(seed=0)\n"
    "env.step({agent: 1 for agent in env.agents})",
    "import numpy as np\n"
    "from rmix_kit.envs.make import make_vector_env\n"
    "envs = make_vector_env('smac:MMM2?backend=builtin', 2)\n"
    "fields = envs.reset([0, 1]).compact\n"
    "envs.step(np.ones((2, 10), dtype=np.int64))\n"
    "envs.codec.rebuild(fields)",
)


@cache
def loaded_after(program: str) -> frozenset[str]:
    """The top-level modules that a fresh interpreter holds after the program."""
    report = "\nimport json, sys\nprint('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + report], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def test_imports_load_nothing_heavy() -> None:
    modules = ("macn", "exporters", "exporters.runtime", "rmix_kit", "rmix_kit.envs", "rmix_kit.cli.main")
    loaded = {module: sorted(loaded_after(f"import {module}") & set(HEAVY)) for module in modules}
    assert loaded == {module: [] for module in modules}


def test_macn_knows_neither_the_trainer_nor_the_exporters() -> None:
    assert not loaded_after("import macn") & {"rmix_kit", "exporters"}


def test_exporters_know_neither_the_trainer_nor_the_environment() -> None:
    assert not loaded_after("import exporters, exporters.runtime") & {"rmix_kit", "macn"}


def test_using_an_environment_never_loads_torch() -> None:
    loaded = {program: sorted(loaded_after(program) & set(HEAVY)) for program in USES}
    assert loaded == {program: [] for program in USES}


def _command_names() -> list[str]:
    import click

    from rmix_kit.cli.main import main

    return main.list_commands(click.Context(main))


def test_help_of_every_command_never_loads_torch() -> None:
    program = (
        "import click\n"
        "from rmix_kit.cli.main import main\n"
        f"for arguments in [[], *[[name] for name in {_command_names()!r}]]:\n"
        "    try:\n"
        "        main([*arguments, '--help'], standalone_mode=False)\n"
        "    except SystemExit as stop:\n"
        "        assert not stop.code, (arguments, stop.code)\n"
    )
    assert not loaded_after(program) & set(HEAVY)
