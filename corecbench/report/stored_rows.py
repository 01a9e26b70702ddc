"""From stored cells to the lines of a table: the metrics of each user and seed, and what is missing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from corecbench.api import CellResult, Lists, Metric, PluginError, RowSide
from corecbench.evaluation.measuring import is_overall, measure
from corecbench.report.provenance import together
from corecbench.report.wording import seed_list
from corecbench.results.frames import COUNTS
from corecbench.results.lists import lists_of
from corecbench.results.record import ResultsError, own_side, settings_in, sides_of
from corecbench.results.store import Entry, Store

MESSAGE_WIDTH = 80


class Key(NamedTuple):
    """What makes a row, beside its seeds."""

    dataset: str
    side: RowSide
    domain: str | None
    llm: str | None
    sharing: str | None
    control: str | None = None

    @property
    def own(self) -> str | None:
        """The model on this side; of an ensemble the domain model, which it is compared with."""
        return self.domain if own_side(self.side) == "domain" else self.llm

    @property
    def partner(self) -> str | None:
        """The model on the other side."""
        return self.llm if own_side(self.side) == "domain" else self.domain

    @property
    def solo(self) -> "Key":
        """The row of the same model trained alone; a solo row's is itself."""
        side = own_side(self.side)
        return Key(self.dataset, side, **{"domain": None, "llm": None, side: self.own}, sharing=None)

    def is_control(self, unshared: Collection[str]) -> bool:
        """Return whether the row is there only to judge others by: a control, or a pair that shares nothing."""
        return self.control is not None or self.sharing in unshared

    @property
    def cell(self) -> str:
        """The name of the cell, as it is stored."""
        return "+".join(name for name in (self.domain, self.llm, self.sharing, self.control) if name)

    @property
    def model(self) -> str:
        """Such as "sasrec", or "sasrec + llama" for either side of a joint cell."""
        return " + ".join(name for name in (self.domain, self.llm) if name)


@dataclass(frozen=True)
class Line:
    """What is stored for a row."""

    key: Key
    values: Mapping[int, pd.DataFrame]
    """seed -> metrics per user, float64; one column per metric, indexed by user_id in order."""
    problems: Mapping[int, str]
    """seed -> why it has no values."""
    at_limit: bool
    """Whether any seed ran out of epochs before its patience."""
    records: tuple[CellResult, ...] = ()
    """Of the seeds that have values, in the same order."""
    overall: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """seed -> metric -> value, of metrics that have none per user; the same seeds."""
    asked: Mapping[int, pd.DataFrame] = field(default_factory=dict)
    """seed -> the test item of each user, and COUNTS where they are stored; rows as in `values`."""

    def failures(self) -> list[str]:
        """Return why seeds have no values, those with the same reason together."""
        reasons: dict[str, list[int]] = {}
        for seed, problem in self.problems.items():
            reasons.setdefault(_shorten(problem), []).append(seed)
        return [f"{seed_list(seeds, 'seed')} {reason}" for reason, seeds in reasons.items()]

    def mean_over_seeds(self, seeds: Iterable[int]) -> pd.DataFrame:
        """Return the metrics per user, each the mean over the given seeds."""
        values = [self.values[seed] for seed in sorted(seeds)]
        return sum(values[1:], start=values[0]) / len(values)

    def means(self) -> dict[str, float]:
        """Return each metric: its mean over users, or the value that it has instead, averaged over seeds."""
        of_users = self.mean_over_seeds(self.values).mean()
        of_lists = pd.DataFrame(list(self.overall.values())).mean()
        return {str(name): float(mean) for name, mean in (*of_users.items(), *of_lists.items())}

    def per_seed(self, metric: str, seeds: Iterable[int]) -> np.ndarray:
        """Return a metric of each user under each of the given seeds, float64 [U, S]."""
        return np.column_stack([self.values[seed][metric].to_numpy() for seed in seeds])


def _shorten(message: str) -> str:
    """Return a message of one line; of a long one the beginning and the end, where the reason stands."""
    text = " ".join(message.split())
    if len(text) <= MESSAGE_WIDTH:
        return text
    return f"{text[: MESSAGE_WIDTH // 3]}...{text[MESSAGE_WIDTH // 3 + 3 - MESSAGE_WIDTH :]}"


def read_lines(records: Sequence[Entry], store: Store, metrics: Mapping[str, Metric]) -> dict[Key, Line]:
    """Return the lines of a table in its order, with the metrics of each user computed from what is stored.

    Raises:
        ResultsError: a cell has two results for a seed, or has no lists for a metric that needs them, or the lines
            of a data set rank different users.
    """
    lines = {key: _line(key, entries, store, metrics) for key, entries in _in_order(records).items()}
    check_users(lines.values())
    return lines


def check_comparable(records: Iterable[Entry], settings: bool = True) -> Mapping[str, Any]:
    """Return the protocol of all successful records; what differs between data sets says which has what.

    Args:
        records: folders and their records.
        settings: whether a component is to have the same settings wherever it is. One that only some of the
            records know came with a later version of the component, and is not compared.

    Raises:
        ResultsError: on one data set they differ in protocol, in the split or in the settings of a component.
    """
    first: dict[tuple[str, str, str], tuple[Any, Any]] = {}
    for folder, record in records:
        if record["status"] != "ok":
            continue
        same = {("protocol", ""): record["protocol"], ("split", ""): record["data"]["split_fingerprint"]}
        if settings:
            same |= {
                (f"settings of {name}" + in_pairs * " in pairs", setting): value
                for name, setting, value, in_pairs in settings_in(record)
            }
        for (what, setting), value in same.items():
            earlier, expected = first.setdefault((record["cell"]["dataset"], what, setting), (folder, value))
            if value != expected:
                raise ResultsError(
                    f"{folder}: {what} is not that of {earlier} ({_difference(value, expected, setting)}); "
                    "such results share no table, run both alike"
                )
    return together(
        [(dataset, value) for (dataset, what, _), (_, value) in first.items() if what == "protocol"], "data sets"
    )


