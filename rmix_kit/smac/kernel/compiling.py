"""What the functions of this package share when they are compiled."""

from __future__ import annotations

import hashlib
import math
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np

from macn import counter_hash
from rmix_kit.compiling.keeping import inlined

Real: TypeAlias = Any
"""One float32."""
Whole: TypeAlias = Any
"""One int64."""


def sources() -> str:
    """Return a digest of everything that is compiled, and of where its constants come from."""
    digest = hashlib.sha256()
    for package in ("rmix_kit.smac", "rmix_kit.smac.kernel", "rmix_kit.compiling", "macn"):
        for file in sorted(files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


mix = inlined(counter_hash.mix)


@inlined
def root(value: Real) -> Real:
    """Return the correctly rounded square root, as `rmix_kit.smac.arrays.root` does."""
    return np.float32(math.sqrt(value))
