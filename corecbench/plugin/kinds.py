"""The kinds of components that plugins offer."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of component."""

    word: str
    """For one of it on the command line."""
    label: str
    """What one is called in messages."""
    hook: str
    """By which plugins offer them."""


KINDS = {
    "models": Kind("model", "domain model", "corecbench_domain_models"),
    "llms": Kind("llm", "LLM", "corecbench_llms"),
    "sharing": Kind("sharing", "sharing module", "corecbench_sharing_modules"),
    "datasets": Kind("dataset", "data set", "corecbench_datasets"),
    "metrics": Kind("metric", "metric", "corecbench_metrics"),
    "reporters": Kind("reporter", "reporter", "corecbench_reporters"),
    "trackers": Kind("tracker", "tracker", "corecbench_trackers"),
}
WORDS = {kind.word: key for key, kind in KINDS.items()}
"""The word for one -> the key in `KINDS`."""
