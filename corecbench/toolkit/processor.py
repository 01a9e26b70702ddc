"""How this machine computes: the number format in which products of matrices are fastest, threads, devices."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from corecbench.api.errors import UsageError
from corecbench.api.fields import Precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch


def auto_precision() -> Precision:
    """Return what the setting `auto` means: CORECBENCH_PRECISION, if it is set, to go on as another machine began.

    Raises:
        UsageError: it is something else than a precision.
    """
    chosen = os.environ.get("CORECBENCH_PRECISION") or "auto"
    if chosen not in get_args(Precision):
        raise UsageError(f"CORECBENCH_PRECISION is {chosen!r:.60}; allowed are {', '.join(get_args(Precision))}")
    return cast("Precision", chosen)


def product_dtype(setting: Precision, device: str) -> torch.dtype:
    """Return the dtype that a setting stands for. A processor gets bfloat16 only if it multiplies faster in it.

    Matrix products in bfloat16 against float32, measured with torch 2.13: AMD with AVX-512 BF16 is 3 to 4.5 times
    as fast, Intel with AVX-512 BF16 but without matrix tiles (AMX) is half as fast, and processors without either
    are slower still. The choice depends on features, not on timing, so that runs agree.

    Raises:
        UsageError: the setting is `auto`, and CORECBENCH_PRECISION is something else than a precision.
    """
    import torch

    setting = auto_precision() if setting == "auto" else setting
    if setting != "auto":
        dtype: torch.dtype = getattr(torch, setting)
        return dtype
    if device != "cpu":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    amd = torch.cpu._is_avx512_bf16_supported() and vendor() == "AuthenticAMD"
    return torch.bfloat16 if amd or torch.cpu._is_amx_tile_supported() else torch.float32


@functools.cache
def vendor() -> str:
    """Return the processor's vendor as Linux names it; "" where it is not known."""
    try:
        match = re.search(r"^vendor_id\s*:\s*(\S+)", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        return ""
    return match[1] if match else ""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread of the processor in the context."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_device(values: np.ndarray | torch.Tensor, device: str | torch.device) -> torch.Tensor:
    """Return values as a tensor on a device. A GPU gets them from pinned memory, while this process goes on.

    Args:
        values: of this process. They are not changed later where the device is a processor, since the tensor may
            share their memory.
        device: such as "cpu" or "cuda:1".
    """
    import torch

    tensor = torch.as_tensor(values)
    if torch.device(device).type == "mps" and tensor.dtype == torch.float64:  # it has none
        tensor = tensor.float()
    if torch.device(device).type in ("cpu", "mps"):  # they share their memory
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
