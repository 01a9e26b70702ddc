"""A moving average of weights: steadier than the weights of any one step, and often better on held-out items."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch


class WeightAverage:
    """The exponential moving average of parameters over training steps (Polyak and Juditsky, 1992).

    After n steps the decay is at most (1 + n) / (10 + n), so that the first weights are soon forgotten, unless they
    are trained ones.

    Between turns the parameters are their averages. The next turn goes on from the weights, not from the averages:
    to become as noisy again would take steps during which the average is worse.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], decay: float, trained: bool = False) -> None:
        self.parameters, self.decay, self.trained = list(parameters), decay, trained
        self.averages = [parameter.detach().clone() for parameter in self.parameters]
        self.n_steps = 0
        self.lag: list[torch.Tensor] = []
        """Between turns, how far the weights were ahead of their averages."""

    @torch.no_grad()
    def update(self) -> None:
        self.n_steps += 1
        decay = self.decay if self.trained else min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        torch._foreach_lerp_(self.averages, list(self.parameters), 1 - decay)

    @torch.no_grad()
    def ahead(self) -> list[torch.Tensor]:
        return list(torch._foreach_sub(list(self.parameters), self.averages))

    @torch.no_grad()
    def rest(self) -> None:
        self.lag = self.ahead()
        self.exchange()

    @torch.no_grad()
    def resume(self) -> None:
        self.averages = [parameter.detach().clone() for parameter in self.parameters]
        if self.lag:
            torch._foreach_add_(list(self.parameters), self.lag)

    @contextmanager
    def applied(self) -> Iterator[None]:
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @torch.no_grad()
    def exchange(self) -> None:
        for parameter, average in zip(self.parameters, self.averages, strict=True):
            value = parameter.clone()
            parameter.copy_(average)
            average.copy_(value)

    def state(self) -> dict[str, torch.Tensor]:
        named = {"average": self.averages, "lag": self.lag}
        return {f"{name}.{n}": tensor for name, tensors in named.items() for n, tensor in enumerate(tensors)}

    @torch.no_grad()
    def put_back(self, state: Mapping[str, torch.Tensor], n_steps: int) -> None:
        self.n_steps = n_steps
        self.averages, self.lag = (numbered(state, name, self.parameters) for name in ("average", "lag"))


def numbered(state: Mapping[str, torch.Tensor], name: str, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if f"{name}.0" not in state:
        return []
    return [state[f"{name}.{n}"].to(tensor.device) for n, tensor in enumerate(like)]
