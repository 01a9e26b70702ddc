"""Settings of the metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cutoff:
    """The rank up to which a metric looks."""

    k: int | None = None
    """Ranks beyond k count 0. None looks at all ranks, which only MRR and MAP can."""
