"""The rules by which ranks come about, as a result states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.evaluation.ranking import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.data.loaded import SplitDataset
    from corecbench.settings.config import RunConfig


LATER = ("equal times", "selection")
"""The words of a protocol that are hashed with a cell. What the others say, fingerprints and settings tell."""


def protocol_on(data: SplitDataset, config: RunConfig) -> dict[str, Any]:
    """Return the protocol of a data set under the settings of a run, in the words in which a result states it.

    What was added later has a word only where ranks may differ from those of earlier versions.
    """
    dataset = data.whole_name
    chooses = "all-users" if data.reduction.train_share == 1 else config.selection
    return {
        "split": "leave-one-out",
        **PROTOCOL,
        "repeated pairs": config.repeats,
        "max_history": config.max_history_on(dataset),
        **({"item text": text} if (text := config.item_text_on(dataset)) else {}),
        **({"equal times": config.ties} if config.ties != "file" else {}),
        **({"selection": chooses} if chooses != "all-users" else {}),
    }


def later_words(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words in `LATER` that a protocol has."""
    return {word: protocol[word] for word in LATER if word in protocol}
