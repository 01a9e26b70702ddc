"""The table of a benchmark: every row's metrics, and each joint row tested against its own solo row.

A row is one side of a cell, over its seeds. A solo row is a model trained alone; the domain side of a joint row is
compared with the solo row of the same domain model, the LLM side with that of the same LLM. A control is compared
with the solo row that its pair is compared with, whose texts and LLM are real.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from corecbench.api import Metric, Side, UsageError
from corecbench.config import CONTROLS
from corecbench.report.per_user import Entry, Line, check_comparable, read_lines
from corecbench.results import ResultsError, Store
from corecbench.stats.correction import holm
from corecbench.stats.paired import PairedTest, paired_test

ALPHA = 0.05
AT_LIMIT = "still improving at its epoch limit"
MESSAGE_WIDTH = 60


@dataclass(frozen=True)
class Comparison:
    """A joint row against its own solo row, over the seeds that both have."""

    change: float | None
    """Of the tested metric, relative to the solo row; None where that is 0."""
    test: PairedTest
    p_adjusted: float
    """By Holm's method over all tests of the table."""


@dataclass(frozen=True)
class Row:
    """One side of a cell."""

    dataset: str
    model: str
    side: Side
    sharing: str | None
    """None for a solo row."""
    control: str | None
    """What is different from the pair that the row stands beside; None for the pair itself and for a solo row."""
    metrics: Mapping[str, float]
    """Mean over users of each user's mean over seeds; empty if no seed succeeded."""
    n_users: int
    seeds: tuple[int, ...]
    """Those that succeeded."""
    comparison: Comparison | None
    notes: tuple[str, ...]
    """What a reader must know: failures, missing seeds, why there is no comparison."""


@dataclass(frozen=True)
class Table:
    """All rows of a benchmark, with what its caption states."""

    rows: tuple[Row, ...]
    metrics: tuple[str, ...]
    tested: str
    protocol: Mapping[str, Any]


def build(
    records: Iterable[Entry],
    store: Store,
    metrics: Mapping[str, Metric],
    tested: str = "NDCG@10",
    method: str = "wilcoxon",
) -> Table:
    """Make the table of the given cells.

    Rows are in the order of their data sets; then come the domain models and then the LLMs, each in the order in
    which the records name them, alone first.

    Args:
        records: folders and their records, failed ones too; at most one for each cell and seed.
        store: where the ranks are read from.
        metrics: name -> metric, in the order of the columns.
        tested: the name of the metric that is tested and whose change is shown.
        method: as in `paired_test`.

    Raises:
        ResultsError: there are no records, or they do not belong in one table.
        UsageError: `tested` is not among the metrics, or there is no such method.
    """
    records = list(records)
    if not records:
        raise ResultsError("no results to make a table of; `corecbench run` makes them")
    if tested not in metrics:
        raise UsageError(f"metric {tested!r} is to be tested but not among those shown: {', '.join(metrics)}")
    protocol = check_comparable(records)
    lines = read_lines(records, store, metrics)
    reasons = {key: why_untested(line, lines.get(key.solo)) for key, line in lines.items() if key != key.solo}
    found = {
        key: _compare(lines[key], lines[key.solo], tested, method)
        for key, reason in reasons.items()
        if reason is None
    }
    adjusted = holm([comparison.test.p for comparison in found.values()])
    comparisons = {
        key: dataclasses.replace(comparison, p_adjusted=float(p))
        for (key, comparison), p in zip(found.items(), adjusted, strict=True)
    }
    rows = []
    for key, line in lines.items():
        planned = {record["cell"]["seed"] for _, record in records if record["cell"]["dataset"] == key.dataset}
        rows.append(_row(line, comparisons.get(key), _notes(line, planned, reasons.get(key))))
    return Table(tuple(rows), tuple(metrics), tested, protocol)


def why_untested(line: Line, solo: Line | None) -> str | None:
    """Return why a joint row cannot be compared with its solo row, None if it can."""
    if solo is None:
        return "not compared: no solo row"
    if solo.at_limit:
        return f"not compared: its solo row was {AT_LIMIT}"
    if not line.values.keys() & solo.values.keys():
        return "not compared: no seed that succeeded here and in its solo row"
    return None


def _compare(line: Line, solo: Line, tested: str, method: str) -> Comparison:
    common = line.values.keys() & solo.values.keys()
    own, base = (each.mean_over_seeds(common)[tested].to_numpy() for each in (line, solo))
    test = paired_test(own, base, method)
    return Comparison(float(own.mean() / base.mean() - 1) if base.mean() else None, test, test.p)


