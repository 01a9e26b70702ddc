"""What can be said of a backend when a run is planned: its downloads, and settings that do not fit its model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.model_files import checked_folder, n_layers, read_config, stored_weights
from corecbench_plugins.hf_llm.packaged_weights import PACKAGED
from corecbench_plugins.hf_llm.weights import downloads, hub_folder, is_local, packaged_folder

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm.settings import LlmConfig


def needs(config: LlmConfig, cache: Path) -> list[str]:
    """Return each download that building the backend would start, one line each.

    Raises:
        UsageError: as `downloads` does, or the settings do not fit the model.
    """
    found = downloads(config, cache)
    check_settings(config, known_folder(config.weights, cache))
    return found


def known_folder(weights: str, cache: Path) -> Path | None:
    """Return the folder of a model; None if it is not here yet, or is a GGUF file.

    Raises:
        UsageError: it cannot be used.
    """
    if weights in PACKAGED:
        folder = packaged_folder(weights, cache)
        return folder if folder.exists() else None
    if is_local(weights):
        path = Path(weights).expanduser()
        return checked_folder(path) if path.is_dir() else None
    return hub_folder(weights)


def check_settings(config: LlmConfig, folder: Path | None) -> None:
    """Make sure that the settings fit the model.

    Args:
        config: the settings.
        folder: of the model; None if it is not here. Of packaged models the number of layers is known anyway.

    Raises:
        UsageError: there are fewer layers than `lora_layers`, no layer with a name in `lora_targets`, no chat
            template that is asked for, or the model is of another family.
    """
    packaged = PACKAGED.get(config.weights)
    count = packaged.n_layers if packaged is not None else None
    if folder is not None:
        count = n_layers(read_config(folder)) or count
    if count is not None and config.lora_layers > count:
        raise UsageError(f"lora_layers is {config.lora_layers}, allowed are 1 to {count}, the layers of the model")
    if folder is None:
        return
    check_family(config, folder)
    check_targets(config, folder)
    if config.prompt == "chat" and not has_chat_template(folder):
        raise UsageError(f"prompt is chat, but the tokenizer in {folder} has no chat template; use prompt=plain")


def check_family(config: LlmConfig, folder: Path) -> None:
    """Make sure that a model is of the family of its backend.

    Raises:
        UsageError: it is not.
    """
    model_type = str(read_config(folder).get("model_type", ""))
    if not model_type.startswith(config.family):
        raise UsageError(
            f"{folder.name} is a model of type {model_type}, not {config.family}; write hf:{config.weights}"
        )


def check_targets(config: LlmConfig, folder: Path) -> None:
    """Make sure that the layers that LoRA adapts exist.

    Raises:
        UsageError: none of them does.
    """
    if config.lora_targets == "auto" or not config.lora_rank:
        return
    modules = [f".{weight.name}".rpartition(".")[0] for weight in stored_weights(folder)]
    if modules and not any(module.endswith(f".{target}") for module in modules for target in config.lora_targets):
        have = ", ".join(sorted({module.rpartition(".")[2] for module in modules if module}))
        raise UsageError(f"lora_targets {', '.join(config.lora_targets)} are not in the model; it has {have}")


def has_chat_template(folder: Path) -> bool:
    """Return whether the tokenizer in a folder has a chat template."""
    stated = folder / "tokenizer_config.json"
    return (folder / "chat_template.jinja").exists() or (
        stated.exists() and b'"chat_template"' in stated.read_bytes()
    )
