"""Adam, without what torch's own class loads."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Takes the steps of ``torch.optim.Adam(parameters, lr=learning_rate, fused=True)``, bit for bit.

    Kingma and Ba 2015, with torch's usual decay rates and epsilon. It calls the same function as that class, whose
    constructor loads torch's compiler for it: 800 modules and a second, as long as the linear model's training.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @property
    def state(self) -> list[Tensor]:
        """All that it keeps from step to step."""
        return [*self.means, *self.squares, *self.steps]

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters that have a gradient, and take it from them."""
        moved = [
            (parameter, gradient, *kept)
            for parameter, *kept in zip(self.parameters, self.means, self.squares, self.steps, strict=True)
            if (gradient := parameter.grad) is not None
        ]
        parameters, gradients, means, squares, steps = (list(column) for column in zip(*moved, strict=True))
        adam(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None