def _notes(line: Line, planned: set[int], untested: str | None) -> tuple[str, ...]:
    reasons: dict[str, list[int]] = {}
    for seed, problem in line.problems.items():
        reasons.setdefault(_shorten(problem), []).append(seed)
    notes = [f"{seed_list(seeds, 'seed')} {reason}" for reason, seeds in reasons.items()]
    if missing := planned - line.values.keys() - line.problems.keys():
        notes.append(f"{seed_list(missing, 'seed')} missing")
    if line.at_limit and line.key == line.key.solo:
        notes.append(AT_LIMIT)
    return (*notes, untested) if untested else tuple(notes)


def _shorten(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= MESSAGE_WIDTH else text[: MESSAGE_WIDTH - 3] + "..."


def _row(line: Line, comparison: Comparison | None, notes: tuple[str, ...]) -> Row:
    means = line.mean_over_seeds(line.values) if line.values else pd.DataFrame()
    return Row(
        dataset=line.key.dataset,
        model=line.key.model,
        side=line.key.side,
        sharing=line.key.sharing,
        control=line.key.control,
        metrics={str(name): float(mean) for name, mean in means.mean().items()},
        n_users=len(means),
        seeds=tuple(line.values),
        comparison=comparison,
        notes=notes,
    )


def seed_list(seeds: Iterable[int], noun: str = "") -> str:
    """Return seeds in few words.

    >>> seed_list([0, 1, 2, 5], "seed")
    'seeds 0-2,5'
    """
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    text = ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{noun}{'s' if sum(map(len, runs)) > 1 else ''} {text}" if noun else text


# --- in words ---------------------------------------------------------------------------------------------------


def frame(table: Table) -> pd.DataFrame:
    """Return the table as text, one column per metric; the columns of controls and notes only if there are any."""
    rows = pd.DataFrame([_cells(row, table) for row in table.rows])
    empty = {"control": not any(row.control for row in table.rows), "notes": not rows["notes"].any()}
    return rows.drop(columns=[column for column, is_empty in empty.items() if is_empty])


def _cells(row: Row, table: Table) -> dict[str, str]:
    compared = row.comparison
    return {
        "data set": row.dataset,
        "model": row.model,
        "side": row.side,
        "sharing": row.sharing or "-",
        "control": row.control or "-",
        **{name: decimal(row.metrics[name], 4) if name in row.metrics else "-" for name in table.metrics},
        f"{table.tested} vs solo": _change(compared) if compared else "-",
        "p": _p(compared.test.p) if compared else "-",
        "p (Holm)": _p(compared.p_adjusted) if compared else "-",
        "users": str(row.n_users) if row.n_users else "-",
        "seeds": seed_list(row.seeds) or "-",
        "notes": "; ".join(row.notes),
    }


def decimal(value: float, digits: int) -> str:
    """Return a number without the zero before its point.

    >>> decimal(0.09424, 4), decimal(1.0, 4)
    ('.0942', '1.0000')
    """
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def _p(p: float) -> str:
    return "<.001" if p < 0.001 else decimal(p, 3)


def _change(comparison: Comparison) -> str:
    change = "-" if comparison.change is None else f"{comparison.change:+.1%}"
    return f"{change}*" if comparison.p_adjusted < ALPHA else change


def caption(table: Table) -> str:
    """Return what a reader needs to judge the numbers: protocol, means, tests and their correction."""
    users = {row.dataset: row.n_users for row in table.rows if row.n_users}
    if not users:
        return "No cell succeeded."
    over = ", ".join(f"{n_users} users ({dataset})" for dataset, n_users in users.items())
    seeds = seed_list({seed for row in table.rows for seed in row.seeds}, "seed")
    sentences = [
        "Protocol: " + ", ".join(f"{name} {value}" for name, value in table.protocol.items()),
        f"Metrics are means over {over}, each user first averaged over {seeds}",
        f"{table.tested} vs solo: relative change against the same model trained alone, over the seeds both have",
    ]
    for control in dict.fromkeys(row.control for row in table.rows if row.control):
        sentences.append(f"Control {control}: as the pair beside it, but {CONTROLS.get(control, 'otherwise')}")
    tests = [row.comparison.test for row in table.rows if row.comparison]
    if tests:
        family = f"the {len(tests)} tests" if len(tests) > 1 else "the one test"
        sentences += [
            f"p: {tests[0].name}, paired over users",
            f"p (Holm): Holm-adjusted over {family} of this table; * where it is below {decimal(ALPHA, 2)}",
        ]
    return "".join(f"{sentence}. " for sentence in sentences).rstrip()
