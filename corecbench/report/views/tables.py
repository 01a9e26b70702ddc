"""The tables on their way to reporters, and as data frames: pure functions of evidence."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corecbench.report.evidence.contrasts import FEWEST_SEEDS, Contrast
from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, TIME, Found, Protocols
from corecbench.report.views import captions, columns, slice_captions, statistics
from corecbench.report.views.columns import contrast_columns, has_seeds, identity
from corecbench.report.views.findings import rows_of
from corecbench.report.views.layout import Column, table
from corecbench.report.views.provenance import made_with, protocol_sentence
from corecbench.report.wording import count, decimal, p_value, percent, seed_list, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from corecbench.api import Mark, Report
    from corecbench.report.evidence.claims import Placed
    from corecbench.report.evidence.comparison import Comparison
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.leaderboard import Leaderboard


MEANINGS: Mapping[Mark, str] = {
    "best": "among the rows of a data set that have all seeds and are no controls",
    "second": "the next among them",
}
YES = {True: "yes", False: "no"}


def main_table(evidence: Evidence, cost: bool = False, effects: bool = False) -> Report:
    caption = captions.main_caption(evidence, cost, effects)
    meanings: Mapping[Mark, str] = {**MEANINGS, "significant": statistics.significant(evidence.method)}
    return table("table", evidence.rows.values(), columns.main_columns(evidence, cost, effects), caption, meanings)


def cost_table(evidence: Evidence) -> Report:
    rows = evidence.rows.values()
    costs = [each.name for each in columns.COST]
    wanted = {"data set", "model", "side", "sharing", "control", evidence.tested, *costs, "seeds"}
    shown = [each for each in columns.main_columns(evidence, cost=True, effects=False) if each.name in wanted]
    return table("cost", rows, shown, sentences(*captions.of_costs(rows)))


def slice_table(evidence: Evidence) -> Report:
    contrasts = evidence.slices()
    return table(
        "slices", contrasts, columns.slice_columns(evidence, contrasts), slice_captions.slice_caption(evidence)
    )


def share_table(evidence: Evidence) -> Report:
    contrasts = [each for of_row in evidence.shares() for each in of_row]
    caption = slice_captions.share_caption(evidence, contrasts)
    return table("train-shares", contrasts, columns.share_columns(evidence, contrasts), caption)


def ledger_table(
    evidence: Evidence, effects: bool = False, by_slices: bool = False, in_words: bool = True
) -> Report:
    """Return what the gain of each pair that has controls is made of.

    Without `in_words` the caption does not begin with the findings in words.
    """
    ledgers = evidence.ledgers(by_slices)
    lines = [line for ledger in ledgers for line in ledger.contrasts]
    caption = captions.ledger_caption(evidence, ledgers, effects, in_words)
    meanings: Mapping[Mark, str] = {"significant": statistics.significant(evidence.method)}
    return table("ledger", lines, columns.ledger_columns(evidence, lines, effects), caption, meanings)


def comparison_table(comparison: Comparison) -> Report:
    meanings: Mapping[Mark, str] = {"significant": statistics.significant(comparison.yardstick.method)}
    shown, caption = columns.comparison_table_columns(comparison), captions.comparison_caption(comparison)
    return table("compare", comparison.rows, shown, caption, meanings)


def board_table(board: Leaderboard) -> Report:
    meanings: Mapping[Mark, str] = {
        "best": "among the ranked rows that are complete",
        "second": "the next among them",
    }
    return table("leaderboard", board.rows, columns.board_columns(board), captions.board_caption(board), meanings)


# --- claims and protocols -----------------------------------------------------------------------------------------


def claims_table(found: Sequence[Placed]) -> Report:
    """Return each claim beside the rows that it is about; the caption names the sources."""
    shown = [
        Column("claim", lambda each: each.claim.name),
        Column("data set", lambda each: each.row.key.dataset if each.row else each.claim.dataset),
        Column("row", lambda each: each.row and each.row.key.name),
        Column("benchmark", lambda each: each.benchmark or None),
        Column("metric", lambda each: each.claim.metric),
        Column("paper", lambda each: each.claim.value, decimal),
        Column("ours", lambda each: each.mean, decimal),
        Column("deviation", lambda each: each.deviation, decimal),
        Column("seeds", lambda each: each.row and seed_list(each.row.seeds)),
        Column("the claim is", lambda each: each.among),
        Column("z", lambda each: each.z, "{:+.1f}".format),
        Column("differs", lambda each: "; ".join(each.differs) or None),
    ]
    sources = {each.claim.name: each.claim.paper.cited for each in found}
    said = [
        "Ours and deviation: mean and standard deviation over seeds of the mean over users",
        "The claim is: where the paper's figure lies among our seeds; z: its distance from our mean in deviations, "
        f"with {FEWEST_SEEDS} seeds or more",
        *(f"{name}: {cited}" for name, cited in sources.items()),
    ]
    return table("claims", found, shown, sentences(*said))


def protocols_table(protocols: Protocols) -> Report:
    return table("protocols", protocols.found, _protocol_columns(protocols), _protocol_caption(protocols))


def _protocol_columns(protocols: Protocols) -> Iterator[Column]:
    yield from columns.identity((each.pair for each in protocols.found), lambda each: each.pair)
    yield Column("part", lambda each: each.kind)
    yield Column("row", lambda each: rows_of(each)[0])
    yield Column("minus", lambda each: rows_of(each)[1])
    yield Column("tells", lambda each: each.tells)
    yield from _of_one(LEAVE_ONE_OUT, lambda each: each.leave_one_out, protocols)
    yield from _of_one(TIME, lambda each: each.time, protocols)
    yield Column("same sign", lambda each: each.same_sign, YES.__getitem__)
    yield Column("same significance", lambda each: each.same_significance, YES.__getitem__)
    yield Column("under time", lambda each: each.verdict)


def _of_one(name: str, of: Callable[[Found], Contrast], protocols: Protocols) -> Iterator[Column]:
    """Yield the columns of a contrast under one protocol."""
    yield Column(f"change {name}", lambda each: each.change, percent, of=of)
    shown = lambda ends: f"[{percent(ends[0])}, {percent(ends[1])}]"  # noqa: E731
    yield Column(f"95% interval {name}", lambda each: each.sizes.change_ends, shown, False, of=of)
    yield Column(f"95% low {name}", lambda each: columns.change_end(each, 0), None, of=of)
    yield Column(f"95% high {name}", lambda each: columns.change_end(each, 1), None, of=of)
    p = columns.p_name(protocols.leave_one_out.method)
    yield Column(f"{p} {name}", lambda each: each.p_adjusted, p_value, of=of)
    yield Column(f"users {name}", lambda each: each.n_users, count, of=of)


def _protocol_caption(protocols: Protocols) -> str:
    found, method = protocols.found, protocols.leave_one_out.method
    contrasts = [contrast for each in found for contrast in (each.leave_one_out, each.time)]
    verdicts = Counter(each.verdict for each in found)
    single, of_each = protocols.n_single, protocols.of_each
    return sentences(
        f"Of {len(found)} contrasts under both protocols: "
        + (", ".join(f"{verdict} {n}" for verdict, n in verdicts.most_common()) or "none"),
        *_orders(protocols),
        f"Of {protocols.leave_one_out.tested}; change: relative to the model alone, or to the strongest row; p "
        "is adjusted within each protocol",
        "Under time: holds, smaller, larger or turned where the contrast is significant there, too; gone where "
        "it is not and its change is smaller than under leave-one-out; open where it may be as large; under "
        "neither where it is significant under neither",
        "Smaller, larger: by more than the root of the sum of squares of the half-widths of both intervals, by "
        f"{statistics.of_changes(method)}",
        *([statistics.of_p(contrasts, method)] if contrasts else []),
        *(
            [f"Left out: {single[0]} contrasts that only {LEAVE_ONE_OUT} has, {single[1]} that only {TIME} has"]
            if any(single)
            else []
        ),
        *(protocol_sentence(each.protocol(names)) for each, names in of_each if names),
        *dict.fromkeys(sentence for each, names in of_each for sentence in made_with(each.records(names))),
    )


def _orders(protocols: Protocols) -> Iterator[str]:
    for dataset in protocols.datasets:
        order = protocols.order(dataset)
        if order is not None:
            rows = f"{order.n_rows} rows on {dataset} that are no controls"
            yield f"Kendall's tau of the order of {rows}: {decimal(order.tau, 2)} (p {p_value(order.p)})"


# --- data frames --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Frames:
    """What `corecbench.load` returns: stored results as data frames."""

    evidence: Evidence
    """The rows and contrasts that all frames are made of."""

    @functools.cached_property
    def rows(self) -> pd.DataFrame:
        """Every side of a cell and seed: what it is, its users, its metrics, and the change over its model alone.

        "NDCG@10 vs solo" is the relative change of the tested metric over the same model trained alone with this
        seed. "notes" says why a seed or one of its metrics has no value.
        """
        evidence, tested = self.evidence, self.evidence.tested
        means = {key: row.means_by_seed() for key, row in evidence.rows.items()}
        lines = []
        for key, row in evidence.rows.items():
            for seed in sorted(row.values.keys() | row.problems.keys()):
                own = means[key].get(seed, {})
                alone = {} if key.is_solo else means.get(key.solo, {}).get(seed, {})
                lines.append(
                    {
                        "data set": key.dataset,
                        "cell": key.cell,
                        **{name: getattr(key, name) for name in ("model", "side", "sharing", "control")},
                        "seed": seed,
                        "users": len(row.values.get(seed, ())),
                        **{name: own.get(name, np.nan) for name in evidence.metrics},
                        f"{tested} vs solo": own[tested] / alone[tested] - 1
                        if tested in own and alone.get(tested)
                        else np.nan,
                        "notes": row.problems.get(seed) or "; ".join(row.faults.get(seed, {}).values()) or None,
                    }
                )
        return pd.DataFrame(lines)

    def table(self) -> pd.DataFrame:
        return _values(main_table(self.evidence, cost=True, effects=True))

    def contrasts(self, base: str = "solo") -> pd.DataFrame:
        """Return rows minus another one, tested over users and seeds, with effect sizes.

        Args:
            base: what is subtracted: "solo" for the same model trained alone, "strongest" for the strongest row
                without an LLM, or the name of a row on the same data set, such as "sasrec+llama+bdlm:llm".

        Raises:
            UsageError: no row has that name, or both sides of a pair do.
        """
        evidence = self.evidence
        if base == "solo":
            found = evidence.over_alone
        elif base == "strongest":
            found = evidence.over_strongest
        else:
            found = evidence.over(base)
        contrasts, tested = list(found.values()), evidence.tested
        columns = [
            *identity(evidence.rows, lambda each: each.row),
            Column("minus", lambda each: each.other.name),
            Column(tested, lambda each: each.own),
            Column(f"{tested} minus", lambda each: each.base),
            *contrast_columns(lambda each: each, "change", evidence.method, True, has_seeds(contrasts)),
            Column("users", lambda each: each.n_users),
            Column("seeds", lambda each: seed_list(each.seeds)),
        ]
        return _values(table("contrasts", contrasts, columns))

    def ledger(self, by_slices: bool = False) -> pd.DataFrame:
        """Return what the gain of each pair with controls is made of, as `corecbench report --ledger`.

        It is told on slices of the users, too, where `by_slices` asks for that.
        """
        return _values(ledger_table(self.evidence, effects=True, by_slices=by_slices))

    def slices(self) -> pd.DataFrame:
        return _values(slice_table(self.evidence))


def _values(report: Any) -> pd.DataFrame:
    values: pd.DataFrame = report.values
    return values.infer_objects()
