"""LSTMs over sequences that share elements, with an explicit backward pass."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def run_lstm(lstm: nn.LSTM, rows: Tensor, indices: Tensor, sizes: list[int]) -> Tensor:
    """Run both directions of a `torch.nn.LSTM` over sequences of rows.

    A row that occurs in many sequences is multiplied by the input weights once.

    Args:
        lstm: Bidirectional LSTM with one layer and k hidden units.
        rows: (r, h) float32 elements of the sequences.
        indices: (2, n) int64 indices into `rows`, for the forward and the backward direction. They
            are ordered by step: the first element of every sequence, then the second element of
            every sequence that has one, and so on.
        sizes: Number of sequences that have an element at each step; the sizes sum to n. They must
            not increase: shorter sequences come last.

    Returns:
        (2, n, k) states, in the order of the indices.
    """
    forward, backward = lstm.all_weights
    scale = torch.ones(2, 4, lstm.hidden_size, 1, device=rows.device)
    # tanh(x) = 2 sigmoid(2x) - 1, and the sigmoid takes a third of the time of tanh on a CPU
    scale[:, 2] = 2
    scale = scale.view(-1, 1)
    weight, recurrent = (scale * torch.cat([forward[i], backward[i]]) for i in (0, 1))
    bias = scale[:, 0] * torch.cat([forward[2] + forward[3], backward[2] + backward[3]])
    inputs = F.linear(rows, weight, bias).view(2 * len(rows), -1)  # (2r, 4k)
    direction = torch.arange(2, device=rows.device)[:, None]
    states: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]
        inputs, 2 * indices + direction, recurrent.view(2, -1, lstm.hidden_size), sizes
    )
    return states


class _Recurrence(Function):
    """The steps of an LSTM (Hochreiter and Schmidhuber 1997), with the gates in torch's order.

    The pre-activations of the third gate, the cell gate, are doubled; see `run_lstm`. The backward
    pass is explicit because autograd would record a dozen operations for each step and copy the
    gradient of every gate.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 torch has no type for it
        inputs: Tensor,
        indices: Tensor,
        recurrent: Tensor,
        sizes: list[int],
    ) -> Tensor:
        gates = F.embedding(indices, inputs)  # (2, n, 4k)
        cells, tanh_cells, states = (torch.empty_like(_by_gate(gates)[0]) for _ in range(3))
        previous, minus_one, recurrent_t = None, gates.new_tensor(-1.0), recurrent.mT
        for step in _by_step(sizes, gates, *_by_gate(gates), cells, tanh_cells, states):
            step_gates, input_gate, forget_gate, cell_gate, output_gate = step[:5]
            cell, tanh_cell, state = step[5:]
            if previous is None:
                step_gates.sigmoid_()
                torch.neg(input_gate, out=cell)
            else:
                last_cell, last_state = (last[:, : step_gates.shape[1]] for last in previous)
                step_gates.baddbmm_(last_state, recurrent_t).sigmoid_()
                torch.mul(forget_gate, last_cell, out=cell).sub_(input_gate)
            cell.addcmul_(input_gate, cell_gate, value=2)
            torch.mul(cell, 2, out=tanh_cell).sigmoid_()
            torch.add(minus_one, tanh_cell, alpha=2, out=tanh_cell)  # 2x - 1 in one pass
            torch.mul(output_gate, tanh_cell, out=state)
            previous = cell, state
        ctx.save_for_backward(indices, recurrent, gates, cells, tanh_cells, states)
        ctx.rows, ctx.sizes = len(inputs), sizes
        return states

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        states_grad: Tensor,
    ) -> tuple[Tensor, None, Tensor, None]:
        indices, recurrent, gates, cells, tanh_cells, states = ctx.saved_tensors
        sizes = ctx.sizes
        # Factors for all steps at once. The loop below multiplies them in place by the gradients of
        # the cells and states, which turns them into gradients.
        gates_grad = _gate_factors(gates, cells, tanh_cells, sizes)
        forget_gates, output_gates = _by_gate(gates)[1::2]
        cells_grad = torch.ops.aten.tanh_backward(output_gates, tanh_cells)
        by_gate = gates_grad.view(*cells.shape[:2], 4, -1)
        state_grads = torch.split(states_grad.clone(), sizes, 1)
        steps = _by_step(
            sizes, gates_grad, by_gate[:, :, :3], by_gate[:, :, 3], cells_grad, forget_gates
        )
        following = None  # forget gate and cell gradient of the following step
        for step in reversed(range(len(sizes))):
            step_gates_grad, first_three_grad, output_grad, cell_grad, forget_gate = steps[step]
            cell_grad.mul_(state_grads[step])
            if following is not None:
                cell_grad[:, : sizes[step + 1]].addcmul_(*following)
            first_three_grad.mul_(cell_grad[:, :, None])
            output_grad.mul_(state_grads[step])
            if step:
                state_grads[step - 1][:, : sizes[step]].baddbmm_(step_gates_grad, recurrent)
                following = forget_gate, cell_grad
        inputs_grad = torch.ops.aten.embedding_dense_backward(
            gates_grad, indices, ctx.rows, -1, False
        )
        recurrent_grad = gates_grad[:, sizes[0] :].mT @ _previous_step(states, sizes)
        return inputs_grad, None, recurrent_grad, None


def _gate_factors(gates: Tensor, cells: Tensor, tanh_cells: Tensor, sizes: list[int]) -> Tensor:
    """Return the factors (2, n, 4k) from which the gradients of the pre-activations are computed.

    The gradient of each of the first three gates is its factor times the gradient of the cell; that
    of the output gate is its factor times the gradient of the state.
    """
    factors = torch.empty_like(gates)
    input_factor, forget_factor, cell_factor, output_factor = _by_gate(factors)
    input_gate, _, cell_gate, _ = _by_gate(gates)
    torch.add(gates.new_tensor(-1.0), cell_gate, alpha=2, out=input_factor)
    forget_factor[:, : sizes[0]] = 0
    forget_factor[:, sizes[0] :] = _previous_step(cells, sizes)
    torch.mul(input_gate, 2, out=cell_factor)
    output_factor.copy_(tanh_cells)
    torch.ops.aten.sigmoid_backward.grad_input(factors, gates, grad_input=factors)
    return factors


def _previous_step(values: Tensor, sizes: list[int]) -> Tensor:
    """Return the values of the previous step for the sequences at each step but the first."""
    if sizes[0] == sizes[-1]:  # the same sequences at every step: no copy is needed
        return values[:, : -sizes[-1]]
    steps = zip(torch.split(values, sizes, 1), [*sizes[1:], 0], strict=True)
    return torch.cat([step[:, :following] for step, following in steps], dim=1)


def _by_gate(gates: Tensor) -> tuple[Tensor, ...]:
    return gates.view(*gates.shape[:2], 4, -1).unbind(2)


def _by_step(sizes: list[int], *parts: Tensor) -> list[tuple[Tensor, ...]]:
    return list(zip(*(torch.split(part, sizes, 1) for part in parts), strict=True))
