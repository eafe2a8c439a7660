"""Configuration: presets, files and command-line text become one validated `RunConfig`."""
