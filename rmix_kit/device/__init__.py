"""Training whose game, replay and updates are tensors of one device, read back once in many steps."""
