"""Loads frozen weights in 8 or 4 bits, by torchao or bitsandbytes."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, TorchAoConfig


def quantisation(setting: str, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """Return the arguments of transformers' `from_pretrained`; none for `no`.

    bitsandbytes also runs on a processor, but there the gradient through its 4-bit layers is zero (seen with
    bitsandbytes 0.50 and torch 2.13), so it needs a GPU here.

    Raises:
        UsageError: the library is missing, or there is no GPU for it.
    """
    if setting == "no":
        return {}
    library, scheme = require(setting)
    if library == "bitsandbytes" and device == "cpu":
        raise UsageError(f"quantised {setting} needs a GPU (--device cuda); on a processor torchao-int8 works")
    return {"quantization_config": scheme_config(library, scheme, dtype), "device_map": {"": device}}


def require(setting: str) -> tuple[str, str]:
    """Return the library and the scheme of a setting.

    Raises:
        UsageError: the library is missing.
    """
    library, _, scheme = setting.partition("-")
    if setting != "no" and not is_installed(library):
        raise UsageError(
            f"quantised {setting} needs {library}; install it by `pip install 'corecbench[quantised]'`"
        )
    return library, scheme


def is_installed(library: str) -> bool:
    """Return whether a library is installed, without importing it."""
    return importlib.util.find_spec(library) is not None


def scheme_config(library: str, scheme: str, dtype: torch.dtype) -> TorchAoConfig | BitsAndBytesConfig:
    """Return transformers' configuration of one scheme.

    "nf4" is NormalFloat4 of QLoRA (Dettmers et al., NeurIPS 2023, arXiv 2305.14314); its 8 bits are LLM.int8()
    (Dettmers et al., NeurIPS 2022, arXiv 2208.07339).
    """
    from transformers import BitsAndBytesConfig, TorchAoConfig

    if library == "torchao":
        from torchao.quantization import Int8WeightOnlyConfig

        return TorchAoConfig(Int8WeightOnlyConfig())
    if scheme == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
