"""Risk-sensitive cooperative multi-agent reinforcement learning: RMIX, its baselines, and their deployment."""
