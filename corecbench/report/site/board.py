"""The rows that a site shows, and the board: each method beside its model alone, the strongest row and control."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from corecbench.api import SIDES
from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS, Contrast, adjust_families, why_not
from corecbench.report.evidence.users import check_users
from corecbench.report.page.blocks import Grid, grid
from corecbench.report.views.columns import change_interval
from corecbench.report.views.findings import change, telling
from corecbench.report.views.layout import Column, table
from corecbench.report.views.provenance import protocol_sentence
from corecbench.report.wording import count, decimal, interval, p_value, seed_list
from corecbench.results.layout import slug
from corecbench.results.record import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from corecbench.report.evidence.claims import Placed
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey


MODEL, BENCHMARK = "model", "benchmark"
"""The columns that lead to the page of a row and to the report of a benchmark."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A benchmark on the site."""

    name: str
    evidence: Evidence
    report: str
    """The address of its report, from the index."""
    claims: Sequence[Placed] = ()
    """What papers claim beside its rows."""

    @property
    def rows(self) -> list[Row]:
        return [row for row in self.evidence.rows.values() if row.seeds]

    def address(self, row: Row) -> str:
        return f"rows/{slug(self.name)}/{slug(f'{row.key.dataset}--{row.key.cell}--{row.key.side}')}.html"


class Place(NamedTuple):
    """What rows must have in common to be ranked together."""

    dataset: str
    protocol: str
    split: str
    """The fingerprint of the split."""
    kind: str
    """The kind of the split, leave-one-out or time."""


class Shown(NamedTuple):
    """A row and the benchmark that it is from."""

    benchmark: Benchmark
    row: Row

    @property
    def name(self) -> tuple[str, RowKey]:
        return self.benchmark.name, self.row.key

    @property
    def place(self) -> Place:
        dataset, record = self.row.key.dataset, self.row.records[0]
        protocol = dict(sorted(self.benchmark.evidence.protocols[dataset].items()))
        kind = str(protocol.get("split", "leave-one-out"))
        return Place(dataset, protocol_sentence(protocol), record["data"]["split_fingerprint"], kind)

    @property
    def is_control(self) -> bool:
        return self.benchmark.evidence.is_control(self.row.key)

    @property
    def order(self) -> tuple[bool, float]:
        evidence = self.benchmark.evidence
        value, sign = self.row.metrics.get(evidence.tested), -1 if evidence.higher_is_better else 1
        return self.is_control, float("inf") if value is None else sign * value


def metric_of(name: str) -> Callable[[Shown], float | None]:
    return lambda each: each.row.metrics.get(name)


def linked(columns: Sequence[Column], shown: Sequence[Shown], label: str) -> Grid:
    """Return a table of rows whose models and benchmarks lead to their pages."""
    report = table("index", shown, columns)
    drawn = grid(report, label)
    links = {MODEL: lambda each: each.benchmark.address(each.row), BENCHMARK: lambda each: each.benchmark.report}
    link = Markup('<a href="{}">{}</a>').format
    rows = [
        [
            dataclasses.replace(field, markup=link(links[name](each), field.markup)) if name in links else field
            for name, field in zip(report.frame, fields, strict=True)
        ]
        for each, fields in zip(shown, drawn.rows, strict=True)
    ]
    return dataclasses.replace(drawn, rows=rows)


# --- the board ----------------------------------------------------------------------------------------------------


NEW_ITEMS = "new items", "new"
"""The slice of the users whose held-out item is not in training, under the split by time."""
NOTES = (
    "Gains are relative changes of the tested metric with 95 % intervals, or differences where there is nothing to "
    "relate them to. p is corrected over the benchmark that the row is from; over strongest, over the board",
    f"*: p below {decimal(ALPHA, 2)}, with {FEWEST_SEEDS} seeds or more of all that is trained",
    "Side: the ensemble of both, else the first side that the method trains",
    "Over alone: over the model of that side; over strongest: over the row without an LLM that is best on "
    "validation, among all benchmarks of this protocol and split",
    "Over control: over the control that tells most, by its name, as a share of the model alone",
    "New items: over alone, on the users whose held-out item is not in training",
    "Seconds: a cell's, with both sides and their evaluation, averaged over seeds",
    "Claim: a paper's figure, and where it lies among our seeds; the page of the row says what differs",
)


def methods(shown: Sequence[Shown]) -> list[Shown]:
    cells: dict[tuple[str, str], list[Shown]] = {}
    for each in shown:
        if each.row.key.sharing and not each.is_control:
            cells.setdefault((each.benchmark.name, each.row.key.cell), []).append(each)
    return [_judged(sides) for sides in cells.values()]


