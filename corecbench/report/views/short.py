"""The rows of a data set with the four figures that a terminal has room for; all others are in the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.labels import label
from corecbench.report.views.layout import NONE
from corecbench.report.wording import decimal, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey


def columns(evidence: Evidence) -> list[str]:
    """Return the headings: the row, the tested metric and another one, and two changes of the tested metric."""
    return ["row", evidence.tested, *others(evidence), "over the\nstrongest", "over itself\nalone"]


def others(evidence: Evidence) -> list[str]:
    return [name for name in evidence.metrics if name != evidence.tested][:1]


def rows(evidence: Evidence, dataset: str) -> Iterator[list[str]]:
    """Yield the rows of a data set as texts under the headings, the ranked model first; `*` is significant."""
    for key, row in evidence.rows.items():
        if key.dataset == dataset:
            values = (row.metrics.get(name) for name in (evidence.tested, *others(evidence)))
            changes = (of.get(key) for of in (evidence.over_strongest, evidence.over_alone))
            yield [
                name(key, evidence),
                *(NONE if value is None else decimal(value) for value in values),
                *(change(each) for each in changes),
            ]


def name(key: RowKey, evidence: Evidence) -> str:
    is_strongest = evidence.names_strongest and evidence.strongest.get(key.dataset) == key
    return f"{label(key)}{' (strongest)' * is_strongest}"


def change(contrast: Contrast | None) -> str:
    if contrast is None or contrast.change is None:
        return NONE
    return f"{percent(contrast.change)}{'*' * contrast.is_significant}"
