"""The recurrent trunk of PyMARL's agents: Linear, ReLU, GRU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rmix_kit.networks.gru import packed_gru


class RecurrentEncoder(nn.Module):
    """Embed a history of inputs: h_t = GRU(ReLU(Linear(x_t)), h_{t-1})."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Build the layers.

        Args:
            input_size: Width of x_t.
            hidden_size: Width of the embedding and of the hidden state.
        """
        super().__init__()
        self.hidden_size = hidden_size
        self.input_layer = nn.Linear(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def step(self, inputs: Tensor, hidden_state: Tensor) -> Tensor:
        """Advance by one step.

        Args:
            inputs: ``[row, input]``.
            hidden_state: ``[row, hidden]``.

        Returns:
            The next hidden state ``[row, hidden]``.
        """
        embedded = torch.relu(self.input_layer(inputs))
        weight_ih, weight_hh, bias_ih, bias_hh = self.gru.all_weights[0]
        return torch.gru_cell(embedded, hidden_state, weight_ih, weight_hh, bias_ih, bias_hh)

    def unroll(self, inputs: Tensor, rows_per_step: tuple[int, ...]) -> Tensor:
        """Embed whole episodes from a zero hidden state.

        Args:
            inputs: Packed ``[row, input]`` (`rmix_kit.networks.packing`).
            rows_per_step: Rows of each step.

        Returns:
            Hidden states ``[row, hidden]``; each has seen the inputs up to its step.
        """
        embedded = torch.relu(self.input_layer(inputs))  # [row, hidden]
        if embedded.device.type == "cuda":  # cuDNN's kernel; elsewhere ours is faster
            packed = PackedSequence(embedded, torch.tensor(rows_per_step))
            return self.gru(packed)[0].data  # type: ignore[no-any-return]
        weight_ih, weight_hh, bias_ih, bias_hh = self.gru.all_weights[0]
        return packed_gru(embedded, rows_per_step, weight_ih, weight_hh, bias_ih, bias_hh)