def _judged(sides: Sequence[Shown]) -> Shown:
    by_side = {each.row.key.side: each for each in sides}
    trained = [
        side for side in SIDES if side in by_side and any(own["epochs"] for _, own in by_side[side].row.own_sides())
    ]
    return next(by_side[side] for side in ("ensemble", *trained, *SIDES) if side in by_side)


def strongest(shown: Sequence[Shown]) -> Shown | None:
    best = [each for each in shown if each.benchmark.evidence.strongest.get(each.row.key.dataset) == each.row.key]
    return max(best, key=lambda each: each.row.validation or 0.0, default=None)


def over_strongest(shown: Sequence[Shown], base: Shown | None) -> Mapping[Hashable, Contrast]:
    """Return each row minus the strongest one, maybe of another benchmark, as far as both rank the same users."""
    if base is None:
        return {}
    contrasts: dict[Hashable, Contrast] = {}
    for each in shown:
        yardstick, row = each.benchmark.evidence.yardstick, each.row
        if row is base.row or why_not(row, base.row, yardstick.metric, ""):
            continue
        try:
            check_users((row, base.row))
        except ResultsError:
            continue
        contrasts[each.name] = yardstick.contrast(row, base.row)
    return adjust_families(contrasts, base.benchmark.evidence.method)


def board(shown: Sequence[Shown], label: str, base: Shown | None = None) -> Grid:
    """Return the table of methods, without columns that say nothing of any; `base` is the row to beat."""
    beaten = over_strongest(shown, base)
    evidences = [each.benchmark.evidence for each in shown]
    tested = {evidence.tested: evidence.higher_is_better for evidence in evidences}
    columns = [
        Column(MODEL, lambda each: each.row.key.domain),
        Column("LLM", lambda each: each.row.key.llm),
        Column("sharing", lambda each: each.row.key.sharing),
        Column("side", lambda each: each.row.key.side),
        *(
            Column(name, metric_of(name), decimal, higher_is_better=higher, among=lambda _: True)
            for name, higher in tested.items()
        ),
        _gain("over alone", lambda each: each.benchmark.evidence.over_alone.get(each.row.key), names=False),
        _gain("over strongest", lambda each: beaten.get(each.name)),
        _gain("over control", _over_control),
        _gain("new items", _on_new_items, names=False),
        Column("seconds", _seconds, lambda seconds: count(round(seconds))),
        Column("claim", _claim, exact=False),
        Column("seeds", lambda each: seed_list(each.row.seeds)),
        Column(BENCHMARK, lambda each: each.benchmark.name),
    ]
    said = [column for column in columns if any(column.value(each) is not None for each in shown)]
    return linked(said, shown, label)


def _gain(name: str, contrast_of: Callable[[Shown], Contrast | None], names: bool = True) -> Column:
    """Return a column of contrasts; `names` says whether a cell names the row compared with."""

    def text(each: Shown) -> str | None:
        found = contrast_of(each)
        if found is None:
            return None
        changes, ends = found.sizes.changes, found.sizes.interval
        shown = change_interval(changes) if changes and changes.bounded else ends and interval(ends)
        beside = found.other.control or found.other.cell if names else ""
        p = f"p {p_value(found.p_adjusted)}" if found.adjusted else ""
        lines = f"{change(found)} {shown or ''}", ", ".join(filter(None, (beside, p)))
        return "\n".join(filter(None, lines))

    def corrected(each: Shown) -> Contrast | None:
        found = contrast_of(each)
        return found if found and found.adjusted else None

    return Column(name, text, exact=False, contrast=corrected)


def _over_control(each: Shown) -> Contrast | None:
    ledgers = (ledger for ledger in each.benchmark.evidence.ledgers() if ledger.pair == each.row.key)
    return next((line.comparison for line in map(telling, ledgers) if line), None)


def _on_new_items(each: Shown) -> Contrast | None:
    slices = (found for found in each.benchmark.evidence.slices() if found.row == each.row.key)
    return next((found for found in slices if (found.group.slicing, found.group.label) == NEW_ITEMS), None)


def _seconds(each: Shown) -> float:
    return statistics.mean(record["duration_s"] for record in each.row.records)


def _claim(each: Shown) -> str | None:
    tested = each.benchmark.evidence.tested
    claims = [claim for claim in each.benchmark.claims if claim.row is each.row and claim.claim.metric == tested]
    return "; ".join(f"{decimal(of.claim.value)} {of.among} ({of.claim.name})" for of in claims) or None
