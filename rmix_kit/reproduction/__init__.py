"""Published and promised experiments as sweeps with a name, from nothing to a report."""
