"""A battle's rules for scalars, compiled by numba: bit for bit what `combat` and `layout` say for arrays.

What is computed stands there and is explained there; here stands the order of every float32 operation. Whoever changes
a rule changes it in both places, and `tests/smac/test_kernel.py` compares every bit. Importing the modules of this
package needs numba; `rmix_kit.smac.engine` does it where numba is installed.
"""
