"""Tensors in a file with a checksum, so that a damaged file is not read. Importing this module loads no torch."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from corecbench.toolkit.caches import workspace
from corecbench.toolkit.folders import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch


class KeptTensors(NamedTuple):
    """What a file of `save_tensors` holds."""

    tensors: dict[str, torch.Tensor]
    facts: str
    """The text that was written with them."""


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], facts: str) -> None:
    """Write tensors as safetensors, all of them or nothing, and wait until they are on the disk.

    Args:
        path: the file, which is replaced; its folder need not exist.
        tensors: by name; those on a GPU are copied.
        facts: what belongs to them, such as what they were computed from. The reader should compare it, since a
            file can have been moved to another name.
    """
    from safetensors.torch import save_file

    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with workspace(path.parent) as folder:
        new = folder / path.name
        save_file(whole, new, {"facts": facts, "checksum": checksum_of(whole, facts)})
        with new.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(new, path)


def load_tensors(path: Path) -> KeptTensors | None:
    """Return the tensors in a file of `save_tensors`; None if there is no file, or not as it was written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(ordinary_file(path), framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118, as it is no dict
    except (OSError, SafetensorError, ValueError):
        return None
    facts = metadata.get("facts", "")
    return KeptTensors(tensors, facts) if checksum_of(tensors, facts) == metadata.get("checksum") else None


def checksum_of(tensors: Mapping[str, torch.Tensor], facts: str) -> str:
    """Return a checksum of a text and of tensors, by name, with their types and shapes."""
    import torch

    digest = hashlib.blake2b(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
