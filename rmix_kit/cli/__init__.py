"""The command ``rmix-kit``."""
