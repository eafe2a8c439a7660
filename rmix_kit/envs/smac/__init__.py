"""StarCraft Multi-Agent Challenge."""
