"""The recurrent trunk of PyMARL's agents: Linear, ReLU, GRU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from rmix_kit.networks.gru import GRUWeights, packed_grus
from rmix_kit.stacked import is_stacked


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
        if not is_stacked():
            return torch.gru_cell(embedded, hidden_state, weight_ih, weight_hh, bias_ih, bias_hh)
        # What torch computes there, for which it has no way of computing several seeds together.
        of_input = functional.linear(embedded, weight_ih, bias_ih).chunk(3, -1)  # reset, update, new: [row, hidden]
        of_state = functional.linear(hidden_state, weight_hh, bias_hh).chunk(3, -1)
        reset, update = (torch.sigmoid(of_state[gate] + of_input[gate]) for gate in (0, 1))
        new = torch.tanh(of_input[2] + of_state[2] * reset)
        return (hidden_state - new) * update + new

    def unroll(self, inputs: Tensor, rows_per_step: tuple[int, ...]) -> Tensor:
        """Embed whole episodes from a zero hidden state.

        Args:
            inputs: Packed ``[row, input]`` (`rmix_kit.networks.packing`).
            rows_per_step: Rows of each step.

        Returns:
            Hidden states ``[row, hidden]``; each has seen the inputs up to its step.
        """
        return unroll_encoders([self], [inputs], rows_per_step)[0]


def unroll_encoders(
    encoders: list[RecurrentEncoder], inputs: list[Tensor], rows_per_step: tuple[int, ...]
) -> list[Tensor]:
    """Embed whole episodes with several encoders of one hidden size, which on a CPU costs less than one by one.

    Args:
        encoders: Those that learn first, frozen ones (target networks) last.
        inputs: Of each encoder, packed ``[row, input]``.
        rows_per_step: Rows of each step.

    Returns:
        Hidden states of each encoder ``[row, hidden]``.
    """
    pairs = zip(encoders, inputs, strict=True)
    embedded = [torch.relu(encoder.input_layer(rows)) for encoder, rows in pairs]  # [row, hidden] each
    # cuDNN's kernels, which know nothing of several seeds; elsewhere, and for these, ours are faster.
    if embedded[0].device.type == "cuda" and not is_stacked():
        return [torch_gru(encoder.gru, rows, rows_per_step) for encoder, rows in zip(encoders, embedded, strict=True)]
    return list(packed_grus(embedded, rows_per_step, [GRUWeights(*encoder.gru.all_weights[0]) for encoder in encoders]))


def torch_gru(gru: nn.GRU, inputs: Tensor, rows_per_step: tuple[int, ...]) -> Tensor:
    """Run torch's own GRU from zero hidden states, on a GPU cuDNN's.

    Args:
        gru: Of one layer.
        inputs: Packed ``[row, input]``.
        rows_per_step: Rows of each step.

    Returns:
        Hidden states ``[row, hidden]``.
    """
    if rows_per_step[0] == rows_per_step[-1]:  # nobody ends early: one block, whose sizes cuDNN need not be told
        whole: Tensor = gru(torch.unflatten(inputs, 0, (len(rows_per_step), -1)))[0]  # [time, row of a step, hidden]
        return whole.flatten(0, 1)
    packed: PackedSequence = gru(PackedSequence(inputs, torch.tensor(rows_per_step)))[0]
    return packed.data
