"""From stored cells to rows: the metrics and ranks of each user and seed, and why values are missing.

U users, S seeds.
"""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corecbench.api import CellResult, Metric, PluginError, SideRecord
from corecbench.evaluation.bounds import why_unknown
from corecbench.evaluation.measuring import depth, is_overall, measure_checked
from corecbench.report.wording import listed, seed_list
from corecbench.results.lists import lists_of, why_too_deep
from corecbench.results.record import DamagedError, failure_of
from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry, Store
    from corecbench.results.user_ranks import RanksReader, UserRanks

MESSAGE_WIDTH = 80
COSTS = ("train_s", "inference_ms_per_user", "trainable_parameters", "parameters", "peak_memory_bytes")
AT_LIMIT = "still improving at its epoch limit"


@dataclass(frozen=True)
class Row:
    """One side of a cell over its seeds, computed from what is stored of it."""

    key: RowKey
    values: Mapping[int, pd.DataFrame]
    """seed -> metrics per user, float64; one column per metric, indexed by user_id in order. Where windows are
    pooled those of each follow one another, so users who return stand there again."""
    problems: Mapping[int, str]
    """seed -> why it has no ranks."""
    at_limit: bool
    """Whether any seed ran out of epochs before its patience."""
    records: tuple[CellResult, ...] = ()
    """The records of the seeds that have ranks, in the same order."""
    overall: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """seed -> metric -> its value, for metrics that have no value per user; the same seeds as in `values`."""
    users: Mapping[int, UserRanks] = field(default_factory=dict)
    """seed -> the rank of each user's test item, and what is stored of the user; the same users as in `values`."""
    faults: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """seed -> metric -> why it has no value, in one line that names metric and plugin."""
    planned: Collection[int] = ()
    """The seeds that the row should have: those of its data set."""
    _columns: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Columns of `values` that were asked for; tables and plots ask for the same ones again and again."""

    # --- values ---------------------------------------------------------------------------------------------------

    @property
    def n_users(self) -> int:
        return len(next(iter(self.values.values()), ()))

    @functools.cached_property
    def returning(self) -> np.ndarray | None:
        index = next((values.index for values in self.values.values()), pd.Index([]))
        return None if index.is_unique else pd.factorize(index)[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(self.values)

    @functools.cached_property
    def metrics(self) -> Mapping[str, float]:
        if not self.values:
            return {}
        per_user = self._mean_over_seeds().mean()
        per_seed = pd.DataFrame(list(self.overall.values())).mean()
        means = {str(metric): float(mean) for metric, mean in (*per_user.items(), *per_seed.items())}
        return {metric: mean for metric, mean in means.items() if self.has(metric)}

    def _mean_over_seeds(self) -> pd.DataFrame:
        values = [self.values[seed] for seed in sorted(self.values)]
        complete = [metric for metric in values[0] if all(metric in of_seed for of_seed in values)]
        chosen = [of_seed if list(of_seed) == complete else of_seed[complete] for of_seed in values]
        return sum(chosen[1:], start=chosen[0]) / len(values)

    def means_by_seed(self) -> dict[int, dict[str, Any]]:
        return {seed: {**values.mean(), **self.overall.get(seed, {})} for seed, values in self.values.items()}

    def column(self, metric: str, seed: int) -> np.ndarray:
        found = self._columns.get((metric, seed))
        if found is None:
            found = self._columns[metric, seed] = self.values[self._stored(seed)][metric].to_numpy()
        return found

    def per_seed(self, metric: str, seeds: Iterable[int]) -> np.ndarray:
        return np.column_stack([self.column(metric, seed) for seed in seeds])

    def mean_of(self, metric: str, seeds: Iterable[int]) -> np.ndarray:
        values = [self.column(metric, seed) for seed in sorted(seeds)]
        return np.asarray(sum(values[1:], start=values[0]) / len(values))

    def ranks(self, seeds: Iterable[int]) -> np.ndarray:
        return np.column_stack([self.users[self._stored(seed)].rank for seed in seeds]).astype(np.float64)

    @property
    def knows_ranks(self) -> bool:
        ranks = self.users.values()
        return bool(ranks) and all(each.best is None or np.array_equal(each.best, each.rank) for each in ranks)

    def has(self, metric: str) -> bool:
        return bool(self.values) and metric not in self._faulty()

    # --- seeds ----------------------------------------------------------------------------------------------------

    def _stored(self, seed: int) -> int:
        return min(self.values) if self.is_deterministic and seed not in self.values else seed

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
            and not any(record["epochs"] for record in self.records)
            and all(
                side.get("trainable_parameters") == 0
                for record in self.records
                for side in record["sides"].values()
            )
            and all(first.equals(other) for other in others)
        )

    def missing(self, planned: Collection[int]) -> set[int]:
        return set() if self.is_deterministic else set(planned) - self.values.keys() - self.problems.keys()

    @property
    def is_complete(self) -> bool:
        return not self.problems and bool(self.values) and not self.missing(self.planned)

    # --- records --------------------------------------------------------------------------------------------------

    def own_sides(self) -> list[tuple[CellResult, SideRecord]]:
        return [(record, record["sides"][self.key.side]) for record in self.records]

    def kept_alone(self) -> list[int]:
        return self._seeds_of(lambda record, side: bool(side.get("kept_alone")))

    def _seeds_of(self, is_so: Callable[[CellResult, SideRecord], bool]) -> list[int]:
        not_so = {record["cell"]["seed"] for record, side in self.own_sides() if not is_so(record, side)}
        return list(dict.fromkeys(record["cell"]["seed"] for record in self.records).keys() - not_so)

    def needed_epochs(self) -> int | None:
        return max((side.get("needed_epochs", 0) for _, side in self.own_sides()), default=0) or None

    def precedes_the_other_side(self) -> bool:
        return bool(self.records) and all(_precedes(record, self.key.side) for record in self.records)

    @property
    def validation(self) -> float | None:
        return self.validation_under(None)

    def validation_under(self, seeds: Collection[int] | None) -> float | None:
        """NDCG@10 on the validation items, the mean over some seeds or all; None where one has no such value.

        A row that no seed can change has the same under all of them.
        """
        chosen = None if self.is_deterministic else seeds
        sides = self.own_sides()
        values = [side["validation"] for of, side in sides if chosen is None or of["cell"]["seed"] in chosen]
        known = [value for value in values if value is not None and value >= 0]  # -1: unknown
        return statistics.mean(known) if values and len(known) == len(values) else None

    @functools.cached_property
    def shares(self) -> Sequence[float]:
        """How far what stands beside the side is spread in its scores, in the side's own spreads, means over seeds.

        In the order in which it was added, such as neighbours and texts; 0 is what validation shrank to nothing.
        """
        chosen = [side.get("chosen", {}) for _, side in self.own_sides()]
        names = dict.fromkeys(name for each in chosen for name in each if name.endswith("_share"))
        return [statistics.mean(each.get(name, 0.0) for each in chosen) for name in names]

    @functools.cached_property
    def costs(self) -> Mapping[str, float | None]:
        """Name in a record -> what training and inference took, a mean over seeds; None where a seed has none.

        The peak of memory is that of the process during the whole cell, both sides of a pair together.
        """
        found: dict[str, float | None] = {}
        for name in COSTS:
            of_cell = name == "peak_memory_bytes"
            values: list[Any] = [(record if of_cell else side).get(name) for record, side in self.own_sides()]
            found[name] = statistics.mean(values) if values and None not in values else None
        return found

    # --- what is missing ------------------------------------------------------------------------------------------

    def failures(self) -> list[str]:
        reasons: dict[str, list[int]] = {}
        for seed, problem in self.problems.items():
            reasons.setdefault(_shorten(problem), []).append(seed)
        return [f"{seed_list(seeds, 'seed')} {reason}" for reason, seeds in reasons.items()]

    def gaps(self, metric: str | None = None) -> list[str]:
        missing = self.missing(self.planned)
        missing_seeds = [f"{seed_list(missing, 'seed')} missing"] if missing else []
        return [*self.failures(), *missing_seeds, *self.fault_notes(metric)]

    def notes(self) -> Iterable[str]:
        """Yield the remarks that a reader needs: where it comes from, what is missing, which model was kept."""
        files = dict.fromkeys(record["imported"]["file"] for record in self.records if "imported" in record)
        yield from (f"imported from {file}" for file in files)
        yield from self.gaps()
        with_texts = self._seeds_of(
            lambda record, side: side.get("predicts") == "alone with texts" and record["cell"].get("trains", True)
        )
        for model, seeds in (
            ("the model alone", self.kept_alone()),
            ("the model alone with texts in its scores", with_texts),
        ):
            if seeds:
                yield f"kept {model}, not clearly worse on validation: {seed_list(seeds, 'seed')}"
        untrained = self._seeds_of(lambda record, side: side["epochs"] == 0 and "imported" not in record)
        if untrained and self.key.side == "llm" and not self.key.is_solo:
            yield f"the LLM was not trained: {seed_list(untrained, 'seed')}"
        if self.at_limit and self.key.is_solo:
            yield AT_LIMIT

    def _faulty(self) -> list[str]:
        return list(dict.fromkeys(metric for faults in self.faults.values() for metric in faults))

    def fault_notes(self, only: str | None = None) -> list[str]:
        return [f"no {metric} (see the caption)" for metric in self._faulty() if only in (None, metric)]


def _precedes(record: CellResult, side: str) -> bool:
    if side in record["sides"] and record["sides"][side].get("coupled"):
        return False
    sides = [epoch.get("side") for epoch in record["epochs"]]
    return None not in sides and side in sides and set(sides[: sides.count(side)]) == {side}


def _shorten(message: str) -> str:
    text = " ".join(message.split())
    if len(text) <= MESSAGE_WIDTH:
        return text
    return f"{text[: MESSAGE_WIDTH // 3]}...{text[MESSAGE_WIDTH // 3 + 3 - MESSAGE_WIDTH :]}"


def fault_sentences(rows: Iterable[Row], only: str | None = None) -> tuple[str, ...]:
    """Return a sentence for each reason for which a metric has no value, with the rows that lack it.

    Only one metric is meant where `only` names it.
    """
    lacking: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for faults in row.faults.values():
            for metric, reason in faults.items():
                if only in (None, metric):
                    lacking.setdefault((metric, reason), []).append(f"{row.key.name} on {row.key.dataset}")
    return tuple(f"No {metric} of {listed(names, 'rows')}: {reason}" for (metric, reason), names in lacking.items())


# --- reading ------------------------------------------------------------------------------------------------------


def read_row(
    key: RowKey,
    entries: Mapping[int, Entry],
    store: Store,
    metrics: Mapping[str, Metric],
    reader: RanksReader,
    planned: Collection[int],
) -> Row:
    """Compute the metrics of each user and seed of a row.

    A metric that raises, or gives anything but finite numbers, has no value in the row.
    """
    values: dict[int, pd.DataFrame] = {}
    users: dict[int, UserRanks] = {}
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
            ranks = store.user_ranks(folder, key.side, record, reader)
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
            elif is_overall(metric):
                overall[seed][name] = float(measured)
            else:
                per_user[name] = measured
        if lacking:
            faults[seed] = lacking
        values[seed], users[seed] = pd.DataFrame(per_user, index=ranks.facts.index), ranks
        at_limit |= record["sides"][key.side]["stopped_by"] == "epochs"
    records = tuple(entries[seed][1] for seed in values)
    return Row(key, values, problems, at_limit, records, overall, users, faults, planned)
