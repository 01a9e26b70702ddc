"""The rules by which ranks come about, as a result states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.data.reduction import in_percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.data.loaded import SplitDataset
    from corecbench.data.split import Split
    from corecbench.settings.config import RunConfig


PROTOCOL: Mapping[str, str] = {
    "candidates": "full catalogue",
    "seen items": "left out",
    "ties": "against the model",
}
"""The rules of `corecbench.evaluation.ranking.rank_task`, in the words in which a result states them."""
EXISTING = "items that exist by the target's time"
REFIT = "on all before the test items, as validation chose"
MANY_USERS = 100_000
"""Where more users are validated, a sample of them is after each epoch."""
SAMPLED_USERS = 20_000
"""The users of such a sample."""
LATER = ("equal times", "selection", "cut", "target", "window", "refit", "validation")
"""The words of a protocol that are hashed with a cell. What the others say, fingerprints and settings tell."""


def protocol_on(data: SplitDataset, config: RunConfig) -> dict[str, Any]:
    """Return the protocol of a data set under the settings of a run, in the words in which a result states it.

    What was added later has a word only where ranks may differ from those of earlier versions.
    """
    dataset = data.whole_name
    chooses = "all-users" if data.reduction.train_share == 1 else config.selection
    sampled = sampled_users(data.split, config)
    return {
        "split": config.split,
        **(by_time(config, data.reduction.window) if config.split == "time" else {}),
        **PROTOCOL,
        **({"candidates": EXISTING} if config.split == "time" else {}),
        "repeated pairs": config.repeats,
        "max_history": config.max_history_on(dataset),
        **({"item text": text} if (text := config.item_text_on(dataset)) else {}),
        **({"equal times": config.ties} if config.ties != "file" else {}),
        **({"selection": chooses} if chooses != "all-users" else {}),
        **({"refit": REFIT} if config.refits else {}),
        **({"validation": f"{sampled:,} users after each epoch, all in the end"} if sampled else {}),
    }


def sampled_users(split: Split, config: RunConfig) -> int | None:
    n_users = len(split.held["validation"].users)
    sampled = config.validation_users or (SAMPLED_USERS if n_users > MANY_USERS else n_users)
    return sampled if sampled < n_users else None


def users_setting(protocol: Mapping[str, Any], n_users: int) -> int | None:
    """Return the setting `validation_users` that gives what a protocol states; None for the default.

    Args:
        protocol: as a result states it.
        n_users: those of the data set.

    >>> users_setting({"validation": "20,000 users after each epoch, all in the end"}, 150_000)
    20000
    >>> users_setting({}, 150_000), users_setting({}, 1_000)
    (150000, None)
    """
    if "validation" in protocol:
        return int(protocol["validation"].split()[0].replace(",", ""))
    return n_users if n_users > MANY_USERS else None


def by_time(config: RunConfig, window: int) -> dict[str, str]:
    words = {"cut": ", ".join(config.cut), "target": f"{config.target} after the cut"}
    return words | ({"window": f"{window} of {config.windows}"} if config.windows > 1 else {})


def split_words(config: RunConfig, train_share: float) -> dict[str, str]:
    """Return what a search of settings and a run under these must have in common.

    Of several windows the first is searched, whose validation begins and ends as that of one alone.
    """
    words = by_time(config, config.window) if config.split == "time" else {}
    if config.window < 2:
        words.pop("window", None)
    return {"split": config.split, "equal times": config.ties, "users that train": in_percent(train_share), **words}


def split_settings(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run that give the split that a protocol states.

    >>> split_settings({"split": "time", "cut": "0.8, 0.9", "target": "last after the cut", "refit": REFIT})
    {'ties': 'file', 'split': 'time', 'cut': ['0.8', '0.9'], 'target': 'last'}
    >>> split_settings({"split": "leave-one-out", "refit": REFIT})
    {'ties': 'file', 'refit': True}
    """
    settings: dict[str, Any] = {"ties": protocol.get("equal times", "file")}
    refits, by_time = "refit" in protocol, protocol.get("split") == "time"
    settings |= {"refit": refits} if refits != by_time else {}
    if by_time:
        settings |= {"split": "time", "cut": protocol["cut"].split(", "), "target": protocol["target"].split()[0]}
        if "window" in protocol:
            settings["window"], settings["windows"] = map(int, protocol["window"].split(" of "))
    return settings


def later_words(protocol: Mapping[str, Any]) -> dict[str, Any]:
    return {word: protocol[word] for word in LATER if word in protocol}
