"""From stored cells to the rows of a table: the metrics of each user and seed, and why values are missing."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.api import PluginError
from corecbench.evaluation.bounds import why_unknown
from corecbench.evaluation.measuring import depth, is_overall, measure_checked
from corecbench.report.provenance import listed
from corecbench.report.wording import one_line, seed_list
from corecbench.results.lists import lists_of, why_too_deep
from corecbench.results.record import DamagedError, ResultsError, failure_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from corecbench.api import CellResult, Metric, SideRecord
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry, Store

MESSAGE_WIDTH = 80
TIED = "target_is_tied"
"""The stored fact whether the last two items of a user have the same time."""


@dataclass(frozen=True)
class StoredRow:
    """The metrics of one row, computed from what is stored of it."""

    key: RowKey
    values: Mapping[int, pd.DataFrame]
    """seed -> metrics per user, float64; one column per metric, indexed by user_id in order."""
    problems: Mapping[int, str]
    """seed -> why it has no ranks."""
    at_limit: bool
    """Whether any seed ran out of epochs before its patience."""
    records: tuple[CellResult, ...] = ()
    """The records of the seeds that have ranks, in the same order."""
    overall: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """seed -> metric -> its value, for metrics that have no value per user; the same seeds as in `values`."""
    user_facts: Mapping[int, pd.DataFrame] = field(default_factory=dict)
    """seed -> the test item of each user, and FACTS where they are stored; the same users as in `values`."""
    faults: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """seed -> metric -> why it has no value, in one line that names metric and plugin."""
    _columns: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Columns of `values` that were asked for; tables and plots ask for the same ones again and again."""

    def column(self, metric: str, seed: int) -> np.ndarray:
        """Return a metric of each user under a seed, float64 [U]."""
        found = self._columns.get((metric, seed))
        if found is None:
            of_seed = min(self.values) if self.is_deterministic and seed not in self.values else seed
            found = self._columns[metric, seed] = self.values[of_seed][metric].to_numpy()
        return found

    @property
    def n_users(self) -> int:
        """The number of users; 0 where no seed has ranks."""
        return len(next(iter(self.values.values()), ()))

    @functools.cached_property
    def is_deterministic(self) -> bool:
        """Whether no seed can change the row: nothing was trained, and nothing was left out by seed.

        Controls draw by seed. A row whose stored seeds differ is not deterministic, whatever its records say.
        """
        first, *others = self.values.values() or [pd.DataFrame()]
        return (
            bool(self.records)
            and self.key.control is None
            and not self.key.reduction
            and not any(map(_trains, self.records))
            and all(first.equals(other) for other in others)
        )

    def missing(self, planned: Collection[int]) -> set[int]:
        """Return the planned seeds that have no result, not even a failure; one is enough where no seed matters."""
        return set() if self.is_deterministic else set(planned) - self.values.keys() - self.problems.keys()

    def only(self, metric: str) -> StoredRow:
        """Return the row as it is read with this metric alone."""
        return replace(
            self,
            values={
                seed: values[[name for name in values if name == metric]] for seed, values in self.values.items()
            },
            overall={
                seed: {name: value for name, value in values.items() if name == metric}
                for seed, values in self.overall.items()
            },
            faults={seed: {metric: faults[metric]} for seed, faults in self.faults.items() if metric in faults},
        )

    def in_order(self) -> StoredRow:
        """Return the row of the users whose last two items have different times: time decides their test item.

        Raises:
            ResultsError: an older version stored the row, without saying who they are.
        """
        if any(TIED not in facts for facts in self.user_facts.values()):
            raise ResultsError(f"{self.key.name} on {self.key.dataset}: it is not stored whose items are in order")
        apart = {seed: ~facts[TIED].to_numpy(dtype=bool) for seed, facts in self.user_facts.items()}
        return replace(
            self,
            values={seed: values[apart[seed]] for seed, values in self.values.items()},
            user_facts={seed: facts[apart[seed]] for seed, facts in self.user_facts.items()},
        )

    def failures(self) -> list[str]:
        """Return why seeds have no ranks, with the seeds of the same reason together."""
        reasons: dict[str, list[int]] = {}
        for seed, problem in self.problems.items():
            reasons.setdefault(_shorten(problem), []).append(seed)
        return [f"{seed_list(seeds, 'seed')} {reason}" for reason, seeds in reasons.items()]

    def kept_alone(self) -> list[int]:
        """Return the seeds whose domain side predicts with what the domain model learnt alone."""
        return [record["cell"]["seed"] for record, side in self.own_sides() if side.get("kept_alone")]

    def kept_alone_with_texts(self) -> list[int]:
        """Return the seeds whose domain side predicts with that model beside texts, though a pair was trained."""
        return [
            record["cell"]["seed"]
            for record, side in self.own_sides()
            if side.get("predicts") == "alone with texts" and record["cell"].get("trains", True)
        ]

    def own_sides(self) -> list[tuple[CellResult, SideRecord]]:
        """Return the records, each with that of the row's side."""
        return [(record, record["sides"][self.key.side]) for record in self.records]

    def precedes_the_other_side(self) -> bool:
        """Return whether the side has no epoch after one of the other side, so that nothing of that reached it."""
        return bool(self.records) and all(_precedes(record, self.key.side) for record in self.records)

    def imported_from(self) -> list[str]:
        """Return the names of the files that ranks were imported from, each once."""
        return list(dict.fromkeys(record["imported"]["file"] for record in self.records if "imported" in record))

    def faulty(self) -> list[str]:
        """Return the metrics that have no value for a seed that has ranks."""
        return list(dict.fromkeys(metric for faults in self.faults.values() for metric in faults))

    def fault_notes(self) -> list[str]:
        """Return a note for each metric without a value. The caption of the table states the reason."""
        return [f"no {metric} (see the caption)" for metric in self.faulty()]

    def has(self, metric: str) -> bool:
        """Return whether the row has ranks, and the metric a value for each seed with ranks."""
        return bool(self.values) and metric not in self.faulty()

    def mean_over_seeds(self, seeds: Iterable[int]) -> pd.DataFrame:
        """Return the metrics per user, each the mean over the given seeds, without metrics that any seed lacks."""
        values = [self.values[seed] for seed in sorted(seeds)]
        complete = [metric for metric in values[0] if all(metric in of_seed for of_seed in values)]
        chosen = [of_seed if list(of_seed) == complete else of_seed[complete] for of_seed in values]
        return sum(chosen[1:], start=chosen[0]) / len(values)

    def mean_of(self, metric: str, seeds: Iterable[int]) -> np.ndarray:
        """Return one metric per user, float64 [U], the mean over the given seeds as in `mean_over_seeds`."""
        values = [self.column(metric, seed) for seed in sorted(seeds)]
        return np.asarray(sum(values[1:], start=values[0]) / len(values))

    def means(self) -> dict[str, float]:
        """Return the mean over users, or the one value, of each metric that has a value, averaged over seeds."""
        per_user = self.mean_over_seeds(self.values).mean()
        per_seed = pd.DataFrame(list(self.overall.values())).mean()
        means = {str(metric): float(mean) for metric, mean in (*per_user.items(), *per_seed.items())}
        return {metric: mean for metric, mean in means.items() if self.has(metric)}

    def per_seed(self, metric: str, seeds: Iterable[int]) -> np.ndarray:
        """Return a metric of each user under each of the given seeds, float64 [U, S]."""
        return np.column_stack([self.column(metric, seed) for seed in seeds])


