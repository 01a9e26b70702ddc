"""A model's hyperparameters: RecBole's own defaults, which lie in its wheel, under those that were chosen."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench_plugins.recbole_models.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Setup
    from corecbench_plugins.recbole_models import RecBoleConfig

SCIENTIFIC = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
"""Numbers such as 1e-3, which YAML 1.1 takes for text and RecBole for numbers."""


class Parameters(dict):
    """Parameters as RecBole's classes read them: by key, None for a missing one; `device` also as an attribute."""

    def __missing__(self, key: str) -> None:
        return None

    @property
    def device(self) -> str:
        """Where the model computes."""
        return self["device"]


def defaults(name: str) -> dict[str, Any]:
    """Return the defaults of a model; only those that RecBole's files lack if RecBole is not installed."""
    spec = importlib.util.find_spec("recbole")
    found: dict[str, Any] = {}
    if spec is not None and spec.submodule_search_locations:
        file = Path(next(iter(spec.submodule_search_locations)), "properties", "model", f"{name}.yaml")
        if file.exists():  # Random and Pop have none, or an empty one
            found = read_yaml(file.read_text(encoding="utf-8"))
    return found | dict(MODELS[name].defaults)


def read_yaml(text: str) -> dict[str, Any]:
    """Return what a file of defaults says.

    >>> read_yaml("{reg_weight: 1e-3, sizes: [64, 64]}")
    {'reg_weight': 0.001, 'sizes': [64, 64]}
    """
    import yaml

    def number(value: Any) -> Any:
        if isinstance(value, list):
            return [number(part) for part in value]
        return float(value) if isinstance(value, str) and SCIENTIFIC.fullmatch(value) else value

    return {key: number(value) for key, value in (yaml.safe_load(text) or {}).items()}


def check(name: str, chosen: Mapping[str, Any]) -> None:
    """See to it that a model has the parameters that were chosen.

    Raises:
        ValueError: it has not.
    """
    have = defaults(name)
    if strange := [key for key in chosen if key not in have] if have else []:
        raise ValueError(f"unknown parameter {strange[0]!r} of RecBole's {name}; have: {', '.join(sorted(have))}")


def resolve(config: RecBoleConfig, setup: Setup) -> Parameters:
    """Return all that a model reads of its config."""
    return Parameters(
        defaults(config.model)
        | dict(config.parameters)
        | {
            "USER_ID_FIELD": "user",
            "ITEM_ID_FIELD": "item",
            "LABEL_FIELD": "label",
            "RATING_FIELD": "label",
            "NEG_PREFIX": "negative_",
            "LIST_SUFFIX": "_list",
            "ITEM_LIST_LENGTH_FIELD": "item_length",
            "MAX_ITEM_LIST_LENGTH": setup.max_history,
            "MASK_ITEM_SEQ": "masked",
            "MASK_INDEX": "masked_position",
            "POS_ITEMS": "masked_item",
            "NEG_ITEMS": "other_item",
            "INVERSE_ITEM_SEQ": "item_list_at_right",
            "numerical_features": [],
            "train_batch_size": config.batch_size,
            "seed": setup.seed % 2**32,
            "device": setup.device,
        }
    )
