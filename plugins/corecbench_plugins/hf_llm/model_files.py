"""The files of a model folder, looked at before transformers reads them: which there are, and how large.

A model folder can come from anywhere. It must not run code, and must not take more time or memory than its weights.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MIB = 1 << 20
MOST_BYTES = {"config.json": 4 * MIB, ".json": 128 * MIB, ".model": 64 * MIB, ".txt": 64 * MIB, ".jinja": MIB}
"""Name or suffix of a file -> its largest size. The tokenizers of large models take up to 40 MiB."""
MOST_HEADER_BYTES = 100 * MIB
"""Largest header of a safetensors file, as its format has it."""
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Suffixes of files that run code when they are read."""
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
"""Names that families give to the number of layers in config.json."""
MOST_LABELS = 10**5
"""Largest number of classes of a head: transformers makes a text for each, though there is no head here."""
SPARE = 4
"""A model may have so many times as many layers and values as its files hold; what is missing is then named."""
SPARE_VALUES = 10**7
"""Further values that a model may have, such as tables of positions."""
NUMBER = re.compile(r"\.(\d+)\.")
PLAIN = re.compile(r"\w+")
"""The name of an attention that transformers has; any other names code of the hub."""


class Weight(NamedTuple):
    """One weight in a file, as the header states it."""

    name: str
    n_values: int


def checked_folder(folder: Path) -> Path:
    """Return a model folder, if it has what is needed and nothing that is dangerous.

    Raises:
        UsageError: a file is missing, is no file, or is too large, or config.json promises a model that the weights
            are too small for.
    """
    files = {path.name: path for path in sorted(folder.iterdir())}
    if "config.json" not in files or not any(name.endswith(".safetensors") for name in files):
        pickled = [name for name in files if name.endswith(PICKLED)]
        why = f"; {pickled[0]} is not read, since pickled weights can run code" if pickled else ""
        raise UsageError(f"no model in {folder}: config.json, *.safetensors and a tokenizer are needed{why}")
    if "adapter_config.json" in files:
        raise UsageError(f"{folder} holds an adapter of another model, adapter_config.json; merge and save them")
    for name, path in files.items():
        if not path.is_file() and not path.is_dir():
            raise UsageError(f"{path} is no file that can be read")
        most = MOST_BYTES.get(name) or MOST_BYTES.get(path.suffix)
        if most and path.stat().st_size > most:
            raise UsageError(f"{path} has {path.stat().st_size:,} bytes, at most {most:,} are read")
    check_config(folder)
    check_index(folder, set(files))
    return folder


def check_config(folder: Path) -> None:
    """Make sure that config.json asks for nothing that takes endless time, and for nothing of another place.

    Raises:
        UsageError: it does.
    """
    path, held = folder / "config.json", layers_in(stored_weights(folder))
    for key, value in settings_in(read_config(folder)):
        number = value if isinstance(value, int | float) else 0
        if key in LAYERS and number > SPARE * (held + 1):
            raise UsageError(f"{path}: {key} is {value}, but the weights have {held} layers")
        if key in ("num_labels", "_num_labels") and number > MOST_LABELS:
            raise UsageError(f"{path}: {key} is {value}, allowed are {MOST_LABELS}")
        if key == "transformers_weights" or (
            key.endswith("attn_implementation") and not PLAIN.fullmatch(str(value))
        ):
            raise UsageError(f"{path}: {key} is {value!r:.80}; code and weights of other places are not loaded")


def check_index(folder: Path, files: set[str]) -> None:
    """Make sure that the index of weights in several files names files of the folder alone.

    Raises:
        UsageError: it does not, or cannot be read.
    """
    for path in folder.glob("*.safetensors.index.json"):
        try:
            named = set(json.loads(path.read_bytes())["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{path} cannot be read: {error or type(error).__name__}") from error
        if missing := sorted(map(str, named - files)):
            raise UsageError(f"{path} names {missing[0]}, which is no file in {folder}")


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return the contents of config.json.

    Raises:
        UsageError: it cannot be read, is nested too deep, or is no object.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{path} cannot be read: {reason}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path} cannot be read: it is no JSON object")
    return config


def settings_in(values: Any) -> Iterator[tuple[str, object]]:
    """Yield the name and value of each setting below an object that holds no others."""
    open_values = [values]
    while open_values:
        each = open_values.pop()
        open_values += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
        if isinstance(each, dict):
            yield from ((key, value) for key, value in each.items() if not isinstance(value, dict | list))


def n_layers(config: Mapping[str, Any]) -> int | None:
    """Return the number of layers that read text, as config.json states it; None if it does not.

    >>> n_layers({"num_hidden_layers": 2}), n_layers({"text_config": {"n_layer": 3}}), n_layers({})
    (2, 3, None)
    """
    of_text = config.get("text_config")
    for part in (of_text if isinstance(of_text, dict) else {}, config):
        found = next((part[name] for name in LAYERS if isinstance(part.get(name), int)), None)
        if found is not None:
            return int(found)
    return None


def stored_weights(folder: Path) -> list[Weight]:
    """Return the weights in all files of a folder, of which the headers alone are read.

    Raises:
        UsageError: a file is no safetensors, or is cut off.
    """
    return [weight for path in sorted(folder.glob("*.safetensors")) for weight in weights_in(path)]


def weights_in(path: Path) -> list[Weight]:
    """Return the weights in a file.

    Raises:
        UsageError: it is no safetensors file, or is cut off.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER_BYTES:
                raise ValueError("its header is too long")
            header = json.loads(file.read(length))
        entries = {name: of_weight for name, of_weight in header.items() if name != "__metadata__"}
        end = max((each["data_offsets"][1] for each in entries.values()), default=0)
        if path.stat().st_size < 8 + length + end:
            raise ValueError("it is cut off")
        return [Weight(name, product(of_weight["shape"])) for name, of_weight in entries.items()]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no whole safetensors file: {error or type(error).__name__}") from error


def product(shape: list[int]) -> int:
    """Return the number of values of a shape."""
    return functools.reduce(lambda one, other: one * int(other), shape, 1)


def layers_in(weights: list[Weight]) -> int:
    """Return the number of layers that the names of weights speak of.

    >>> layers_in([Weight("h.0.mlp", 1), Weight("h.11.mlp", 1), Weight("wte", 1)])
    12
    """
    return max((int(number) + 1 for weight in weights for number in NUMBER.findall(weight.name)), default=0)


def check_size(folder: Path, n_values: int) -> None:
    """Make sure that a model is not far larger than its weights.

    Args:
        folder: of the weights.
        n_values: of the model that config.json describes.

    Raises:
        UsageError: it is.
    """
    held = sum(weight.n_values for weight in stored_weights(folder))
    if n_values > SPARE * held + SPARE_VALUES:
        raise UsageError(
            f"{folder / 'config.json'} describes a model of {n_values:,} values, but the weights have {held:,}"
        )
