"""The tables of a benchmark on their way to reporters: pure functions of its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.views.captions import (
    board_caption,
    comparison_caption,
    ledger_caption,
    main_caption,
    of_costs,
    share_caption,
    significant,
    slice_caption,
)
from corecbench.report.views.columns import (
    COST,
    board_columns,
    comparison_table_columns,
    ledger_columns,
    main_columns,
    share_columns,
    slice_columns,
)
from corecbench.report.views.layout import table
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Mark, Report
    from corecbench.report.evidence.comparison import Comparison
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.reading import Evidence

MEANINGS: Mapping[Mark, str] = {
    "best": "among the rows of a data set that have all seeds and are no controls",
    "second": "the next among them",
}


def main_table(evidence: Evidence, cost: bool = False, effects: bool = False) -> Report:
    """Return every row, each joint one beside its model alone.

    Args:
        evidence: the rows.
        cost: whether there are columns of what training and inference take.
        effects: whether there are columns of effect sizes.
    """
    caption = main_caption(evidence, cost, effects)
    meanings: Mapping[Mark, str] = {**MEANINGS, "significant": significant(evidence.method)}
    return table("table", evidence.rows.values(), main_columns(evidence, cost, effects), caption, meanings)


def cost_table(evidence: Evidence) -> Report:
    """Return what training and inference of every row take, beside its tested metric."""
    rows = evidence.rows.values()
    costs = [each.name for each in COST]
    wanted = {"data set", "model", "side", "sharing", "control", evidence.tested, *costs, "seeds"}
    columns = [each for each in main_columns(evidence, cost=True, effects=False) if each.name in wanted]
    return table("cost", rows, columns, sentences(of_costs(rows)))


def slice_table(evidence: Evidence) -> Report:
    """Return whom training together helps: every joint row minus its model alone, on slices of the users."""
    contrasts = evidence.slices()
    return table("slices", contrasts, slice_columns(evidence, contrasts), slice_caption(evidence))


def share_table(evidence: Evidence) -> Report:
    """Return the gain of training together over shares of the users that train."""
    contrasts = [each for of_row in evidence.shares() for each in of_row]
    return table("train-shares", contrasts, share_columns(evidence, contrasts), share_caption(evidence, contrasts))


def ledger_table(
    evidence: Evidence, effects: bool = False, by_slices: bool = False, in_words: bool = True
) -> Report:
    """Return what the gain of each pair that has controls is made of.

    Args:
        evidence: the rows.
        effects: whether there are columns of all effect sizes.
        by_slices: whether it is told on slices of the users, too.
        in_words: whether the caption begins with the findings in words.
    """
    ledgers = evidence.ledgers(by_slices)
    lines = [line for ledger in ledgers for line in ledger.contrasts]
    caption = ledger_caption(evidence, ledgers, effects, in_words)
    columns = ledger_columns(evidence, lines, effects)
    return table("ledger", lines, columns, caption, {"significant": significant(evidence.method)})


def comparison_table(comparison: Comparison) -> Report:
    """Return rows against a baseline, with a column of benchmarks only if there are several."""
    columns, caption = comparison_table_columns(comparison), comparison_caption(comparison)
    meanings: Mapping[Mark, str] = {"significant": significant(comparison.yardstick.method)}
    return table("compare", comparison.rows, columns, caption, meanings)


def board_table(board: Leaderboard) -> Report:
    """Return the leaderboard, with a column for each data set if there are several."""
    meanings: Mapping[Mark, str] = {
        "best": "among the ranked rows that are complete",
        "second": "the next among them",
    }
    return table("leaderboard", board.rows, board_columns(board), board_caption(board), meanings)
