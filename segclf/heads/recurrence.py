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
        before, minus_one, turned = None, gates.new_tensor(-1.0), recurrent.mT
        for step in _by_step(sizes, gates, *_by_gate(gates), cells, bounded, states):
            gate, entry, forget, update, output, cell, bound, state = step
            if before is None:
                gate.sigmoid_()
                torch.neg(entry, out=cell)
            else:
                last_cell, last_state = (last[:, : gate.shape[1]] for last in before)
                gate.baddbmm_(last_state, turned).sigmoid_()
                torch.mul(forget, last_cell, out=cell).sub_(entry)
            cell.addcmul_(entry, update, value=2)
            torch.mul(cell, 2, out=bound).sigmoid_()
            torch.add(minus_one, bound, alpha=2, out=bound)  # 2x - 1 in one pass
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
        # of all steps at once: what the gradients of cells and states are multiplied with
        of_gates = _factors(gates, cells, bounded, sizes)
        forget, output = _by_gate(gates)[1::2]
        of_cells = torch.ops.aten.tanh_backward(output, bounded)
        by_gate = of_gates.view(*cells.shape[:2], 4, -1)
        of_steps = torch.split(of_states.clone(), sizes, 1)
        steps = _by_step(sizes, of_gates, by_gate[:, :, :3], by_gate[:, :, 3], of_cells, forget)
        behind = None  # the step after: its forget gate, and the gradient of its cell
        for t in reversed(range(len(sizes))):
            of_gate, of_inner, of_output, of_cell, kept = steps[t]
            of_cell.mul_(of_steps[t])
            if behind is not None:
                of_cell[:, : sizes[t + 1]].addcmul_(*behind)
            of_inner.mul_(of_cell[:, :, None])
            of_output.mul_(of_steps[t])
            if t:
                of_steps[t - 1][:, : sizes[t]].baddbmm_(of_gate, recurrent)
                behind = kept, of_cell
        of_inputs = torch.ops.aten.embedding_dense_backward(of_gates, places, ctx.rows, -1, False)
        of_recurrent = of_gates[:, sizes[0] :].mT @ _before(states, sizes)
        return of_inputs, None, of_recurrent, None


def _factors(gates: Tensor, cells: Tensor, bounded: Tensor, sizes: list[int]) -> Tensor:
    """Return each gate's derivative, (2, n, 4k): of the cell, and of the state for the last."""
    factors = torch.empty_like(gates)
    of_entry, of_forget, of_update, of_output = _by_gate(factors)
    entry, _, update, _ = _by_gate(gates)
    torch.add(gates.new_tensor(-1.0), update, alpha=2, out=of_entry)
    of_forget[:, : sizes[0]] = 0
    of_forget[:, sizes[0] :] = _before(cells, sizes)
    torch.mul(entry, 2, out=of_update)
    of_output.copy_(bounded)
    torch.ops.aten.sigmoid_backward.grad_input(factors, gates, grad_input=factors)
    return factors


def _before(values: Tensor, sizes: list[int]) -> Tensor:
    """Return what stands a step before, for every place but those of the first step."""
    if sizes[0] == sizes[-1]:  # the same sequences at every step: no copy
        return values[:, : -sizes[-1]]
    steps = zip(torch.split(values, sizes, 1), [*sizes[1:], 0], strict=True)
    return torch.cat([step[:, :following] for step, following in steps], dim=1)


def _by_gate(gates: Tensor) -> tuple[Tensor, ...]:
    return gates.view(*gates.shape[:2], 4, -1).unbind(2)


def _by_step(sizes: list[int], *parts: Tensor) -> list[tuple[Tensor, ...]]:
    return list(zip(*(torch.split(part, sizes, 1) for part in parts), strict=True))
