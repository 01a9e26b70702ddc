"""A model's hyperparameters in the form that RecBole's classes read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench_plugins.recbole_models.defaults import defaults

if TYPE_CHECKING:
    from corecbench.api import Setup
    from corecbench_plugins.recbole_models.settings import RecBoleConfig


class Parameters(dict[str, Any]):
    """Parameters by key, None for a missing one; `device` is an attribute too."""

    def __missing__(self, key: str) -> None:
        return None

    @property
    def device(self) -> str:
        """Where the model computes."""
        device: str = self["device"]
        return device


def all_parameters(config: RecBoleConfig, setup: Setup) -> Parameters:
    """Return every parameter that a model reads: defaults, chosen ones, and those that corecbench sets."""
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
