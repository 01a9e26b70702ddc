"""The device of a run: it has to exist before anything is trained."""

from __future__ import annotations

from corecbench.api import UsageError


def check_device(name: str) -> None:
    """Make sure that torch can compute on a device of this machine.

    Raises:
        UsageError: the name is no device's, or there is no such device here.
    """
    if name == "cpu":  # always here, and torch takes a second to load
        return
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f"device {name!r} does not exist; allowed are cpu, cuda, cuda:0 and so on, or mps"
        ) from error
    if device.type == "cuda":  # nothing is put there: the process of a cell may do that, not this one
        n_devices = torch.cuda.device_count()
        if (device.index or 0) >= n_devices:
            raise UsageError(f"device {name!r} is not here: torch finds {n_devices} GPUs; use --device cpu")
        return
    try:
        torch.ones(1, device=device).item()
    except Exception as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise UsageError(f"device {name!r} cannot be used: {reason}; use --device cpu") from error
