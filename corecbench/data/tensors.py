"""Arrays as tensors where a model computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np


def on_device(values: np.ndarray, device: str) -> torch.Tensor:
    """Return an array as a tensor on a device. A GPU gets it from pinned memory, while this process goes on.

    Args:
        values: it is not changed later where the device is a processor, since the tensor may share its memory.
        device: such as "cpu" or "cuda:1".
    """
    tensor = torch.as_tensor(values)
    if torch.device(device).type in ("cpu", "mps"):  # they share their memory
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
