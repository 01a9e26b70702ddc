"""The processes that train one cell together. Each has a replica of the models and takes its share of each batch.

N processes. All of them run the same code with the same seeds, so that each draws the same whole batches. Torch's
own collectives (gloo, or nccl between GPUs) add up what they compute of their shares.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from corecbench.api import CorecbenchError
from corecbench.training.seeds import derive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from torch._C._distributed_c10d import Store, TCPStore

HOST = "127.0.0.1"
TIMEOUT_S = 1800.0
"""Seconds that a process waits for the others. It waits much shorter for one that has died: that is noticed."""


@dataclass(frozen=True)
class Place:
    """The place of one process among those that train a cell together."""

    index: int
    """From 0, which is the process that ranks and stores."""
    number: int
    """N."""
    device: str
    """What the run calls its device: "cpu", or "cuda" for a GPU for each process."""

    @property
    def own_device(self) -> str:
        """The device of this process."""
        return f"cuda:{self.index}" if self.device == "cuda" else self.device

    def check_device(self) -> None:
        """Make sure that there is a device for each process.

        Raises:
            CorecbenchError: there is none.
        """
        if not dist.is_available():
            raise CorecbenchError("this build of torch has no torch.distributed, which `processes` above 1 needs")
        if self.device == "cuda" and (n_gpus := torch.cuda.device_count()) < self.number:
            raise CorecbenchError(
                f"processes is {self.number}, and each needs a GPU of its own; this machine has {n_gpus}"
            )


@dataclass
class Replicas:
    """What a process does together with the others. All of them must call the same methods in the same order."""

    place: Place
    reason: Callable[[], str] = lambda: ""
    """Returns why another process may be lost."""
    draws: list[torch.Tensor] = field(default_factory=list)
    """The states of the generators by which this process draws otherwise than the others; empty before any draw."""

    @property
    def gpus(self) -> list[str]:
        """The GPU of this process, if it has one."""
        return [self.place.own_device] if self.place.device == "cuda" else []

    @property
    def share(self) -> slice:
        """The share of this process of the rows of a batch: every Nth, since neighbours are of similar length."""
        return slice(self.place.index, None, self.place.number)

    @contextlib.contextmanager
    def own_draws(self) -> Iterator[None]:
        """Let what is drawn within the context, such as dropout, differ from what the other processes draw there.

        What is drawn outside of it is the same in all processes.
        """
        with torch.random.fork_rng(self.gpus):
            if self.draws:
                torch.set_rng_state(self.draws[0])
                for gpu, state in zip(self.gpus, self.draws[1:], strict=True):
                    torch.cuda.set_rng_state(state, gpu)
            else:
                torch.manual_seed(derive(torch.initial_seed(), "process", str(self.place.index)))
            yield
            self.draws = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, self.gpus)]

    def add_up(self, tensor: torch.Tensor) -> torch.Tensor:
        """Replace a contiguous tensor by its sum over all processes, and return it."""
        with self.collective():
            dist.all_reduce(tensor)
        return tensor

    def add_up_array(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array over all processes."""
        summed: np.ndarray = self.add_up(torch.tensor(values, device=self.place.own_device)).cpu().numpy()
        return summed

    def add_up_gradients(self, parameters: Sequence[torch.nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
        """Let each parameter have the sum of its gradients over all processes, and return the sum of the losses.

        Everything goes in one message. A parameter that no process has a gradient of keeps none, as the optimizer
        passes over it then.
        """
        missing = [number for number, parameter in enumerate(parameters) if parameter.grad is None]
        counts = torch.ones(len(parameters), device=loss.device)
        counts[missing] = 0
        gradients = [parameter.grad for parameter in parameters]
        each = [
            torch.zeros_like(parameter) if gradient is None else gradient
            for parameter, gradient in zip(parameters, gradients, strict=True)
        ]
        values = [loss.detach().reshape(1), counts, *(part.flatten() for part in each)]
        flat = self.add_up(torch.cat(values).float())
        loss, counts, *summed = flat.split([1, len(parameters), *(part.numel() for part in each)])
        torch._foreach_copy_(each, [total.view_as(part) for total, part in zip(summed, each, strict=True)])
        for number in missing:
            if counts[number]:
                parameters[number].grad = each[number]
        return loss.reshape(())

    @torch.no_grad()
    def align(self, tensors: Iterable[torch.Tensor]) -> None:
        """Let tensors be those of the first process everywhere."""
        for tensor in tensors:
            values = tensor.detach().contiguous()
            with self.collective():
                dist.broadcast(values, src=0)
            tensor.copy_(values)

    @contextlib.contextmanager
    def collective(self) -> Iterator[None]:
        """Say in one line that another process is lost, if it is.

        Raises:
            CorecbenchError: another process died, or did not answer in time.
        """
        try:
            yield
        except RuntimeError as error:
            reason = self.reason() or " ".join(str(error).split())
            raise CorecbenchError(f"the processes of the cell lost each other: {reason}") from error


def meeting_point(port: int, leads: bool) -> TCPStore:
    """Return the store by which the processes of a machine find each other.

    Args:
        port: where the first process holds it; 0 for a free one.
        leads: whether this is the first process.
    """
    timeout = timedelta(seconds=TIMEOUT_S)
    store: TCPStore = dist.TCPStore(HOST, port, None, leads, timeout, wait_for_workers=False)  # type: ignore[attr-defined]
    return store


@contextlib.contextmanager
def joined(
    place: Place, store: Store, reason: Callable[[], str] = lambda: "", timeout_s: float = TIMEOUT_S
) -> Iterator[Replicas]:
    """Meet the other processes, and part from them at the end of the context.

    Args:
        place: of this process.
        store: by which they find each other.
        reason: returns why another process may be lost.
        timeout_s: seconds that each waits for the others at most.
    """
    if place.device == "cuda":
        torch.cuda.set_device(place.own_device)
    replicas = Replicas(place, reason)
    with replicas.collective():
        dist.init_process_group(
            "nccl" if place.device == "cuda" else "gloo",
            store=store,
            rank=place.index,
            world_size=place.number,
            timeout=timedelta(seconds=timeout_s),
        )
    try:
        yield replicas
    finally:
        dist.destroy_process_group()
