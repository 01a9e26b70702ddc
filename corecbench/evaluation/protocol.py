"""The rules by which ranks come about, as a result states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.evaluation.ranking import PROTOCOL

if TYPE_CHECKING:
    from corecbench.settings.config import RunConfig


def protocol_on(dataset: str, config: RunConfig) -> dict[str, Any]:
    """Return the protocol of a data set under the settings of a run, in the words in which a result states it.

    Args:
        dataset: the name of the whole data set.
        config: the settings.
    """
    return {
        "split": "leave-one-out",
        **PROTOCOL,
        "repeated pairs": config.repeats,
        "max_history": config.max_history_on(dataset),
        **({"item text": text} if (text := config.item_text_on(dataset)) else {}),
    }
