"""Checksums of an LLM's weights and of its tokenizer, known before anything is trained or downloaded."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.toolkit import checksum
from corecbench_plugins.hf_llm.packaged_weights import PACKAGED
from corecbench_plugins.hf_llm.weights import hub_revision, is_local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench_plugins.hf_llm.settings import LlmConfig

PARTS = {
    "weights": ("*.safetensors", "*.gguf"),
    "architecture": ("config.json",),
    "tokenizer": (
        "tokenizer*",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.*",
        "merges.txt",
        "*.model",
        "chat_template*",
    ),
}
"""Part of a model -> patterns of its files. A GGUF file holds all three parts."""


def fingerprint(config: LlmConfig, cache: Path) -> dict[str, str]:
    """Return the checksum of each part of a model, or its revision on the hub.

    Packaged weights are known by the checksums that are written down for them, which their files must have. A
    model of the hub that was not downloaded yet is known by its latest revision; {} if the hub cannot be asked.

    Raises:
        UsageError: no weights are named, or the GGUF file does not exist.
    """
    packaged = PACKAGED.get(config.weights)
    if packaged is not None:
        return of_parts({name: file.sha256 for name, file in packaged.files.items()})
    if not is_local(config.weights):
        revision = hub_revision(config.weights)
        return {} if revision is None else {"revision": revision}
    path = Path(config.weights).expanduser()
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file() and part_of(file.name)]
    return of_parts({file.name: checksum(file, cache) for file in files})


def of_parts(files: Mapping[str, str]) -> dict[str, str]:
    """Return part -> its checksum; of a part in several files, the checksum of their names and checksums."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, digest in sorted(files.items()):
        found.setdefault(part_of(name) or "weights", []).append((name, digest))
    return {
        part: members[0][1] if len(members) == 1 else hashlib.sha256(repr(members).encode()).hexdigest()
        for part, members in found.items()
    }


def part_of(name: str) -> str | None:
    """Return the part of a model that a file belongs to, None for a file that is not read."""
    return next((part for part, patterns in PARTS.items() if any(fnmatch(name, each) for each in patterns)), None)
