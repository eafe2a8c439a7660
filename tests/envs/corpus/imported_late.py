"""Is imported by an environment when it is stepped."""
