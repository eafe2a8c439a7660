"""Training: the learner owns weights, the trainer time, the checkpoint files."""
