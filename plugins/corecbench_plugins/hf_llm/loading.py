"""Loads a model folder: no code of the folder is run, and weights that do not fit the architecture are refused."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.model_files import check_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCAL: dict[str, bool] = {"local_files_only": True, "trust_remote_code": False}
"""Arguments of every `from_pretrained`: without the second one transformers asks on the terminal."""

PREFIXES = {r"^base_model\.model\.": ""}
"""Prefixes of stored names that say nothing of the weights, such as peft's -> what they become."""

POOLER = re.compile(r"\bpooler\b")
"""The part of an encoder that sums up a text for other tasks; it is not used here, and may be missing."""

OF_A_LAYER = re.compile(r"\.\d+\.")
"""Part of the name of a weight in a numbered layer. An unexpected weight elsewhere belongs to a head, which files
of whole models have and a body does not have."""

SHOWN = 3
"""Weights that an error names."""


def load_config(folder: Path, **settings: Any) -> Any:
    """Return the configuration of a model folder, changed by `settings`.

    Raises:
        UsageError: transformers does not know the architecture, or the model is far larger than its weights.
    """
    from transformers import AutoConfig

    with named_faults(folder):
        config = AutoConfig.from_pretrained(folder, **LOCAL, **settings)
        check_size(folder, n_values(config))
        return config


def n_values(config: Any) -> int:
    """Return the number of values in a model, of which nothing is made but its outline."""
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        model = AutoModel.from_config(config, trust_remote_code=False)
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return sum(tensor.numel() for tensor in tensors.values())


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model folder.

    Raises:
        UsageError: it cannot be loaded.
    """
    from transformers import AutoTokenizer

    with named_faults(folder):
        return AutoTokenizer.from_pretrained(folder, **LOCAL)


@contextlib.contextmanager
def named_faults(folder: Path) -> Iterator[None]:
    """Turn whatever transformers raises of a model folder into a UsageError of one line.

    Raises:
        UsageError: something was raised.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # transformers checks little, so files of any content raise anything
        reason = _first_sentence(error) or type(error).__name__
        raise UsageError(f"the model in {folder} cannot be loaded: {reason}") from error


def load_trained(folder: Path, config: Any, kind: str = "AutoModel", **options: Any) -> Any:
    """Return the body of a model folder with its weights, or by another auto class of transformers more of it.

    Raises:
        UsageError: a weight is missing or of another shape, or a layer is unexpected.
    """
    import transformers

    with named_faults(folder):
        body, info = getattr(transformers, kind).from_pretrained(
            folder,
            config=config,
            key_mapping=PREFIXES,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that they are named below
            use_safetensors=True,
            use_kernels=False,  # since 5.25 transformers would fetch kernels from the hub, whose sums are others
            **LOCAL,
            **options,
        )
    faults = {
        "missing": [name for name in info["missing_keys"] if not POOLER.search(name)],
        "unexpected": [name for name in info["unexpected_keys"] if OF_A_LAYER.search(name)],
        "of another shape": [name for name, *_ in info["mismatched_keys"]],
    }
    found = [f"{fault}: {_listed(names)}" for fault, names in faults.items() if names]
    if found:
        raise UsageError(
            f"the weights in {folder} do not fit the model that its config.json names; {'; '.join(found)}"
        )
    return body


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split()).partition(". ")[0]