def _difference(value: Any, expected: Any, setting: str) -> str:
    if setting:
        return f"{setting}: {value}, there {expected}"
    if isinstance(value, Mapping) and isinstance(expected, Mapping):
        names = [name for name in {**value, **expected} if value.get(name) != expected.get(name)]
        return f"{names[0]}: {value.get(names[0])}, there {expected.get(names[0])}"
    return f"{str(value)[:12]}, there {str(expected)[:12]}"


def _in_order(records: Sequence[Entry]) -> dict[Key, dict[int, Entry]]:
    """Return the records of each row by seed, rows in the order of the table.

    Raises:
        ResultsError: a cell has two results for a seed.
    """
    entries: dict[Key, dict[int, Entry]] = {}
    for folder, record in records:
        cell = record["cell"]
        for side in sides_of(cell):
            key = Key(cell["dataset"], side, cell["domain"], cell["llm"], cell["sharing"], cell.get("control"))
            earlier, _ = entries.setdefault(key, {}).setdefault(cell["seed"], (folder, record))
            if earlier != folder:
                raise ResultsError(f"two results for one row and seed, {earlier} and {folder}; keep one of them")
    named = {part: list(dict.fromkeys(getattr(key, part) for key in entries)) for part in Key._fields}

    def place(key: Key) -> tuple[Any, ...]:
        """A model alone, then its pairs by partner and sharing module, an ensemble below the pair's own row.

        Each row has its controls behind it.
        """
        at = {part: named[part].index(getattr(key, part)) for part in Key._fields}
        own, partner = ("domain", "llm") if own_side(key.side) == "domain" else ("llm", "domain")
        alone, control = key == key.solo, (key.control is not None, at["control"])
        of_pair = at[partner], at["sharing"], key.side == "ensemble", control
        return at["dataset"], own_side(key.side), at[own], not alone, *of_pair

    return {key: entries[key] for key in sorted(entries, key=place)}


def _line(key: Key, entries: Mapping[int, Entry], store: Store, metrics: Mapping[str, Metric]) -> Line:
    """Compute the metrics of each user and seed of a row."""
    values: dict[int, pd.DataFrame] = {}
    asked: dict[int, pd.DataFrame] = {}
    overall: dict[int, dict[str, float]] = {}
    problems, at_limit = {}, False
    for seed, (folder, record) in sorted(entries.items()):
        if record["status"] != "ok":
            problems[seed] = f"failed: {record['error']['message'] if record['error'] else 'no reason recorded'}"
            continue
        try:
            ranks = store.ranks(folder, key.side).sort_values("user_id").set_index("user_id")
        except ResultsError:
            problems[seed] = "incomplete: its ranks cannot be read"
            continue
        lists = lists_of(store, folder, key.side, ranks, metrics)
        found = {name: _measure(name, metric, ranks, lists) for name, metric in metrics.items()}
        overall[seed] = {name: float(found.pop(name)) for name, metric in metrics.items() if is_overall(metric)}
        values[seed] = pd.DataFrame(found, index=ranks.index)
        asked[seed] = ranks[["target_item_id", *(name for name in COUNTS if name in ranks)]]
        at_limit |= record["sides"][key.side]["stopped_by"] == "epochs"
    return Line(key, values, problems, at_limit, tuple(entries[seed][1] for seed in values), overall, asked)


def _measure(name: str, metric: Metric, ranks: pd.DataFrame, lists: Lists | None) -> np.ndarray:
    """Return a metric of each user, float64 [U], or of all together, float64 [].

    Raises:
        PluginError: it is not a finite number for every user, or for all together.
    """
    counts = (ranks[column].to_numpy() for column in ("rank", "n_candidates"))
    values = np.asarray(measure(metric, *counts, lists), np.float64)
    shape, of = ((), "all") if is_overall(metric) else ((len(ranks),), f"each of {len(ranks)}")
    if values.shape != shape or not np.isfinite(values).all():
        got = "NaN or infinity" if values.shape == shape else f"shape {values.shape}"
        raise PluginError(f"metric '{name}' is to give a finite number for {of} users, got {got}")
    return values


def check_users(lines: Iterable[Line]) -> None:
    """Make sure that all rows of a data set rank the same users on the same test items.

    Raises:
        ResultsError: they do not.
    """
    first: dict[str, tuple[str, Line, int]] = {}
    for line in lines:
        dataset, model = line.key.dataset, line.key.model
        for seed, values in line.values.items():
            earlier, other, its_seed = first.setdefault(dataset, (f"{model}, seed {seed}", line, seed))
            users = other.values[its_seed].index
            if not values.index.equals(users):
                lacks, adds = len(users.difference(values.index)), len(values.index.difference(users))
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, ranks other users than {earlier}: {lacks} of its "
                    f"{len(users)} users are missing and {adds} are new; run both on the same data"
                )
            if differ := n_differing(line.asked.get(seed), other.asked.get(its_seed)):
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, and {earlier} do not mean the same by {differ} of "
                    f"{len(users)} users: test items or histories differ; run both on the same data"
                )


def n_differing(asked: pd.DataFrame | None, other: pd.DataFrame | None) -> int:
    """Return how many of the same users differ in what is known of them on both sides."""
    if asked is None or other is None:
        return 0
    known = [name for name in asked if name in other]
    return int((asked[known] != other[known]).any(axis=1).sum())
