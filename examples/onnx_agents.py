"""Let exported agents play MACN with numpy and onnxruntime alone: `python onnx_agents.py example/agents`."""

from __future__ import annotations

import sys

import macn
from exporters.runtime import OnnxTeam


def main(folder: str, layout: str = "4x7", risk_level: float = 0.0) -> float:
    """Play one episode and give its return.

    Args:
        folder: What `rmix-kit export` wrote.
        layout: The map that the agents were trained on.
        risk_level: In (0, 1]; 0 leaves it to the agents.
    """
    team = OnnxTeam(folder)
    env = macn.parallel_env(layout=layout, render_mode="ansi")

    observations, infos = env.reset(seed=0)
    team.reset()  # the agents remember; a new episode begins
    total = 0.0
    while env.agents:
        masks = {agent: infos[agent]["action_mask"] for agent in env.agents}
        actions = team.act(observations, masks, risk_level)
        observations, rewards, _, _, infos = env.step(actions)
        total += rewards["agent_0"]  # the team has one reward
    print(env.render())
    print(f"return {total:g}, success {infos['agent_0']['success']}, torch loaded: {'torch' in sys.modules}")
    return total


if __name__ == "__main__":
    main(*sys.argv[1:2])
