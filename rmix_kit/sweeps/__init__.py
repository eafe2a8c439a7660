"""Sweeps: many runs from one file, on this machine or on a Ray cluster, resumable at any moment."""
