"""Findings under both protocols as a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, TIME
from corecbench.report.views.captions import of_changes, of_p
from corecbench.report.views.columns import change_end, identity, p_name
from corecbench.report.views.findings import row_name
from corecbench.report.views.layout import Column, table
from corecbench.report.views.provenance import made_with, protocol_sentence
from corecbench.report.wording import count, decimal, p_value, percent, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from corecbench.api import Report
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.protocols import Found, Protocols

    Of = Callable[[Found], Contrast]


def protocols_table(protocols: Protocols) -> Report:
    """Return each contrast that both protocols have, and what becomes of it under time."""
    return table("protocols", protocols.found, _columns(protocols), _caption(protocols))


def _columns(protocols: Protocols) -> Iterator[Column]:
    yield from identity((each.pair for each in protocols.found), lambda each: each.pair)
    yield Column("part", lambda each: each.kind)
    yield Column("row", lambda each: row_name(each.leave_one_out.row, each.pair))
    yield Column("minus", lambda each: row_name(each.leave_one_out.other, each.pair))
    yield Column("tells", lambda each: each.tells)
    yield from _of_one(LEAVE_ONE_OUT, lambda each: each.leave_one_out, protocols)
    yield from _of_one(TIME, lambda each: each.time, protocols)
    yield Column("same sign", lambda each: each.same_sign, _yes)
    yield Column("same significance", lambda each: each.same_significance, _yes)
    yield Column("under time", lambda each: each.verdict)


def _of_one(name: str, of: Of, protocols: Protocols) -> Iterator[Column]:
    """Yield the columns of a contrast under one protocol."""
    yield Column(f"change {name}", lambda each: of(each).change, percent)
    yield Column(f"95% interval {name}", lambda each: of(each).sizes.change_ends, _interval, exact=False)
    yield Column(f"95% low {name}", lambda each: change_end(of(each), 0), None)
    yield Column(f"95% high {name}", lambda each: change_end(of(each), 1), None)
    yield Column(f"{p_name(protocols.leave_one_out.method)} {name}", lambda each: of(each).p_adjusted, p_value)
    yield Column(f"users {name}", lambda each: of(each).n_users, count)


def _interval(ends: tuple[float, float]) -> str:
    return f"[{percent(ends[0])}, {percent(ends[1])}]"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _caption(protocols: Protocols) -> str:
    found, method = protocols.found, protocols.leave_one_out.method
    contrasts = [contrast for each in found for contrast in (each.leave_one_out, each.time)]
    verdicts = Counter(each.verdict for each in found)
    single = protocols.n_single
    return sentences(
        [
            f"Of {len(found)} contrasts under both protocols: "
            + (", ".join(f"{verdict} {n}" for verdict, n in verdicts.most_common()) or "none"),
            *_orders(protocols),
            f"Of {protocols.leave_one_out.tested}; change: relative to the model alone; p is adjusted within each "
            "protocol",
            "Under time: holds, smaller, larger or turned where the contrast is significant there, too; gone where "
            "it is not and its change is smaller than under leave-one-out; open where it may be as large; under "
            "neither where it is significant under neither",
            "Smaller, larger: by more than the root of the sum of squares of the half-widths of both intervals, by "
            f"{of_changes(method)}",
            *([of_p(contrasts, method)] if contrasts else []),
            *(
                [f"Left out: {single[0]} contrasts that only {LEAVE_ONE_OUT} has, {single[1]} that only {TIME} has"]
                if any(single)
                else []
            ),
            *(protocol_sentence(each.protocol(protocols.datasets)) for each in protocols.both),
            *dict.fromkeys(
                sentence for each in protocols.both for sentence in made_with(each.records(protocols.datasets))
            ),
        ]
    )


def _orders(protocols: Protocols) -> Iterator[str]:
    for dataset in protocols.datasets:
        order = protocols.order(dataset)
        if order is not None:
            rows = f"{order.n_rows} rows on {dataset} that are no controls"
            yield f"Kendall's tau of the order of {rows}: {decimal(order.tau, 2)} (p {p_value(order.p)})"
