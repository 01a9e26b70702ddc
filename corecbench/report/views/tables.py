"""The tables of a benchmark on their way to reporters: pure functions of its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Report
from corecbench.report.views.captions import (
    board_caption,
    comparison_caption,
    ledger_caption,
    main_caption,
    share_caption,
    significant,
    slice_caption,
)
from corecbench.report.views.columns import (
    board_columns,
    board_measures,
    comparison_table_columns,
    lay_out,
    ledger_columns,
    main_columns,
    share_columns,
    slice_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Mark
    from corecbench.report.evidence.comparison import Comparison
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.reading import Evidence

    Marks = dict[tuple[int, str], list[Mark]]

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
    frame, values = lay_out(evidence.rows.values(), main_columns(evidence, cost, effects))
    marks = _marks(evidence)
    used = {mark for marks_of_cell in marks.values() for mark in marks_of_cell}
    meanings: dict[Mark, str] = {**MEANINGS, "significant": significant(evidence.method)}
    legend = {mark: meaning for mark, meaning in meanings.items() if mark in used}
    directions = {name: metric.higher_is_better for name, metric in evidence.metrics.items()}
    return Report("table", frame, values, main_caption(evidence, cost, effects), marks, legend, directions)


def _marks(evidence: Evidence) -> Marks:
    marks: Marks = {}
    compared = {f"{evidence.tested} vs solo": evidence.over_alone}
    if evidence.names_strongest:
        compared[f"{evidence.tested} vs strongest"] = evidence.over_strongest
    for number, key in enumerate(evidence.rows):
        for column, contrasts in compared.items():
            if key in contrasts and contrasts[key].is_significant:
                marks[number, column] = ["significant"]
    for dataset in evidence.datasets:
        for name, metric in evidence.metrics.items():
            values = {
                number: row.metrics[name]
                for number, (key, row) in enumerate(evidence.rows.items())
                if key.dataset == dataset
                and row.is_complete
                and not evidence.is_control(key)
                and name in row.metrics
            }
            best = best_two(values, metric.higher_is_better)
            marks |= {(number, name): [mark] for number, mark in best.items()}
    return marks


def best_two(values: Mapping[int, float], higher_is_better: bool) -> dict[int, Mark]:
    """Return which rows have the best and which the second best value; none where all are the same.

    >>> best_two({0: 0.1, 4: 0.3, 5: 0.2, 7: 0.3}, True)
    {4: 'best', 5: 'second', 7: 'best'}
    """
    order = sorted(set(values.values()), reverse=higher_is_better)[:2]
    if len(order) < 2:
        return {}
    names: dict[float, Mark] = dict(zip(order, ("best", "second"), strict=True))
    return {number: names[value] for number, value in values.items() if value in names}


def slice_table(evidence: Evidence) -> Report:
    """Return whom training together helps: every joint row minus its model alone, on slices of the users."""
    contrasts = evidence.slices()
    frame, values = lay_out(contrasts, slice_columns(evidence.tested, contrasts))
    return Report("slices", frame, values, slice_caption(evidence), higher_is_better=_directions(evidence))


def share_table(evidence: Evidence) -> Report:
    """Return the gain of training together over shares of the users that train."""
    contrasts = [each for of_row in evidence.shares() for each in of_row]
    frame, values = lay_out(contrasts, share_columns(evidence.tested, contrasts))
    caption = share_caption(evidence, contrasts)
    return Report("train-shares", frame, values, caption, higher_is_better=_directions(evidence))


def _directions(evidence: Evidence) -> dict[str, bool]:
    return dict.fromkeys((evidence.tested, f"{evidence.tested} solo"), evidence.higher_is_better)


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
    frame, values = lay_out(lines, ledger_columns(evidence, lines, effects))
    marks: Marks = {
        (number, "change"): ["significant"] for number, line in enumerate(lines) if line.comparison.is_significant
    }
    legend: dict[Mark, str] = {"significant": significant(evidence.method)} if marks else {}
    return Report("ledger", frame, values, ledger_caption(evidence, ledgers, effects, in_words), marks, legend)


def comparison_table(comparison: Comparison) -> Report:
    """Return rows against a baseline, with a column of benchmarks only if there are several."""
    metric, method = comparison.yardstick.metric, comparison.yardstick.method
    frame, values = lay_out(comparison.rows, comparison_table_columns(comparison))
    marks: Marks = {
        (number, f"{metric} vs baseline"): ["significant"]
        for number, each in enumerate(comparison.rows)
        if each.contrast is not None and each.contrast.is_significant
    }
    legend: dict[Mark, str] = {"significant": significant(method)} if marks else {}
    directions = {metric: comparison.yardstick.higher_is_better}
    return Report("compare", frame, values, comparison_caption(comparison), marks, legend, directions)


def board_table(board: Leaderboard) -> Report:
    """Return the leaderboard, with a column for each data set if there are several."""
    frame, values = lay_out(board.rows, board_columns(board))
    measures, higher = board_measures(board), board.measure.higher_is_better
    marks: Marks = {}
    for column, value in measures.items():
        complete = {
            number: measured
            for number, row in enumerate(board.rows)
            if row.is_ranked and row.is_complete and (measured := value(row)) is not None
        }
        marks |= {(number, column): [mark] for number, mark in best_two(complete, higher).items()}
    used = {mark for marks_of_cell in marks.values() for mark in marks_of_cell}
    meanings: dict[Mark, str] = {
        "best": "among the ranked rows that are complete",
        "second": "the next among them",
    }
    legend = {mark: meaning for mark, meaning in meanings.items() if mark in used}
    directions = {"average rank": False, "wins": True, **dict.fromkeys(measures, higher)}
    return Report("leaderboard", frame, values, board_caption(board), marks, legend, directions)
