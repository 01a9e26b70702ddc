"""The columns of all tables, each as text to read and as numbers that are not rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from corecbench.data.reduction import in_percent
from corecbench.report.evidence.reading import at_full_share
from corecbench.report.views.findings import CORRECTED, finding_in_words, notes, row_name
from corecbench.report.wording import (
    count,
    decimal,
    interval,
    p_value,
    percent,
    percents,
    seed_list,
    signed,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from corecbench.report.evidence.comparison import Comparison
    from corecbench.report.evidence.contrasts import Contrast, Method
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.ledger import Line
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey
    from corecbench.stats.intervals import Interval
    from corecbench.stats.relative import ChangeSet

    Value = Callable[[Any], Any]
    """Takes what a line of a table is about, and returns the value of a cell, None if it has none."""

NONE = "-"
"""The text of a cell without a value."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    value: Value
    text: Callable[[Any], str] | None = str
    """value -> its text; None for a column that is among the exact values only."""
    exact: bool = True
    """Whether the column is among the exact values."""


def lay_out(subjects: Iterable[Any], columns: Iterable[Column]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the `frame` and the `values` of a `Report`, a line for each subject."""
    columns = list(columns)
    cells = [[column.value(subject) for column in columns] for subject in subjects]
    texts = [
        [
            NONE if value is None else column.text(value)
            for column, value in zip(columns, row, strict=True)
            if column.text
        ]
        for row in cells
    ]
    exact = [[value for column, value in zip(columns, row, strict=True) if column.exact] for row in cells]
    # dtype=object keeps counts whole numbers where some are missing
    return (
        pd.DataFrame(texts, columns=[column.name for column in columns if column.text], dtype=object),
        pd.DataFrame(exact, columns=[column.name for column in columns if column.exact], dtype=object),
    )


def p_name(method: Method, of: str = "") -> str:
    """Return the name of the column of an adjusted p.

    >>> from corecbench.report.evidence.contrasts import Method
    >>> p_name(Method()), p_name(Method(correction="bh"), "TOST"), p_name(Method(correction="none"))
    ('p (Holm)', 'p (TOST, BH)', 'p')
    """
    short = {"bh": "BH"}.get(method.correction, CORRECTED[method.correction])
    stated = ", ".join(filter(None, (of, short)))
    return f"p ({stated})" if stated else "p"


# --- parts of tables ----------------------------------------------------------------------------------------------


def identity(
    keys: Iterable[RowKey], key_of: Callable[[Any], RowKey], side: Value | None = None
) -> Iterator[Column]:
    """Yield the columns that say what a row is; that of controls only if there are any."""
    yield Column("data set", lambda each: key_of(each).dataset)
    yield Column("model", lambda each: key_of(each).model)
    yield Column("side", side or (lambda each: key_of(each).side))
    yield Column("sharing", lambda each: key_of(each).sharing)
    if any(key.control for key in keys):
        yield Column("control", lambda each: key_of(each).control)


def interval_columns(value: Callable[[Any], Interval | None]) -> Iterator[Column]:
    """Yield the columns of a 95 % interval: one to read and two of exact values."""

    def end(number: int) -> Value:
        def end_of(each: Any) -> float | None:
            ends = value(each)
            return ends and ends[number]

        return end_of

    yield Column("95% interval", value, interval, exact=False)
    yield Column("95% low", end(0), None)
    yield Column("95% high", end(1), None)


def contrast_columns(
    contrast_of: Callable[[Any], Contrast | None], change: str, method: Method, effects: bool, seeds: bool
) -> Iterator[Column]:
    """Yield the columns of contrasts.

    Args:
        contrast_of: what a line is about -> its contrast, if it has one.
        change: the name of the column of relative changes.
        method: the method of the tests.
        effects: whether there are columns of effect sizes.
        seeds: whether some of these columns are about seeds.
    """
    part = _part(contrast_of)
    if effects:
        yield Column("difference", part(lambda each: each.difference), signed)
        yield from interval_columns(part(lambda each: each.sizes.interval))
    yield Column(change, part(lambda each: each.change), percent)
    if effects:
        yield from _effects(part)
        yield from _of_seeds(part) if seeds else ()
        yield from _wanted(part, method.find, seeds) if method.find else ()
        yield from equivalence_columns(contrast_of, method)
    yield Column("p", part(lambda each: each.test.p), p_value)
    if method.correction != "none":
        yield Column(p_name(method), part(lambda each: each.p_adjusted), p_value)


def _part(contrast_of: Callable[[Any], Contrast | None]) -> Callable[[Callable[[Contrast], Any]], Value]:
    def part(value: Callable[[Contrast], Any]) -> Value:
        def value_of(each: Any) -> Any:
            contrast = contrast_of(each)
            return None if contrast is None else value(contrast)

        return value_of

    return part


def _effects(part: Callable[[Callable[[Contrast], Any]], Value]) -> Iterator[Column]:
    yield Column("95% interval (change)", part(lambda each: each.sizes.changes), _changes, exact=False)
    yield Column("95% low (change)", part(lambda each: _bounded(each.sizes.changes, "low")), None)
    yield Column("95% high (change)", part(lambda each: _bounded(each.sizes.changes, "high")), None)
    yield Column("d_z", part(lambda each: each.sizes.dz), lambda value: signed(value, 3))
    yield Column("better/worse/equal", part(lambda each: each.sizes.shares), percents, exact=False)
    yield Column("better", part(lambda each: each.sizes.shares.better), None)
    yield Column("worse", part(lambda each: each.sizes.shares.worse), None)
    yield Column("equal", part(lambda each: each.sizes.shares.equal), None)
    yield Column("detectable", part(lambda each: each.sizes.detectable), decimal)
    yield Column("users needed", part(lambda each: each.sizes.users_needed), count)


def _changes(changes: ChangeSet) -> str:
    return f"[{percent(changes.low)}, {percent(changes.high)}]" if changes.bounded else "unbounded"


def _bounded(changes: ChangeSet | None, end: Literal["low", "high"]) -> float | None:
    """Return an end of a set of changes; None where it is unbounded."""
    return None if changes is None or not changes.bounded else getattr(changes, end)


def _of_seeds(part: Callable[[Callable[[Contrast], Any]], Value]) -> Iterator[Column]:
    variance = part(lambda each: each.sizes.seeds and each.sizes.seeds.variance)
    yield Column("variance: user/seed/rest", variance, percents, exact=False)
    yield Column("variance: user", lambda each: getattr(variance(each), "user", None), None)
    yield Column("variance: seed", lambda each: getattr(variance(each), "seed", None), None)
    yield Column("variance: rest", lambda each: getattr(variance(each), "residual", None), None)
    yield Column("seeds needed", part(lambda each: each.sizes.seeds and each.sizes.seeds.needed), count)


def _wanted(part: Callable[[Callable[[Contrast], Any]], Value], find: float, seeds: bool) -> Iterator[Column]:
    share = f"{100 * find:g}%"
    yield Column(f"users for {share}", part(lambda each: each.sizes.wanted and each.sizes.wanted.users), count)
    if seeds:
        yield Column(f"seeds for {share}", part(lambda each: each.sizes.wanted and each.sizes.wanted.seeds), count)


def equivalence_columns(contrast_of: Callable[[Any], Contrast | None], method: Method) -> Iterator[Column]:
    """Yield the columns of the test for equivalence; arguments as in `contrast_columns`."""
    part = _part(contrast_of)
    p = part(lambda each: each.sizes.equivalence and each.sizes.equivalence.p)
    if method.correction == "none":
        yield Column("p (TOST)", p, p_value)
    else:
        yield Column("p (TOST)", p, None)
        yield Column(p_name(method, "TOST"), part(lambda each: each.p_equivalence), p_value)


# --- tables -------------------------------------------------------------------------------------------------------


def has_seeds(contrasts: Iterable[Contrast]) -> bool:
    """Return whether any contrast is over several seeds."""
    return any(each.sizes.seeds for each in contrasts)


def main_columns(evidence: Evidence, cost: bool, effects: bool) -> Iterator[Column]:
    """Yield the columns of the main table, whose lines are rows."""
    tested, method = evidence.tested, evidence.method
    side = lambda row: "reference" if row.key.is_reference else row.key.side  # noqa: E731
    yield from identity(evidence.rows, lambda row: row.key, side)
    yield from metric_columns(evidence.metrics)
    if evidence.names_strongest:
        over = evidence.over_strongest.get
        part = _part(lambda row: over(row.key))
        yield Column(f"{tested} vs strongest", part(lambda each: each.change), percent)
        yield Column(p_name(method, "strongest"), part(lambda each: each.p_adjusted), p_value)
    alone = evidence.over_alone
    seeds = effects and has_seeds(alone.values())
    yield from contrast_columns(lambda row: alone.get(row.key), f"{tested} vs solo", method, effects, seeds)
    yield from COST if cost else ()
    yield Column("users", lambda row: row.n_users or None, count)
    yield Column("seeds", lambda row: seed_list(row.seeds) or None)
    if any(map(evidence.notes, evidence.rows)):
        yield Column("notes", lambda row: "; ".join(evidence.notes(row.key)))


def metric_columns(metrics: Iterable[str]) -> Iterator[Column]:
    """Yield a column for each metric of rows."""

    def value(name: str) -> Callable[[Row], float | None]:
        return lambda row: row.metrics.get(name)

    for name in metrics:
        yield Column(name, value(name), decimal)


COST = (
    Column("train s", lambda row: row.cost.train_s, "{:,.1f}".format),
    Column("ms/user", lambda row: row.cost.inference_ms_per_user, "{:,.2f}".format),
    Column("trainable", lambda row: row.cost.trainable_parameters, "{:,.0f}".format),
    Column("parameters", lambda row: row.cost.parameters, "{:,.0f}".format),
    Column("peak GiB", lambda row: row.cost.peak_memory_gib, "{:.2f}".format),
)


def slice_columns(tested: str, contrasts: Sequence[Contrast]) -> Iterator[Column]:
    """Yield the columns of the gains on slices, whose lines are contrasts."""
    yield from identity((each.row for each in contrasts), lambda each: each.row)
    yield Column("slice by", lambda each: each.group.slicing)
    yield Column("slice", lambda each: each.group.label)
    yield Column("users", lambda each: each.n_users, count)
    yield from _gain(tested)


def share_columns(tested: str, contrasts: Sequence[Contrast]) -> Iterator[Column]:
    """Yield the columns of the gains over shares of the users that train, whose lines are contrasts."""
    first, *others = identity((each.row for each in contrasts), lambda each: each.row)
    yield Column(first.name, lambda each: at_full_share(each.row).dataset)
    yield from others
    yield Column("users train", lambda each: each.row.reduction.train_share, in_percent)
    yield Column("users ranked", lambda each: each.n_users, count)
    yield from _gain(tested)


def _gain(tested: str) -> Iterator[Column]:
    yield Column(f"{tested} solo", lambda each: each.base, decimal)
    yield Column(tested, lambda each: each.own, decimal)
    yield Column("difference", lambda each: each.difference, signed)
    yield from interval_columns(lambda each: each.sizes.interval)
    yield Column(f"{tested} vs solo", lambda each: each.change, percent)
    yield Column("seeds", lambda each: seed_list(each.seeds))


def comparison_table_columns(comparison: Comparison) -> Iterator[Column]:
    """Yield the columns of rows against a baseline; that of benchmarks only if there are several."""
    metric, method = comparison.yardstick.metric, comparison.yardstick.method
    yield Column("data set", lambda each: each.key.dataset)
    if len({each.benchmark for each in comparison.rows}) > 1:
        yield Column("benchmark", lambda each: each.benchmark)
    yield Column("cell", lambda each: each.name)
    yield Column(metric, lambda each: each.mean, decimal)
    yield Column("baseline", lambda each: each.contrast and each.contrast.base, decimal)
    seeds = has_seeds(comparison.contrasts)
    yield from contrast_columns(
        lambda each: each.contrast, f"{metric} vs baseline", method, effects=True, seeds=seeds
    )
    yield Column("users", lambda each: each.n_users or None, count)
    yield Column("seeds", lambda each: seed_list(each.seeds) or None)
    yield from _notes(comparison.rows)


def _notes(subjects: Iterable[Any]) -> Iterator[Column]:
    if any(each.notes for each in subjects):
        yield Column("notes", lambda each: "; ".join(each.notes))


def board_measures(board: Leaderboard) -> dict[str, Value]:
    """Return the columns of the leaderboard's metric and their values: first the mean over data sets."""

    def on(dataset: str) -> Value:
        return lambda row: row.values.get(dataset)

    if len(board.n_users) == 1:
        return {board.metric: lambda row: row.mean}
    on_each = {f"{board.metric} {dataset}": on(dataset) for dataset in board.n_users}
    return {f"mean {board.metric}": lambda row: row.mean, **on_each}


def board_columns(board: Leaderboard) -> Iterator[Column]:
    """Yield the columns of the leaderboard, with one for each data set if there are several."""
    if any(row.benchmark for row in board.rows):
        yield Column("benchmark", lambda row: row.benchmark)
    _, *others = identity((row.key for row in board.rows), lambda row: row.key)
    yield from others
    yield Column("average rank", lambda row: row.average_rank, "{:.2f}".format)
    yield Column("wins", lambda row: row.wins)
    for name, value in board_measures(board).items():
        yield Column(name, value, decimal)
    if len(board.n_users) > 1:
        yield Column("data sets", lambda row: f"{len(row.values)} of {len(board.n_users)}")
    yield Column("seeds", lambda row: _seeds(row.seeds) or None)
    yield from _notes(board.rows)


def _seeds(seeds: Mapping[str, tuple[int, ...]]) -> str:
    """Return the seeds of a row, by data set where they differ.

    >>> _seeds({"a": (0, 1), "b": (0, 1)}), _seeds({"a": (0, 1), "b": (0,)})
    ('0-1', '0-1 (a) and 0 (b)')
    """
    by_dataset = [(dataset, {"": seed_list(on_dataset)}) for dataset, on_dataset in seeds.items()]
    return str(together(by_dataset, "data sets").get("", ""))


def ledger_columns(evidence: Evidence, lines: Sequence[Line], effects: bool) -> Iterator[Column]:
    """Yield the columns of ledgers; those of slices only if there are any."""
    tested, method, higher = evidence.tested, evidence.method, evidence.higher_is_better
    yield from identity((line.pair for line in lines), lambda line: line.pair)
    if any(line.comparison.group.slicing for line in lines):
        yield Column("slice by", lambda line: line.comparison.group.slicing)
        yield Column("slice", lambda line: line.comparison.group.label)
    yield Column("part", lambda line: line.planned.kind)
    yield Column("row", lambda line: row_name(line.planned.upper, line.pair))
    yield Column("minus", lambda line: row_name(line.planned.lower, line.pair))
    yield Column("tells", lambda line: line.planned.tells)
    yield Column(tested, lambda line: line.comparison.means[0], decimal)
    yield Column(f"{tested} minus", lambda line: line.comparison.means[1], decimal)

    def contrast(line: Line) -> Contrast:
        return line.comparison

    if not effects:
        yield Column("difference", lambda line: line.comparison.difference, signed)
        yield from interval_columns(lambda line: line.comparison.sizes.interval)
    yield from contrast_columns(contrast, "change", method, effects, effects and has_seeds(map(contrast, lines)))
    if not effects:
        yield from equivalence_columns(contrast, method)
    yield Column("finding", lambda line: finding_in_words(line, higher, method))
    yield Column("users", lambda line: line.comparison.n_users, count)
    yield Column("seeds", lambda line: seed_list(line.comparison.seeds))
    yield Column("notes", lambda line: "; ".join(notes(line)) or None)
