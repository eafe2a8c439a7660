"""Films: greedy episodes recorded with everything that the agents thought, as a page, a GIF or a video."""
