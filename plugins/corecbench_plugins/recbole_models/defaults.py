"""RecBole's own defaults of a model's hyperparameters, which are files in its wheel."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench_plugins.recbole_models.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping

SCIENTIFIC = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
"""Numbers such as 1e-3, which YAML 1.1 reads as text and RecBole as numbers."""


def defaults(model: str) -> dict[str, Any]:
    """Return the defaults of a model. Without RecBole these are only the ones that RecBole's files lack."""
    spec = importlib.util.find_spec("recbole")
    from_file: dict[str, Any] = {}
    if spec is not None and spec.submodule_search_locations:
        file = Path(next(iter(spec.submodule_search_locations)), "properties", "model", f"{model}.yaml")
        if file.exists():  # Random has no file, and that of Pop is empty
            from_file = read_yaml(file.read_text(encoding="utf-8"))
    return from_file | dict(MODELS[model].defaults)


def read_yaml(text: str) -> dict[str, Any]:
    """Return the content of a file of defaults.

    >>> read_yaml("{reg_weight: 1e-3, sizes: [64, 64]}")
    {'reg_weight': 0.001, 'sizes': [64, 64]}
    """
    import yaml

    return {key: _with_numbers(value) for key, value in (yaml.safe_load(text) or {}).items()}


def _with_numbers(value: object) -> object:
    if isinstance(value, list):
        return [_with_numbers(part) for part in value]
    return float(value) if isinstance(value, str) and SCIENTIFIC.fullmatch(value) else value


def check_parameters(model: str, chosen: Mapping[str, Any]) -> None:
    """Check that a model has the parameters that were chosen.

    Raises:
        ValueError: it lacks one; the message lists those that it has.
    """
    have = defaults(model)
    if unknown := [key for key in chosen if key not in have] if have else []:
        raise ValueError(f"unknown parameter {unknown[0]!r} of RecBole's {model}; have: {', '.join(sorted(have))}")
