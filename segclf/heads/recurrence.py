"""LSTMs over sequences that share their elements, with the gradient in closed form."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def run_lstm(lstm: nn.LSTM, rows: Tensor, places: Tensor, sizes: list[int]) -> Tensor:
    """Run both directions of a `torch.nn.LSTM` over sequences of rows.

    A row that stands in many sequences is multiplied with the input weights once.

    Args:
        lstm: one layer, bidirectional, k numbers of state.
        rows: (r, h) float32, what sequences are made of.
        places: (2, n) int64, the rows that sequences read, forwards and backwards: of every
            sequence its first, then of every sequence its second, and so on.
        sizes: sequences at each step, n in all. They may get fewer, by the last ones.

    Returns:
        The state after each place, (2, n, k).
    """
    ahead, back = lstm.all_weights
    double = torch.ones(2, 4, lstm.hidden_size, 1, device=rows.device)  # of each gate's numbers
    double[:, 2] = 2  # tanh(x) is 2 sigmoid(2x) - 1, which takes a CPU a third of the time
    double = double.view(-1, 1)
    weight, recurrent = (double * torch.cat([ahead[i], back[i]]) for i in (0, 1))
    bias = double[:, 0] * torch.cat([ahead[2] + ahead[3], back[2] + back[3]])
    inputs = F.linear(rows, weight, bias).view(2 * len(rows), -1)  # (2r, 4k)
    direction = torch.arange(2, device=rows.device)[:, None]
    states: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]
        inputs, 2 * places + direction, recurrent.view(2, -1, lstm.hidden_size), sizes
    )
    return states


class _Recurrence(Function):
    """The steps of an LSTM (Hochreiter and Schmidhuber 1997), gates in torch's order.

    The third gate comes doubled, see `run_lstm`. Autograd would record a dozen operations a step
    and copy the gradient of every gate.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 torch has no type for it
        inputs: Tensor,
        places: Tensor,
        recurrent: Tensor,
        sizes: list[int],
    ) -> Tensor:
        gates = F.embedding(places, inputs)  # (2, n, 4k)
        cells, bounded, states = (torch.empty_like(_by_gate(gates)[0]) for _ in range(3))
        before = None
        for step in _by_step(sizes, gates, *_by_gate(gates), cells, bounded, states):
            gate, entry, forget, update, output, cell, bound, state = step
            if before is None:
                gate.sigmoid_()
                torch.neg(entry, out=cell)
            else:
                last_cell, last_state = (last[:, : gate.shape[1]] for last in before)
                gate.baddbmm_(last_state, recurrent.mT).sigmoid_()
                torch.mul(forget, last_cell, out=cell).sub_(entry)
            cell.addcmul_(entry, update, value=2)
            torch.mul(cell, 2, out=bound).sigmoid_().mul_(2).sub_(1)
            torch.mul(output, bound, out=state)
            before = cell, state
        ctx.save_for_backward(places, recurrent, gates, cells, bounded, states)
        ctx.rows, ctx.sizes = len(inputs), sizes
        return states

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        of_states: Tensor,
    ) -> tuple[Tensor, None, Tensor, None]:
        places, recurrent, gates, cells, bounded, states = ctx.saved_tensors
        sizes = ctx.sizes
        of_states, of_gates = of_states.clone(), torch.empty_like(gates)
        differences = 2 * _by_gate(gates)[2] - 1
        steps = _by_step(sizes, gates, *_by_gate(gates), differences, bounded)
        of_steps = _by_step(sizes, of_gates, *_by_gate(of_gates), of_states)
        cells_before = [torch.zeros_like(cells[:, : sizes[0]]), *torch.split(cells, sizes, 1)]
        behind = None  # the step after: its forget gate, and the gradient of its cell
        for t in reversed(range(len(sizes))):
            gate, entry, forget, _, output, difference, bound = steps[t]
            of_gate, of_entry, of_forget, of_update, of_output, of_state = of_steps[t]
            of_cell = torch.ops.aten.tanh_backward(of_state * output, bound)
            if behind is not None:
                of_cell[:, : sizes[t + 1]].addcmul_(*behind)
            torch.mul(of_cell, difference, out=of_entry)
            torch.mul(of_cell, cells_before[t][:, : sizes[t]], out=of_forget)
            torch.mul(of_cell, entry, out=of_update).mul_(2)
            torch.mul(of_state, bound, out=of_output)
            torch.ops.aten.sigmoid_backward.grad_input(of_gate, gate, grad_input=of_gate)
            if t:
                of_steps[t - 1][-1][:, : sizes[t]].baddbmm_(of_gate, recurrent)
                behind = forget, of_cell
        of_inputs = torch.ops.aten.embedding_dense_backward(of_gates, places, ctx.rows, -1, False)
        following = zip(torch.split(states, sizes, 1), [*sizes[1:], 0], strict=True)
        read = torch.cat([state[:, :b] for state, b in following], dim=1)
        of_recurrent = of_gates[:, sizes[0] :].mT @ read
        return of_inputs, None, of_recurrent, None


def _by_gate(gates: Tensor) -> tuple[Tensor, ...]:
    return gates.view(*gates.shape[:2], 4, -1).unbind(2)


def _by_step(sizes: list[int], *parts: Tensor) -> list[tuple[Tensor, ...]]:
    return list(zip(*(torch.split(part, sizes, 1) for part in parts), strict=True))