def _trains(record: CellResult) -> bool:
    """Return whether any side of a cell was trained, or may have been."""
    return bool(record["epochs"]) or any(side.get("trainable_parameters") != 0 for side in record["sides"].values())


def _precedes(record: CellResult, side: str) -> bool:
    """Return whether the epochs are known, and those of a side all come before those of the other side."""
    sides = [epoch.get("side") for epoch in record["epochs"]]
    return None not in sides and side in sides and set(sides[: sides.count(side)]) == {side}


def _shorten(message: str) -> str:
    """Return a message of one line; of a long one the beginning and the end, where the reason stands."""
    text = " ".join(message.split())
    if len(text) <= MESSAGE_WIDTH:
        return text
    return f"{text[: MESSAGE_WIDTH // 3]}...{text[MESSAGE_WIDTH // 3 + 3 - MESSAGE_WIDTH :]}"


def read_row(key: RowKey, entries: Mapping[int, Entry], store: Store, metrics: Mapping[str, Metric]) -> StoredRow:
    """Compute the metrics of each user and seed of a row."""
    values: dict[int, pd.DataFrame] = {}
    user_facts: dict[int, pd.DataFrame] = {}
    overall: dict[int, dict[str, float]] = {}
    faults: dict[int, dict[str, str]] = {}
    problems: dict[int, str] = {}
    at_limit = False
    for seed, (folder, record) in sorted(entries.items()):
        if failure := failure_of(record, key.side):
            problems[seed] = f"failed: {failure['message']}"
            continue
        lacking = why_too_deep(record, metrics)
        readable = {name: metric for name, metric in metrics.items() if name not in lacking}
        reads_lists = any(map(depth, readable.values()))
        try:
            ranks = store.user_ranks(folder, key.side, record)
            lists = lists_of(store, folder, key.side, ranks.frame(), readable) if reads_lists else None
        except DamagedError as error:
            store.damaged[folder] = str(error)
            problems[seed] = "damaged, see `corecbench results verify`"
            continue
        per_user: dict[str, np.ndarray] = {}
        overall[seed] = {}
        for name, metric in readable.items():
            try:
                measured = measure_checked(name, metric, ranks.rank, ranks.n_candidates, lists)
                unknown = why_unknown(name, metric, measured, ranks, lists)
            except PluginError as error:
                unknown = one_line(str(error))
            if unknown is not None:
                lacking[name] = unknown
                continue
            if is_overall(metric):
                overall[seed][name] = float(measured)
            else:
                per_user[name] = measured
        if lacking:
            faults[seed] = lacking
        values[seed] = pd.DataFrame(per_user, index=ranks.facts.index)
        user_facts[seed] = ranks.facts
        at_limit |= record["sides"][key.side]["stopped_by"] == "epochs"
    records = tuple(entries[seed][1] for seed in values)
    return StoredRow(key, values, problems, at_limit, records, overall, user_facts, faults)


def fault_sentences(rows: Iterable[StoredRow], only: str | None = None) -> tuple[str, ...]:
    """Return a sentence for each reason for which a metric has no value, with the rows that lack it.

    Args:
        rows: the rows.
        only: the metric that is meant; all metrics if it is None.
    """
    lacking: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for faults in row.faults.values():
            for metric, reason in faults.items():
                if only not in (None, metric):
                    continue
                lacking.setdefault((metric, reason), []).append(f"{row.key.name} on {row.key.dataset}")
    return tuple(f"No {metric} of {listed(names, 'rows')}: {reason}" for (metric, reason), names in lacking.items())
