"""The cutoff k of a metric, such as the 10 of NDCG@10."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from corecbench.api import UsageError

if TYPE_CHECKING:
    from corecbench_plugins.metrics.settings import Cutoff


class MetricAtCutoff:
    """A metric that needs a cutoff."""

    name: ClassVar[str]
    """Name of the metric in messages."""

    def __init__(self, config: Cutoff) -> None:
        self.k = checked_cutoff(self.name, config)


def checked_cutoff(metric: str, config: Cutoff) -> int:
    """Return k.

    Raises:
        UsageError: k is missing or not a whole number of at least 1.
    """
    if config.k is None:
        raise UsageError(f"{metric} needs a cutoff, such as {metric}@10")
    if isinstance(config.k, bool) or not isinstance(config.k, int) or config.k < 1:
        raise UsageError(
            f"cutoff of {metric} is a whole number of at least 1, such as {metric}@10; got {config.k!r}"
        )
    return config.k
