"""What the summary tells of: the rows of the table, and how they compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.report.page.blocks import Verdict
    from corecbench.results.rows import RowKey


@dataclass(frozen=True, eq=False)
class Findings:
    """The evidence as sentences ask for it."""

    evidence: Evidence

    def row(self, key: RowKey) -> Row:
        """Return a row."""
        return self.evidence.rows[key]

    def over_alone(self, key: RowKey) -> Contrast | None:
        """Return a joint row against its model alone; None where they cannot be compared."""
        return self.evidence.over_alone.get(key)

    def keys(self, dataset: str) -> list[RowKey]:
        """Return the rows on a data set."""
        return [key for key in self.evidence.rows if key.dataset == dataset]

    def against(self, key: RowKey, other: RowKey) -> Contrast | None:
        """Return a row against another one, p not adjusted; None where they cannot be compared."""
        return self.evidence.contrast(key, other)

    def first(self, key: RowKey) -> Contrast | None:
        """Return the comparison of a pair that is told first.

        It is that with the strongest row without an LLM, or with the model alone where none is stronger.
        """
        evidence = self.evidence
        return (evidence.over_strongest if evidence.names_strongest else evidence.over_alone).get(key)

    def verdict(self, key: RowKey) -> Verdict:
        """Return the verdict of the table on a joint row against the model alone."""
        return self.verdict_on(self.over_alone(key))

    def verdict_on(self, comparison: Contrast | None) -> Verdict:
        """Return the verdict of the table on a comparison."""
        if comparison is None:
            return "missing"
        if comparison.lacks_seeds:
            return "few-seeds"
        if not comparison.is_significant:
            return "unclear"
        return "gain" if self.is_better(comparison) else "loss"

    def is_better(self, comparison: Contrast) -> bool:
        """Return whether a difference, however small, is in favour of the row."""
        return (comparison.difference > 0) == self.evidence.higher_is_better

    def pairs(self, dataset: str) -> list[RowKey]:
        """Return the joint rows that are no controls."""
        return [key for key in self.keys(dataset) if key.sharing and not self.evidence.is_control(key)]

    def controls(self, key: RowKey) -> list[RowKey]:
        """Return the controls that a pair is to be judged by, and those of its models that share nothing."""
        pair = replace(key, control=None)
        return [
            other
            for other in self.keys(key.dataset)
            if other != key
            and self.evidence.is_control(other)
            and (
                replace(other, control=None) == pair
                or (other.control is None and replace(other, sharing=key.sharing) == pair)
            )
        ]
