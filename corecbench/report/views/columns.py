"""The columns of all tables."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal

from corecbench.data.reduction import in_percent
from corecbench.report.views.findings import CORRECTED, finding_in_words, notes, row_name
from corecbench.report.views.layout import Column
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
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.ledger import Line
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey
    from corecbench.stats.relative import ChangeSet


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
    keys: Iterable[RowKey], key_of: Callable[[Any], RowKey], side: Callable[[Any], str] | None = None
) -> Iterator[Column]:
    yield Column("data set", lambda each: key_of(each).dataset)
    yield Column("model", lambda each: key_of(each).model)
    yield Column("side", side or (lambda each: key_of(each).side))
    yield Column("sharing", lambda each: key_of(each).sharing)
    if any(key.control for key in keys):
        yield Column("control", lambda each: key_of(each).control)


def contrast_columns(
    contrast_of: Callable[[Any], Contrast | None], change: str, method: Method, effects: bool, seeds: bool
) -> Iterator[Column]:
    """Yield the columns of contrasts.

    `change` is the name of the column of relative changes; `seeds` says whether columns of effect sizes are about
    seeds, too.
    """
    of = functools.partial(Column, of=contrast_of)
    if effects:
        yield of("difference", lambda each: each.difference, signed)
        yield from interval_columns(contrast_of)
    yield of(change, lambda each: each.change, percent, contrast=contrast_of)
    if effects:
        yield from _effects(of, method, seeds)
        yield from equivalence_columns(contrast_of, method)
    yield of("p", lambda each: each.test.p, p_value)
    if method.correction != "none":
        yield of(p_name(method), lambda each: each.p_adjusted, p_value)


def interval_columns(contrast_of: Callable[[Any], Contrast | None] | None = None) -> Iterator[Column]:
    of = functools.partial(Column, of=contrast_of)
    yield of("95% interval", lambda each: each.sizes.interval, interval, False)
    yield of("95% low", lambda each: each.sizes.interval and each.sizes.interval.low, None)
    yield of("95% high", lambda each: each.sizes.interval and each.sizes.interval.high, None)


def _effects(of: Callable[..., Column], method: Method, seeds: bool) -> Iterator[Column]:
    yield of("95% interval (change)", lambda each: each.sizes.changes, change_interval, False)
    yield of("95% low (change)", lambda each: change_end(each, 0), None)
    yield of("95% high (change)", lambda each: change_end(each, 1), None)
    yield of("d_z", lambda each: each.sizes.dz, lambda value: signed(value, 3))
    yield of("better/worse/equal", lambda each: each.sizes.shares, percents, False)
    yield of("better", lambda each: each.sizes.shares.better, None)
    yield of("worse", lambda each: each.sizes.shares.worse, None)
    yield of("equal", lambda each: each.sizes.shares.equal, None)
    yield of("detectable", lambda each: each.sizes.detectable, decimal)
    yield of("users needed", lambda each: each.sizes.users_needed, count)
    if seeds:
        yield of("variance: user/seed/rest", lambda each: each.sizes.variance, percents, False)
        yield of("variance: user", lambda each: each.sizes.variance and each.sizes.variance.user, None)
        yield of("variance: seed", lambda each: each.sizes.variance and each.sizes.variance.seed, None)
        yield of("variance: rest", lambda each: each.sizes.variance and each.sizes.variance.residual, None)
        yield of("seeds needed", lambda each: each.sizes.seeds_needed, count)
    if method.find:
        yield of(f"users for {100 * method.find:g}%", lambda each: each.sizes.users_wanted, count)
    if method.find and seeds:
        yield of(f"seeds for {100 * method.find:g}%", lambda each: each.sizes.seeds_wanted, count)


def change_interval(changes: ChangeSet) -> str:
    return f"[{percent(changes.low)}, {percent(changes.high)}]" if changes.bounded else "unbounded"


def change_end(contrast: Contrast, place: Literal[0, 1]) -> float | None:
    ends = contrast.sizes.change_ends
    return None if ends is None else ends[place]


def equivalence_columns(contrast_of: Callable[[Any], Contrast | None], method: Method) -> Iterator[Column]:
    of, adjusts = functools.partial(Column, of=contrast_of), method.correction != "none"
    p = lambda each: each.sizes.equivalence and each.sizes.equivalence.p  # noqa: E731
    yield of("p (TOST)", p, None if adjusts else p_value)
    if adjusts:
        yield of(p_name(method, "TOST"), lambda each: each.p_equivalence, p_value)


# --- tables -------------------------------------------------------------------------------------------------------


def has_seeds(contrasts: Iterable[Contrast]) -> bool:
    return any(each.sizes.variance for each in contrasts)


def main_columns(evidence: Evidence, cost: bool, effects: bool) -> Iterator[Column]:
    """Yield the columns of the main table, whose lines are rows."""
    tested, method = evidence.tested, evidence.method
    side = lambda row: "reference" if row.key.is_reference else row.key.side  # noqa: E731
    yield from identity(evidence.rows, lambda row: row.key, side)
    judged = lambda row: row.key.dataset if row.is_complete and not evidence.is_control(row.key) else None  # noqa: E731
    for name, metric in evidence.metrics.items():
        yield Column(name, metric_of(name), decimal, True, metric.higher_is_better, among=judged)
    if evidence.names_strongest:
        yield from _beside("strongest", evidence.over_strongest, tested, method)
    if evidence.baseline:
        yield from _beside(evidence.baseline, evidence.over_baseline, tested, method)
    alone = evidence.over_alone
    seeds = effects and has_seeds(alone.values())
    yield from contrast_columns(lambda row: alone.get(row.key), f"{tested} vs solo", method, effects, seeds)
    if any(row.shares for row in evidence.rows.values()):
        yield Column("weights", lambda row: " + ".join(decimal(share, 2) for share in row.shares) or None)
    yield from COST if cost else ()
    yield Column("users", lambda row: row.n_users or None, count)
    yield Column("seeds", lambda row: seed_list(row.seeds) or None)
    if any(map(evidence.notes, evidence.rows)):
        yield Column("notes", lambda row: "; ".join(evidence.notes(row.key)))


def _beside(base: str, contrasts: Mapping[RowKey, Contrast], tested: str, method: Method) -> Iterator[Column]:
    contrast_of = lambda row: contrasts.get(row.key)  # noqa: E731
    yield Column(f"{tested} vs {base}", lambda each: each.change, percent, contrast=contrast_of, of=contrast_of)
    yield Column(p_name(method, base), lambda each: each.p_adjusted, p_value, of=contrast_of)


def metric_of(name: str) -> Callable[[Row], float | None]:
    return lambda row: row.metrics.get(name)


COST = (
    Column("train s", lambda row: row.costs["train_s"], "{:,.1f}".format),
    Column("ms/user", lambda row: row.costs["inference_ms_per_user"], "{:,.2f}".format),
    Column("trainable", lambda row: row.costs["trainable_parameters"], "{:,.0f}".format),
    Column("parameters", lambda row: row.costs["parameters"], "{:,.0f}".format),
    Column("peak GiB", lambda row: gib(row.costs["peak_memory_bytes"]), "{:.2f}".format),
)


def gib(n_bytes: float | None) -> float | None:
    return None if n_bytes is None else n_bytes / 2**30


def slice_columns(evidence: Evidence, contrasts: Sequence[Contrast]) -> Iterator[Column]:
    yield from identity((each.row for each in contrasts), lambda each: each.row)
    yield Column("slice by", lambda each: each.group.slicing)
    yield Column("slice", lambda each: each.group.label)
    yield Column("users", lambda each: each.n_users, count)
    yield from _gain(evidence.tested, evidence.higher_is_better)


def share_columns(evidence: Evidence, contrasts: Sequence[Contrast]) -> Iterator[Column]:
    first, *others = identity((each.row for each in contrasts), lambda each: each.row)
    yield Column(first.name, lambda each: each.row.at_full_share.dataset)
    yield from others
    yield Column("users train", lambda each: each.row.reduction.train_share, in_percent)
    yield Column("users ranked", lambda each: each.n_users, count)
    yield from _gain(evidence.tested, evidence.higher_is_better)


def _gain(tested: str, higher_is_better: bool) -> Iterator[Column]:
    yield Column(f"{tested} solo", lambda each: each.base, decimal, True, higher_is_better)
    yield Column(tested, lambda each: each.own, decimal, True, higher_is_better)
    yield Column("difference", lambda each: each.difference, signed)
    yield from interval_columns()
    yield Column(f"{tested} vs solo", lambda each: each.change, percent)
    yield Column("seeds", lambda each: seed_list(each.seeds))


def comparison_table_columns(comparison: Comparison) -> Iterator[Column]:
    """Yield the columns of rows against a baseline; that of benchmarks only if there are several."""
    metric, method = comparison.yardstick.metric, comparison.yardstick.method
    yield Column("data set", lambda each: each.key.dataset)
    if len({each.benchmark for each in comparison.rows}) > 1:
        yield Column("benchmark", lambda each: each.benchmark)
    yield Column("cell", lambda each: each.name)
    yield Column(metric, lambda each: each.mean, decimal, True, comparison.yardstick.higher_is_better)
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


def board_columns(board: Leaderboard) -> Iterator[Column]:
    """Yield the columns of the leaderboard, with one for each data set if there are several."""
    if any(row.benchmark for row in board.rows):
        yield Column("benchmark", lambda row: row.benchmark)
    _, *others = identity((row.key for row in board.rows), lambda row: row.key)
    yield from others
    yield Column("average rank", lambda row: row.average_rank, "{:.2f}".format, True, False)
    yield Column("wins", lambda row: row.wins, higher_is_better=True)
    several, higher = len(board.n_users) > 1, board.measure.higher_is_better
    judged = lambda row: (row.is_ranked and row.is_complete) or None  # noqa: E731
    yield Column("mean " * several + board.metric, lambda row: row.mean, decimal, True, higher, among=judged)
    for dataset in board.n_users if several else ():
        value_on = lambda row, dataset=dataset: row.values.get(dataset)  # noqa: E731
        yield Column(f"{board.metric} {dataset}", value_on, decimal, True, higher, among=judged)
    if several:
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
    tested, method = evidence.tested, evidence.method
    yield from identity((line.pair for line in lines), lambda line: line.pair)
    if any(line.comparison.group.slicing for line in lines):
        yield Column("slice by", lambda line: line.comparison.group.slicing)
        yield Column("slice", lambda line: line.comparison.group.label)
    yield Column("part", lambda line: line.kind)
    yield Column("row", lambda line: row_name(line.comparison.row, line.pair))
    yield Column("minus", lambda line: row_name(line.comparison.other, line.pair))
    yield Column("tells", lambda line: line.tells)
    yield Column(tested, lambda line: line.comparison.means[0], decimal)
    yield Column(f"{tested} minus", lambda line: line.comparison.means[1], decimal)

    def contrast(line: Line) -> Contrast:
        return line.comparison

    if not effects:
        yield Column("difference", lambda line: line.comparison.difference, signed)
        yield from interval_columns(contrast)
    yield from contrast_columns(contrast, "change", method, effects, effects and has_seeds(map(contrast, lines)))
    if not effects:
        yield from equivalence_columns(contrast, method)
    yield Column("finding", lambda line: finding_in_words(line, method))
    yield Column("users", lambda line: line.comparison.n_users, count)
    yield Column("seeds", lambda line: seed_list(line.comparison.seeds))
    yield Column("notes", lambda line: "; ".join(notes(line)) or None)
