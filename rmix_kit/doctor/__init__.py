"""What is wrong: with StarCraft on this machine (`rmix-kit doctor`), with an environment (`rmix-kit envs check`)."""
