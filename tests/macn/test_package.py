"""What `import macn` offers without another import."""

from __future__ import annotations

import subprocess
import sys


def test_the_oracle_is_reached_from_the_package() -> None:
    code = "import macn; print(macn.oracle.solve('4x7').optimal_return)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "-7.0"
