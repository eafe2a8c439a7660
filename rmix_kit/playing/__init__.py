"""Exported agents acting in environments, without torch."""
