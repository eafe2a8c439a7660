"""The StarCraft Multi-Agent Challenge."""
