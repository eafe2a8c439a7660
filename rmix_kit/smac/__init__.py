"""The battle simulator: SMAC's layout exactly, with a combat of our own; pure functions on numpy or torch."""
