"""Loads frozen weights in 8 bits, by torchao."""

from __future__ import annotations

import importlib.util
from typing import Any

from corecbench.api import UsageError


def quantisation(setting: str, device: str) -> dict[str, Any]:
    """Return the arguments of transformers' `from_pretrained`; none for `no`.

    Raises:
        UsageError: torchao is missing.
    """
    require(setting)
    if setting == "no":
        return {}
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    return {"quantization_config": TorchAoConfig(Int8WeightOnlyConfig()), "device_map": {"": device}}


def require(setting: str) -> None:
    """Check that the library of a setting is installed.

    Raises:
        UsageError: it is missing.
    """
    if setting != "no" and not is_installed("torchao"):
        raise UsageError(f"quantised {setting} needs torchao; install it by `pip install 'corecbench[quantised]'`")


def is_installed(library: str) -> bool:
    """Return whether a library is installed, without importing it."""
    return importlib.util.find_spec(library) is not None
