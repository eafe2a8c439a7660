"""The dynamic risk level predictor of RMIX."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmix_kit.networks.recurrent import RecurrentEncoder


class RiskPredictor(nn.Module):
    """Score each risk level by matching the current return distribution with the history (RMIX, section 3.3, Eqn 8).

    e = E_cur(sg Z_t), g_k = E_hist(sg[head](h^r_t))_k, s_k = <e, g_k> / sqrt(D). The history branch has a recurrent
    network of its own, fed the inputs of the step before (zeros at the start), or reads the agent's memory of the step
    before, detached: the same inputs either way. It shares the agent's last layer with its weights detached, so that a
    loss on the scores trains this module and never the agent. The released code detaches the branch altogether and
    takes a hard argmax, so that nothing of it ever learns (docs/fidelity.md).
    """

    def __init__(
        self, input_size: int | None, hidden_size: int, head_size: int, *, n_levels: int, embed_size: int
    ) -> None:
        """Build the layers.

        Args:
            input_size: Width of x_t; None for no recurrent network of its own.
            head_size: n_actions * n_quantiles, the width of the agent's last layer.
            embed_size: Width D of the two embeddings.
        """
        super().__init__()
        self.n_levels = n_levels
        self.encoder = None if input_size is None else RecurrentEncoder(input_size, hidden_size)
        self.embed_current = nn.Linear(head_size, embed_size, bias=False)
        self.embed_history = nn.Linear(head_size, embed_size * n_levels, bias=False)
        self.scale = 1.0 / math.sqrt(embed_size)

    def forward(self, quantiles: Tensor, hidden_state: Tensor, head: nn.Linear) -> Tensor:
        """Score the levels of a few rows.

        Args:
            quantiles: Flat output of the agent's last layer ``[..., action * quantile]``; detached here.
            hidden_state: Recurrent state of the step before ``[..., hidden]``, this module's own or the agent's.
            head: The agent's last layer, used with detached weights.

        Returns:
            Scores ``[..., level]``.
        """
        history = functional.linear(hidden_state, head.weight.detach(), head.bias.detach())  # [..., action * quantile]
        return self._match(self.embed_current(quantiles.detach()), self.embed_history(history))

    def score_rows(self, agent_hidden_state: Tensor, hidden_state: Tensor, head: nn.Linear) -> Tensor:
        """Score the levels of many rows: the same numbers, with the last layer folded into both embeddings first.

        The last layer is linear, so E(W h + b) = (E W) h + E b. Folding costs one small product a call and takes
        the wide axis (action * quantile) out of every row, which is most of this module's arithmetic.

        Args:
            agent_hidden_state: The agent's recurrent state ``[row, hidden]``; detached here.
            hidden_state: Recurrent state of the step before ``[row, hidden]``, this module's own or the agent's.
            head: The agent's last layer, used with detached weights.

        Returns:
            Scores ``[row, level]``.
        """
        current, history = self.folded(head)
        return self._match(
            functional.linear(agent_hidden_state.detach(), *current),  # [row, embed]
            functional.linear(hidden_state, *history),  # [row, embed * level]
        )

    def folded(self, head: nn.Linear) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return weight and bias of both embeddings with the last layer within, of the present and of the history.

        Args:
            head: The agent's last layer, used with detached weights.

        Returns:
            Weights ``[embed, hidden]`` and ``[embed * level, hidden]``, each with its bias.
        """
        weight, bias = head.weight.detach(), head.bias.detach()
        current, history = self.embed_current.weight, self.embed_history.weight
        return (current @ weight, current @ bias), (history @ weight, history @ bias)

    def _match(self, current: Tensor, history: Tensor) -> Tensor:
        keys = torch.unflatten(history, -1, (current.shape[-1], self.n_levels))  # [..., embed, level]
        return (current.unsqueeze(-1) * keys).sum(-2) * self.scale  # [..., level]
