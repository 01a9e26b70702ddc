"""What the summary tells of: the rows of the table, and how they compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.report.comparison import Comparison, compare, why_not

if TYPE_CHECKING:
    from corecbench.report.page.blocks import Verdict
    from corecbench.report.plots.study import Study
    from corecbench.report.table import Table, TableRow
    from corecbench.results.rows import RowKey


@dataclass(frozen=True, eq=False)
class Findings:
    """The rows of the table beside the stored rows that they are made from."""

    table: Table
    study: Study

    def row(self, key: RowKey) -> TableRow:
        """Return the row of the table."""
        return next(row for row in self.table.rows if row.key == key)

    def keys(self, dataset: str) -> list[RowKey]:
        """Return the rows on a data set."""
        return [key for key in self.study.rows if key.dataset == dataset]

    def against(self, key: RowKey, other: RowKey) -> Comparison | None:
        """Return a row against another one, p not adjusted; None where they cannot be compared."""
        row, base = self.study.rows[key], self.study.rows[other]
        if why_not(row, base, self.table.tested, ""):
            return None
        return compare(row, base, self.table.tested, self.study.higher_is_better, "row", self.table.method)

    def first(self, key: RowKey) -> Comparison | None:
        """Return the comparison of a pair that is told first.

        It is that with the strongest row without an LLM, or with the model alone where none is stronger.
        """
        row = self.row(key)
        return row.over_strongest if self.table.names_strongest else row.comparison

    def verdict(self, key: RowKey) -> Verdict:
        """Return the verdict of the table on a joint row against the model alone."""
        return self.verdict_on(self.row(key).comparison)

    def verdict_on(self, comparison: Comparison | None) -> Verdict:
        """Return the verdict of the table on a comparison."""
        if comparison is None:
            return "missing"
        if comparison.lacks_seeds:
            return "few-seeds"
        if not comparison.is_significant:
            return "unclear"
        return "gain" if self.is_better(comparison) else "loss"

    def is_better(self, comparison: Comparison) -> bool:
        """Return whether a difference, however small, is in favour of the row."""
        return (comparison.difference > 0) == self.study.higher_is_better

    def pairs(self, dataset: str) -> list[RowKey]:
        """Return the joint rows that are no controls."""
        return [key for key in self.keys(dataset) if key.sharing and not self.study.is_control(key)]

    def controls(self, key: RowKey) -> list[RowKey]:
        """Return the controls that a pair is to be judged by, and those of its models that share nothing."""
        pair = replace(key, control=None)
        return [
            other
            for other in self.keys(key.dataset)
            if other != key
            and self.study.is_control(other)
            and (
                replace(other, control=None) == pair
                or (other.control is None and replace(other, sharing=key.sharing) == pair)
            )
        ]
