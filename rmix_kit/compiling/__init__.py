"""Compiling with numba, where it is installed."""
