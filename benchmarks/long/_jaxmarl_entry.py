"""JaxMARL in the interpreter of its own environment, one thread; `jaxmarl_peer.py` starts it.

    PYTHON _jaxmarl_entry.py CHECKOUT check STEPS         play MACN's port beside `macn`
    PYTHON _jaxmarl_entry.py CHECKOUT qmix STEPS          train QMIX on it; CPU seconds without start and compiling
    PYTHON _jaxmarl_entry.py CHECKOUT smax MAP COPIES     step SMAX for a moment for every line that comes in

The checkout is not changed: QMIX is `make_train` of its baselines/QLearning/qmix_rnn.py with its ql_rnn_mpe.yaml, in
which the sizes of the comparison are set.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCAN_STEPS = 256
LEAST_SECONDS = 0.5  # of a turn
EVALUATION_STEPS, EVALUATION_EPISODES = 10_000, 32  # ours
COPIES, ROLLOUT = 8, 50


def train(checkout: Path, steps: int) -> float:
    """Train QMIX on MACN; return the CPU seconds of the run alone."""
    import jax
    from _jaxmarl_macn import MacnJax
    from jaxmarl.wrappers.baselines import LogWrapper
    from omegaconf import OmegaConf
    from qmix_rnn import make_train

    from macn.settings import make_settings

    shipped = OmegaConf.load(checkout / "baselines" / "QLearning" / "config" / "alg" / "ql_rnn_mpe.yaml")
    config = {
        **OmegaConf.to_container(shipped),
        "TOTAL_TIMESTEPS": steps,
        "NUM_ENVS": COPIES,
        "NUM_STEPS": ROLLOUT,
        "HIDDEN_SIZE": 64,
        "BUFFER_BATCH_SIZE": 32,
        "TEST_NUM_STEPS": ROLLOUT,
        "TEST_NUM_ENVS": EVALUATION_EPISODES,
        "TEST_INTERVAL": EVALUATION_STEPS / steps,
        "WANDB_MODE": "disabled",
    }
    run = make_train(config, LogWrapper(MacnJax(make_settings())))
    key = jax.random.PRNGKey(0)
    compiled = jax.jit(run).lower(key).compile()
    start = time.process_time()
    jax.block_until_ready(compiled(key))
    return time.process_time() - start


def smax(checkout: Path, map_name: str, copies: int) -> Callable[[], float]:
    """Return a turn of SMAX with random available actions and its automatic reset: steps per CPU second."""
    import jax
    import jax.numpy as jnp
    from jaxmarl import make
    from jaxmarl.environments.smax import map_name_to_scenario
    from omegaconf import OmegaConf

    shipped = OmegaConf.load(checkout / "baselines" / "QLearning" / "config" / "alg" / "ql_rnn_smax.yaml")
    options = {name: value for name, value in shipped["ENV_KWARGS"].items() if name != "scenario"}
    env = make("HeuristicEnemySMAX", scenario=map_name_to_scenario(map_name), **options)

    def step(carry: Any, key: Any) -> tuple[Any, None]:  # noqa: ANN401 - trees of jax
        state, avail, _ = carry
        draw, play = jax.random.split(key)
        actions = {
            agent: jnp.argmax(jax.random.uniform(jax.random.fold_in(draw, i), avail[agent].shape) * avail[agent], -1)
            for i, agent in enumerate(env.agents)
        }
        seen = jax.vmap(env.step)(jax.random.split(play, copies), state, actions)
        state = seen[1]
        return (state, jax.vmap(env.get_avail_actions)(state), (seen[0], seen[2], seen[3])), None

    def begin(key: Any) -> Any:  # noqa: ANN401
        obs, state = jax.vmap(env.reset)(jax.random.split(key, copies))
        avail = jax.vmap(env.get_avail_actions)(state)
        seen = jax.vmap(env.step)(
            jax.random.split(key, copies), state, {agent: jnp.argmax(avail[agent], -1) for agent in env.agents}
        )
        return state, avail, (obs, seen[2], seen[3])  # the last two give the carry its form

    @jax.jit
    def scan(carry: Any, key: Any) -> Any:  # noqa: ANN401
        return jax.lax.scan(step, carry, jax.random.split(key, SCAN_STEPS))[0]

    carry = jax.jit(begin)(jax.random.PRNGKey(0))
    carry = jax.block_until_ready(scan(carry, jax.random.PRNGKey(1)))
    number = 1

    def turn() -> float:
        nonlocal carry, number
        start, steps = time.process_time(), 0
        while time.process_time() - start < LEAST_SECONDS:
            number += 1
            carry = jax.block_until_ready(scan(carry, jax.random.PRNGKey(number)))
            steps += SCAN_STEPS * copies
        return steps / (time.process_time() - start)

    return turn


def main() -> None:
    """Do what the words say."""
    checkout, kind, *words = Path(sys.argv[1]).resolve(), *sys.argv[2:]
    sys.path[:0] = [str(checkout), str(checkout / "baselines" / "QLearning"), str(Path(__file__).resolve().parents[2])]
    if kind == "check":
        from _jaxmarl_macn import check

        check(int(words[0]))
    elif kind == "qmix":
        print(train(checkout, int(words[0])))
    else:
        turn = smax(checkout, words[0], int(words[1]))
        for _ in sys.stdin:
            print(turn(), flush=True)


if __name__ == "__main__":
    main()
