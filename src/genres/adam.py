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
        moved = [number for number, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adam(
            [self.parameters[number] for number in moved],
            [gradient for parameter in self.parameters if (gradient := parameter.grad) is not None],
            [self.means[number] for number in moved],
            [self.squares[number] for number in moved],
            [],
            [self.steps[number] for number in moved],
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
