"""The leaderboard as a table for reporters, with the words that a reader needs beside it."""

from collections.abc import Callable, Iterator, Mapping

from corecbench.api import Mark, Report
from corecbench.report.columns import Column, lay_out
from corecbench.report.leaderboard import BoardRow, Leaderboard
from corecbench.report.main_table import Marks, best_two
from corecbench.report.provenance import of_left_out, of_reductions, protocol_sentence, together
from corecbench.report.wording import decimal, of_ensembles, p_value, seed_list, sentences, user_counts

MEANINGS: Mapping[Mark, str] = {"best": "among the ranked rows that are complete", "second": "the next among them"}


def report(board: Leaderboard) -> Report:
    """Return the leaderboard as reporters take it, with a column for each data set if there are several."""
    frame, values = lay_out(board.rows, list(_columns(board)))
    marks: Marks = {}
    for column, value in _measures(board).items():
        values_of_complete = {
            number: measured
            for number, row in enumerate(board.rows)
            if row.is_ranked and row.is_complete and (measured := value(row)) is not None
        }
        best = best_two(values_of_complete, board.higher_is_better)
        marks |= {(number, column): [mark] for number, mark in best.items()}
    used = {mark for marks_of_cell in marks.values() for mark in marks_of_cell}
    legend = {mark: meaning for mark, meaning in MEANINGS.items() if mark in used}
    directions = {"average rank": False, "wins": True, **dict.fromkeys(_measures(board), board.higher_is_better)}
    return Report("leaderboard", frame, values, caption(board), marks, legend, directions)


def _measures(board: Leaderboard) -> dict[str, Callable[[BoardRow], float | None]]:
    """Return the columns of the metric and their values: the mean over data sets, then each data set."""
    if len(board.n_users) == 1:
        return {board.metric: lambda row: row.mean}
    on_each = {f"{board.metric} {dataset}": _value_on(dataset) for dataset in board.n_users}
    return {f"mean {board.metric}": lambda row: row.mean, **on_each}


def _value_on(dataset: str) -> Callable[[BoardRow], float | None]:
    return lambda row: row.values.get(dataset)


def _columns(board: Leaderboard) -> Iterator[Column]:
    if any(row.benchmark for row in board.rows):
        yield Column("benchmark", lambda row: row.benchmark)
    yield Column("model", lambda row: row.key.model)
    yield Column("side", lambda row: row.key.side)
    yield Column("sharing", lambda row: row.key.sharing)
    if any(row.key.control for row in board.rows):
        yield Column("control", lambda row: row.key.control)
    yield Column("average rank", lambda row: row.average_rank, "{:.2f}".format)
    yield Column("wins", lambda row: row.wins)
    for name, value in _measures(board).items():
        yield Column(name, value, decimal)
    if len(board.n_users) > 1:
        yield Column("data sets", lambda row: f"{len(row.values)} of {len(board.n_users)}")
    yield Column("seeds", lambda row: _seeds(row.seeds) or None)
    if any(row.notes for row in board.rows):
        yield Column("notes", lambda row: "; ".join(row.notes))


def _seeds(seeds: Mapping[str, tuple[int, ...]]) -> str:
    """Return the seeds of a row, by data set where they differ.

    >>> _seeds({"a": (0, 1), "b": (0, 1)}), _seeds({"a": (0, 1), "b": (0,)})
    ('0-1', '0-1 (a) and 0 (b)')
    """
    by_dataset = [(dataset, {"": seed_list(on_dataset)}) for dataset, on_dataset in seeds.items()]
    return str(together(by_dataset, "data sets").get("", ""))


def caption(board: Leaderboard) -> str:
    """Return the caption, which states how rows are ranked, protocol, users, test and versions."""
    n_datasets = len(board.n_users)
    value, each = ("one value of the lists of", "") if board.overall else ("mean over", "each user first ")
    order = f"average rank in {board.metric} over {n_datasets} data sets" if n_datasets > 1 else board.metric
    return sentences(
        [
            f"Rows by {order}; wins: on how many data sets no ranked row is better",
            "Not ranked: controls and, last, rows that lack a data set; what lacks a seed is marked incomplete",
            *([f"Of the benchmarks {', '.join(board.benchmarks)}"] if len(board.benchmarks) > 1 else []),
            protocol_sentence(board.protocol),
            *of_reductions(row.key for row in board.rows),
            *of_ensembles(row.key.side for row in board.rows),
            f"{board.metric}: {value} {user_counts(board.n_users)}, {each}averaged over seeds",
            *board.faults,
            *of_left_out(board.left_out),
            *([] if board.p is None else [f"p of Friedman's test of the ranked rows: {p_value(board.p)}"]),
            *board.made_with,
        ]
    )
