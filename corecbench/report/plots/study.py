"""The numbers that plots are made from: rows with the tested metric and the ranks of every user."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.api import CorecbenchError
from corecbench.report.plots.canvas import SIDE_NAMES
from corecbench.report.wording import seed_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.groups import Facts
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

NAME_WIDTH = 24
FIRST_NAMED = "The first model named is the one evaluated"


class NothingToShow(CorecbenchError):  # noqa: N818 - an outcome, not a fault
    """There is nothing to plot; the message says why."""


@dataclass(frozen=True, eq=False)
class Study:
    """The evidence as plots ask for it."""

    evidence: Evidence

    @property
    def rows(self) -> Mapping[RowKey, Row]:
        """The rows, in the order of the table."""
        return self.evidence.rows

    @property
    def facts(self) -> Mapping[str, Facts]:
        """Data set -> the facts by which users are sliced."""
        return {dataset: self.evidence.facts(dataset) for dataset in self.datasets}

    @property
    def tested(self) -> str:
        """The tested metric."""
        return self.evidence.tested

    @property
    def higher_is_better(self) -> bool:
        """The direction of the tested metric."""
        return self.evidence.higher_is_better

    @property
    def datasets(self) -> list[str]:
        """The data sets, in order."""
        return self.evidence.datasets

    def on(self, dataset: str) -> Study:
        """Return the part on one data set."""
        return Study(self.evidence.on(dataset))

    def is_control(self, key: RowKey) -> bool:
        """Return whether a row is there only to judge other rows by."""
        return self.evidence.is_control(key)

    def present(self) -> list[RowKey]:
        """Return the rows that have a value of the tested metric."""
        return [key for key in self.rows if self.evidence.has(key)]

    def joint(self) -> list[RowKey]:
        """Return the joint rows that can be compared with their own solo rows.

        Raises:
            NothingToShow: there are none.
        """
        comparable = self.evidence.joint()
        if not comparable:
            raise NothingToShow("there is no joint row that can be compared with its solo row")
        return comparable

    def with_ranks(self, keys: Sequence[RowKey]) -> list[RowKey]:
        """Return the joint rows whose ranks, and those of their solo rows, are all known.

        Raises:
            NothingToShow: there are none.
        """
        known = [key for key in keys if all(self.rows[each].knows_ranks for each in (key, key.solo))]
        if not known:
            raise NothingToShow("imported lists do not say at which rank every held-out item is")
        return known

    def groups(self, most: int) -> Iterator[list[RowKey]]:
        """Yield the comparable joint rows of one model on one data set, at most so many at a time.

        Those of the same pair stay together if they are no more than that, otherwise those of the same sharing.

        Raises:
            NothingToShow: there are none.
        """
        group: list[RowKey] = []
        for _, block in groupby(self.joint(), lambda key: (key.solo, key.domain, key.llm)):
            for part in _parts(list(block), most):
                if group and (group[0].solo != part[0].solo or len(group) + len(part) > most):
                    yield group
                    group = []
                group = group + part
        yield group

    def effects(self, key: RowKey, sliced: bool = False) -> list[Contrast]:
        """Return the gains of a joint row over its solo row: on all users, then on slices if asked for."""
        return list(self.evidence.slices_of(key)) if sliced else [self.evidence.over_alone[key]]

    def mean(self, key: RowKey) -> float:
        """Return the tested metric of a row: the mean over users, each first averaged over seeds."""
        return self.rows[key].metrics[self.tested]

    def extent(self) -> str:
        """Return users and seeds of each data set, as a caption states them."""
        return "; ".join(self.extents().values())

    def extents(self) -> dict[str, str]:
        """Return users and seeds of each data set, as a caption states them, by its name."""
        extents = {}
        for dataset in self.datasets:
            rows = [row for key, row in self.rows.items() if key.dataset == dataset and row.values]
            if rows:
                n_users = len(next(iter(rows[0].values.values())))
                seeds = seed_list({seed for row in rows for seed in row.values}, "seed")
                extents[dataset] = f"{dataset}: {n_users:,} users, {seeds}"
        return extents


def _parts(pair: Sequence[RowKey], most: int) -> Iterator[list[RowKey]]:
    """Yield the rows of a pair together, or a pair with its controls at a time, at most so many."""
    blocks = [pair]
    if len(pair) > most:
        blocks = [list(block) for _, block in groupby(pair, lambda key: key.sharing)]
    for block in blocks:
        for start in range(0, len(block), most):
            yield list(block[start : start + most])


def titled(groups: Iterator[list[RowKey]]) -> Iterator[tuple[str, dict[RowKey, str]]]:
    """Yield groups of rows under what they have in common, the model and maybe its partner, with their names."""
    last = None
    for keys in groups:
        partners = {key.partner for key in keys}
        common = f" + {shorten(partners.pop() or '')}" if len(partners) == 1 else ""
        title = f"{shorten(keys[0].own or '')} ({SIDE_NAMES[keys[0].solo.side]}){common}"
        more = ", continued" if title == last else ""
        last = title
        yield title + more, {key: partner(key, with_model=not common) for key in keys}


def partner(key: RowKey, size: int = NAME_WIDTH, with_model: bool = True) -> str:
    """Return the parts of a joint row beside the model that is evaluated, such as "llama, bdlm"."""
    ensemble = "ensemble" if key.side == "ensemble" else None
    names = (key.partner if with_model else None, key.sharing, ensemble, key.control)
    return ", ".join(shorten(name, size) for name in names if name)


def label(key: RowKey, size: int = NAME_WIDTH) -> str:
    """Return the name of a row on a data set: the model that is evaluated, then what it was trained with."""
    own = shorten(key.own or "", size)
    return own if key.is_solo else f"{own} + {partner(key, size)}"


def labels(keys: Sequence[RowKey], width: int) -> list[str]:
    """Return the names of rows, with parts short enough for so many characters where they still tell rows apart."""
    for size in (NAME_WIDTH, 18, 14, 10):
        names = [label(key, size) for key in keys]
        if max(map(len, names)) <= width and len(set(names)) == len(keys):
            return names
    return [label(key) for key in keys]


def cell_label(key: RowKey) -> str:
    """Return the name of a cell on a data set, such as "sasrec + llama, bdlm"."""
    models = " + ".join(shorten(name) for name in (key.domain, key.llm) if name)
    return ", ".join([models, *(shorten(name) for name in (key.sharing, key.control) if name)])


def shorten(name: str, size: int = NAME_WIDTH) -> str:
    """Return a name with its middle left out if it is long, such as one with a path in it.

    >>> shorten("llama:an/organisation/a-model"), shorten("sasrec"), shorten("shuffled-texts", 10)
    ('llama:an/o…ation/a-model', 'sasrec', 'shu…-texts')
    """
    first = size // 2 - 2
    return name if len(name) <= size else f"{name[:first]}…{name[first + 1 - size :]}"
