"""Exported agents that act in a visitor's browser: a static folder with the game, the agents and what runs them."""
