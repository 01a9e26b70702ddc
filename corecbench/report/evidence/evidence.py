"""All that is known of a benchmark: read once, and asked by every table, plot and page.

`reading.read` turns stored cells into one `Evidence`. Views are functions of it and read nothing themselves:

    evidence = read(entries, store, metrics, tested="NDCG@10", method=Method())
    evidence.rows[key]              a `Row`: metrics, ranks and records of one side of a cell over its seeds
    evidence.over_alone[key]        a `Contrast`: the row minus its model alone, p adjusted over the family
    evidence.over_strongest[key]    the same minus the strongest row without an LLM
    evidence.over_baseline[key]     any row minus the one that `evidence.baseline` names
    evidence.contrast(key, other)   any other row minus another one, on all users or a group, p not adjusted
    evidence.groups(dataset)        all users of a data set, then every slice of them
    evidence.slices()               every joint row minus its model alone on each of these groups
    evidence.shares()               the same on all users, at every share of the users that train
    evidence.ledgers()              what the gain of each pair with controls is made of
    evidence.best(keys)             the best of some rows by the tested metric
    evidence.on(dataset)            the part on one data set

A `Contrast` has a `verdict`, its test and p, and `sizes`. A `RowKey` names a row: `key.solo` is its model alone,
`evidence.is_control(key)` whether it only judges others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from corecbench.api import CellResult, Metric, UsageError
from corecbench.data.reduction import pooled_dataset
from corecbench.report.evidence import ledger
from corecbench.report.evidence.contrasts import (
    STANDARD,
    Contrast,
    Family,
    Method,
    Yardstick,
    adjust_families,
    common_seeds,
    why_not,
    why_untested,
)
from corecbench.report.evidence.controls import NO_CONTROLS, KnownControls
from corecbench.report.evidence.users import EVERYONE, Facts, UserGroup, facts_of, user_groups
from corecbench.report.wording import together
from corecbench.results.rows import RowKey, in_order, variants_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from corecbench.report.evidence.ledger import Ledger
    from corecbench.report.evidence.rows import Row
    from corecbench.results.store import Entry


@dataclass(frozen=True, eq=False)
class Evidence:
    """The rows of a benchmark, in the order of its table, and all that is asked of them.

    Rows are in the order of their data sets. On each, the domain models come before the LLMs, in the order in which
    the records name them: a model alone, then its pairs, each followed by its controls and its ensemble.
    """

    rows: Mapping[RowKey, Row]
    metrics: Mapping[str, Metric]
    """name -> metric, in the order of the columns."""
    tested: str
    """The name of the metric that contrasts are of."""
    method: Method = STANDARD
    entries: Sequence[Entry] = ()
    """The folders and records of all cells, failed ones too."""
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """data set -> how its ranks came about."""
    controls: KnownControls = NO_CONTROLS
    left_out: Collection[str] = ()
    """The folders of the cells that are left out, since what is stored of them cannot be used."""
    baseline: str = ""
    """The name of a row, such as "sasrec+llama+bdlm:llm", that every row is compared with, too; none if empty."""
    whole: Evidence | None = field(default=None, repr=False)
    """All of it, where this is a part: families of tests are those of the whole."""
    _groups: dict[str, Sequence[UserGroup]] = field(default_factory=dict, init=False, repr=False)
    _over: dict[str, Mapping[RowKey, Contrast]] = field(default_factory=dict, init=False, repr=False)
    _ledgers: dict[bool, Sequence[Ledger]] = field(default_factory=dict, init=False, repr=False)

    # --- rows -----------------------------------------------------------------------------------------------------

    @property
    def higher_is_better(self) -> bool:
        return self.metrics[self.tested].higher_is_better

    @property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(key.dataset for key in self.rows))

    def on(self, dataset: str) -> Evidence:
        rows = {key: row for key, row in self.rows.items() if key.dataset == dataset}
        return replace(self, rows=rows, whole=self.whole or self)

    def records(self, datasets: Collection[str] | None = None) -> list[CellResult]:
        records = [record for _, record in self.entries]
        if datasets is None:
            return records
        names = set(datasets)
        cells = [(record, record["cell"]) for record in records]
        return [record for record, cell in cells if names & {cell["dataset"], pooled_dataset(cell)}]

    def protocol(self, datasets: Collection[str] | None = None) -> Mapping[str, Any]:
        named = [(name, of) for name, of in self.protocols.items() if datasets is None or name in datasets]
        return together(named, "data sets")

    def is_control(self, key: RowKey) -> bool:
        return key.is_control(self.controls.unshared)

    def notes(self, key: RowKey) -> Sequence[str]:
        untested = self.why_untested(key), self.why_not_over_baseline(key)
        return (*self.rows[key].notes(), *filter(None, untested))

    def has(self, key: RowKey) -> bool:
        return key in self.rows and self.rows[key].has(self.tested)

    def best(self, keys: Iterable[RowKey]) -> RowKey:
        return (max if self.higher_is_better else min)(keys, key=lambda key: self.rows[key].metrics[self.tested])

    @functools.cached_property
    def families(self) -> Mapping[RowKey, Family]:
        """The family in which each row is tested.

        A pair whose sharing module is a variant is an ablation where the pair of the module itself stands beside
        it.
        """
        variants = variants_of(self.entries)

        def family(key: RowKey) -> Family:
            if self.is_control(key):
                return "control"
            whole = variants.get(key.sharing or "")
            return "ablation" if whole and replace(key, sharing=whole) in self.rows else "row"

        return {key: family(key) for key in self.rows}

    @functools.cached_property
    def strongest(self) -> Mapping[str, RowKey]:
        """Data set -> its strongest row without an LLM, if any such row has a validation value.

        A pair can gain much over its own model alone because that model is weak there. So the row to beat is the
        best of all that have no LLM: references, models alone, and pairs whose module shares nothing. It is chosen
        by NDCG@10 on the validation items under the seeds that all of them have, and no test item has a say. Rows
        without any such seed do not count, unless all lack them. Of equal rows the first counts.
        """
        strongest = {}
        for dataset in self.datasets:
            rows = {
                key: row
                for key, row in self.on(dataset).rows.items()
                if key.side == "domain"
                and key.control is None
                and (key.sharing is None or key.sharing in self.controls.unshared)
                and row.validation is not None
            }
            seeds = seeds_in_common([row.values.keys() for row in rows.values() if not row.is_deterministic])
            values = {key: row.validation_under(seeds) for key, row in rows.items()}
            if rows:
                strongest[dataset] = max(rows, key=lambda key: -1.0 if (value := values[key]) is None else value)
        return strongest

    # --- groups of users ------------------------------------------------------------------------------------------

    def facts(self, dataset: str) -> Facts:
        rows = [row for key, row in self.rows.items() if key.dataset == dataset]
        return facts_of(
            (seed if row.key.reduction else None, ranks) for row in rows for seed, ranks in row.users.items()
        )

    def groups(self, dataset: str) -> Sequence[UserGroup]:
        if dataset not in self._groups:
            n_users = max((row.n_users for key, row in self.rows.items() if key.dataset == dataset), default=0)
            self._groups[dataset] = list(user_groups(n_users, self.facts(dataset)))
        return self._groups[dataset]

    # --- contrasts ------------------------------------------------------------------------------------------------

    @property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.tested, self.higher_is_better, self.method)

    def why_untested(self, key: RowKey) -> str | None:
        return None if key.is_solo else why_untested(self.rows[key], self.rows.get(key.solo), self.tested)

    def joint(self) -> list[RowKey]:
        return [key for key in self.rows if not key.is_solo and self.why_untested(key) is None]

    def contrast(
        self, key: RowKey, other: RowKey, group: UserGroup = EVERYONE, unit: RowKey | None = None
    ) -> Contrast | None:
        """Return a row minus another one, p not adjusted; None where they cannot be compared.

        Changes are relative to `unit`, over seeds that it has, too, or else to `other`.
        """
        row, base = self.rows[key], self.rows[other]
        if why_not(row, base, self.tested, ""):
            return None
        if unit is None or why_not(row, self.rows[unit], self.tested, ""):
            return self.yardstick.contrast(row, base, group=group)
        shared = set(common_seeds(row, self.rows[unit]))
        seeds = tuple(seed for seed in common_seeds(row, base) if seed in shared)
        return self.yardstick.contrast(row, base, "row", group, self.rows[unit], seeds) if seeds else None

    @functools.cached_property
    def over_alone(self) -> Mapping[RowKey, Contrast]:
        if self.whole:
            return {key: each for key, each in self.whole.over_alone.items() if key in self.rows}
        return self._adjusted({key: key.solo for key in self.joint()})

    @functools.cached_property
    def over_strongest(self) -> Mapping[RowKey, Contrast]:
        if self.whole:
            return {key: each for key, each in self.whole.over_strongest.items() if key in self.rows}
        pairs = [key for key in self.rows if not key.is_solo and self.families[key] != "control"]
        return self._adjusted({key: self.strongest[key.dataset] for key in pairs if key.dataset in self.strongest})

    @property
    def over_baseline(self) -> Mapping[RowKey, Contrast]:
        return self.over(self.baseline) if self.baseline else {}

    def why_not_over_baseline(self, key: RowKey) -> str | None:
        if not self.baseline or key in self.over_baseline:
            return None
        base = self.called(self.baseline).get(key.dataset)
        if base is None:
            return f"not compared: no {self.baseline} on {key.dataset}"
        return None if base == key else why_not(self.rows[key], self.rows[base], self.tested, self.baseline)

    def over(self, name: str) -> Mapping[RowKey, Contrast]:
        """Return each row minus the one of a name on the same data set.

        Raises:
            UsageError: as in `called`.
        """
        if self.whole:
            return {key: each for key, each in self.whole.over(name).items() if key in self.rows}
        if name not in self._over:
            bases = self.called(name)
            pairs = {key: bases[key.dataset] for key in self.rows if key.dataset in bases}
            self._over[name] = self._adjusted({key: base for key, base in pairs.items() if key != base})
        return self._over[name]

    def called(self, name: str) -> Mapping[str, RowKey]:
        """Return the row of a name on each data set that has one.

        Raises:
            UsageError: no row has that name, or both sides of a pair do.
        """
        rows = (self.whole or self).rows
        found = {key: key.dataset for key in rows if key.is_called(name)}
        if not found:
            raise UsageError(f"no row {name!r}; have: {', '.join(sorted({key.name for key in rows}))}")
        if len(found) > len(set(found.values())):
            names = sorted({key.name for key in found})
            raise UsageError(f"{name!r} means several rows; choose one of {', '.join(names)}")
        return {dataset: key for key, dataset in found.items()}

    def _adjusted(self, bases: Mapping[RowKey, RowKey]) -> Mapping[RowKey, Contrast]:
        rows, contrast = self.rows, self.yardstick.contrast
        return adjust_families(
            {
                key: contrast(rows[key], rows[base], self.families[key])
                for key, base in bases.items()
                if not why_not(rows[key], rows[base], self.tested, "")
            },
            self.method,
        )

    @property
    def names_strongest(self) -> bool:
        return any(key.side == "domain" and each.other != key.solo for key, each in self.over_strongest.items())

    @functools.cached_property
    def _sliced(self) -> list[Contrast]:
        if self.whole:
            return [each for each in self.whole.slices() if each.row in self.rows]
        contrast, rows = self.yardstick.contrast, self.rows
        found = (
            contrast(rows[key], rows[key.solo], self.families[key], group)
            for key in self.joint()
            for group in self.groups(key.dataset)
        )
        return [each for each in found if each.n_users]

    def slices(self) -> Sequence[Contrast]:
        return self._sliced

    def ledgers(self, by_slices: bool = False) -> Sequence[Ledger]:
        """Return what the gain of each pair with controls is made of, on all users or on slices of them, too."""
        if self.whole:
            return [each for each in self.whole.ledgers(by_slices) if each.pair in self.rows]
        if by_slices not in self._ledgers:
            groups = {dataset: self.groups(dataset) for dataset in self.datasets}
            if not by_slices:
                groups = {dataset: found[:1] for dataset, found in groups.items()}
            self._ledgers[by_slices] = ledger.build(self.rows, self.yardstick, self.controls, groups)
        return self._ledgers[by_slices]

    def shares(self) -> list[list[Contrast]]:
        """Return the joint rows that can be compared with their models alone at two shares or more, in order.

        A joint row and its model alone are always those of the same share. All users are ranked at every share.

        Returns:
            The contrasts of each row, from the smallest share to the largest.
        """
        found: dict[RowKey, list[Contrast]] = {}
        for key, each in self.over_alone.items():
            found.setdefault(key.at_full_share, []).append(each)
        return [
            sorted(found[key], key=lambda each: each.row.reduction.train_share)
            for key in in_order(found)
            if len(found[key]) > 1
        ]


def seeds_in_common(of_rows: Iterable[Collection[int]]) -> Collection[int]:
    """Return the seeds that most rows have, those of a row with none of them left out.

    >>> seeds_in_common([[0, 1, 2], [0, 1], [7]]), seeds_in_common([])
    ({0, 1}, set())
    """
    common: set[int] = set()
    for seeds in sorted(of_rows, key=len, reverse=True):
        common = common & set(seeds) or common or set(seeds)
    return common
