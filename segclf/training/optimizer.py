"""AdamW without the compiler of torch, which takes seconds to import."""

from inspect import unwrap

import torch


class AdamW(torch.optim.AdamW):
    """AdamW, with the same results as `torch.optim.AdamW`.

    The methods of torch import `torch._dynamo`, the compiler, to exclude themselves from
    compilation. Heads are not compiled, so the functions in these methods are called directly.
    """

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
