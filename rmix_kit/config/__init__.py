"""Configuration: frozen dataclasses, validated once at the border."""
