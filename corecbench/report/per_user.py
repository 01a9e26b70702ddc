"""From stored cells to the lines of a table: the metrics of each user and seed, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from corecbench.api import Metric, Side
from corecbench.results import Record, ResultsError, Store, sides_of

Entry = tuple[Path, Record]


class Key(NamedTuple):
    """What makes a row, beside its seeds."""

    dataset: str
    side: Side
    domain: str | None
    llm: str | None
    sharing: str | None
    control: str | None = None

    @property
    def own(self) -> str | None:
        """The model on this side."""
        return self.domain if self.side == "domain" else self.llm

    @property
    def solo(self) -> "Key":
        """The row of the same model trained alone; a solo row's is itself."""
        if self.side == "domain":
            return self._replace(llm=None, sharing=None, control=None)
        return self._replace(domain=None, sharing=None, control=None)

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

    def mean_over_seeds(self, seeds: Iterable[int]) -> pd.DataFrame:
        """Return the metrics per user, each the mean over the given seeds."""
        values = [self.values[seed] for seed in sorted(seeds)]
        return sum(values[1:], start=values[0]) / len(values)


def read_lines(records: Sequence[Entry], store: Store, metrics: Mapping[str, Metric]) -> dict[Key, Line]:
    """Return the lines of a table in its order, with the metrics of each user computed from the stored ranks.

    Raises:
        ResultsError: a cell has two results for a seed, or the lines of a data set rank different users.
    """
    lines = {key: _line(key, entries, store, metrics) for key, entries in _in_order(records).items()}
    _check_users(lines.values())
    return lines


def check_comparable(records: Sequence[Entry]) -> Mapping[str, Any]:
    """Return the protocol of all successful records; what differs between data sets says which has what.

    Raises:
        ResultsError: on one data set they differ in protocol, in the split or in the settings of a component.
    """
    first: dict[tuple[str, str], tuple[Path, Any]] = {}
    for folder, record in records:
        if record["status"] != "ok":
            continue
        same = {
            "protocol": record["protocol"],
            "split": record["data"]["split_fingerprint"],
            **{f"settings of {name}": value for name, value in record["settings"].items()},
        }
        for what, value in same.items():
            earlier, expected = first.setdefault((record["cell"]["dataset"], what), (folder, value))
            if value != expected:
                raise ResultsError(
                    f"{folder}: {what} is not that of {earlier} ({_difference(value, expected)}); "
                    "such results share no table, run both alike"
                )
    return _together({dataset: value for (dataset, what), (_, value) in first.items() if what == "protocol"})


def _together(protocols: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the protocols of several data sets as one.

    >>> _together({"a": {"split": "leave-one-out", "k": 5}, "b": {"split": "leave-one-out", "k": 9}})
    {'split': 'leave-one-out', 'k': '5 (a) and 9 (b)'}
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for protocol in protocols.values() for name in protocol):
        of_value: dict[str, list[str]] = {}
        for dataset, protocol in protocols.items():
            of_value.setdefault(str(protocol.get(name)), []).append(dataset)
        several = " and ".join(f"{value} ({', '.join(datasets)})" for value, datasets in of_value.items())
        found[name] = several if len(of_value) > 1 else next(iter(protocols.values()))[name]
    return found


def _difference(value: Any, expected: Any) -> str:
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
    datasets = list(dict.fromkeys(key.dataset for key in entries))
    models = list(dict.fromkeys((key.side, key.own) for key in entries))

    def place(key: Key) -> tuple[int, str, int, bool]:
        return datasets.index(key.dataset), key.side, models.index((key.side, key.own)), key != key.solo

    return {key: entries[key] for key in sorted(entries, key=place)}


def _line(key: Key, entries: Mapping[int, Entry], store: Store, metrics: Mapping[str, Metric]) -> Line:
    """Compute the metrics of each user and seed of a row."""
    values, problems, at_limit = {}, {}, False
    for seed, (folder, record) in sorted(entries.items()):
        if record["status"] != "ok":
            problems[seed] = f"failed: {record['error']['message'] if record['error'] else 'no reason recorded'}"
            continue
        try:
            ranks = store.ranks(folder, key.side).sort_values("user_id").set_index("user_id")
        except ResultsError:
            problems[seed] = "incomplete: its ranks cannot be read"
            continue
        rank, n_candidates = ranks["rank"].to_numpy(), ranks["n_candidates"].to_numpy()
        values[seed] = pd.DataFrame(
            {name: metric.per_user(rank, n_candidates) for name, metric in metrics.items()}, index=ranks.index
        )
        at_limit |= record["sides"][key.side]["stopped_by"] == "epochs"
    return Line(key, values, problems, at_limit)


def _check_users(lines: Iterable[Line]) -> None:
    """Make sure that all rows of a data set rank the same users.

    Raises:
        ResultsError: they do not.
    """
    users: dict[str, pd.Index] = {}
    for line in lines:
        for seed, values in line.values.items():
            if not values.index.equals(users.setdefault(line.key.dataset, values.index)):
                raise ResultsError(f"{line.key.dataset}: {line.key.model}, seed {seed}, ranks other users")
