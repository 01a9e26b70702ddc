"""Turns an imported table into ranks, after checking it against the split.

T tested users, M lines of the file, k places of a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from corecbench.api import DataError
from corecbench.evaluation.ranking import Ranks

if TYPE_CHECKING:
    import pandas as pd

    from corecbench.exchange.held_out import HeldOut

Candidates = Literal["all", "sampled"]
STORED = 100
"""The most items of a list that are stored; ranks are counted from whole lists."""
FEWEST = 20
"""Ranks of fewer users may all be good by chance."""
SAY = (
    "as where it was ranked among sampled items; say --candidates sampled, which shares no table with full "
    "ranking, or --candidates all if all items were ranked"
)


@dataclass(frozen=True, eq=False)
class CheckedRanks:
    """Ranks that fit the split."""

    ranks: Ranks
    best: np.ndarray
    """int64 [T], the best rank that each held-out item can have; `ranks.rank` is the worst one."""
    kind: Literal["ranks", "lists"]
    list_depth: int
    """Number of best items of every list that lacks some, 100 at most."""
    ties_are_seen: bool
    counts: dict[str, int] = field(default_factory=dict)
    """What was left aside or filled in, as `ImportRecord` names it."""

    @property
    def is_known(self) -> np.ndarray:
        return np.asarray(self.best == self.ranks.rank)


def check_ranks(table: pd.DataFrame, held_out: HeldOut, candidates: Candidates | None = None) -> CheckedRanks:
    """Return the ranks in a table of users and ranks.

    Args:
        table: users and ranks, and numbers of candidates where these were sampled.
        held_out: the task that the ranks are for.
        candidates: what was ranked; None is "all", unless the ranks look like those among sampled items.

    Raises:
        DataError: a user is unknown, missing or there twice, a rank is not from 1 to the number of candidates, or
            held-out items or numbers of candidates are not those of the split.
    """
    row, table, counts = _of_tested(table, held_out)
    if len(np.unique(row)) < len(row):
        twice = held_out.user_id(int(row[table["user_id"].duplicated().argmax()]))
        raise DataError(f"{held_out.file}: user '{twice}' is there twice; a user has one rank")
    there = np.bincount(row, minlength=len(held_out.target)) > 0
    held_out.check_all_there(~there, "rank", "every tested user needs one")
    order = np.argsort(row)
    rank, n_candidates = table["rank"].to_numpy()[order], held_out.n_candidates
    expected = {"n_candidates": n_candidates}
    if candidates == "sampled":
        if "n_candidates" not in table:
            raise DataError(f"{held_out.file}: ranks among sampled items need a column n_candidates")
        expected, n_candidates = {}, np.minimum(table["n_candidates"].to_numpy()[order], n_candidates)
    if "target_item_id" in table:
        table = table.assign(target_item_id=held_out.items(table["target_item_id"].to_numpy()))
        expected["target_item_id"] = held_out.target
    for name, ours in expected.items():
        if name in table and (wrong := (theirs := table[name].to_numpy()[order]) != ours).any():
            place = int(np.argmax(wrong))
            ids = held_out.catalog.item_ids
            values = [
                ids[each[place]] if name == "target_item_id" else f"{each[place]:,}" for each in (theirs, ours)
            ]
            raise DataError(
                f"{held_out.file}: {name} of user '{held_out.user_id(place)}' is {values[0]}, in this split it is "
                f"{values[1]} ({int(wrong.sum()):,} users differ); the model was ranked on another split or other "
                "candidates"
            )
    if (wrong := (rank < 1) | (rank > n_candidates)).any():
        place = int(np.argmax(wrong))
        raise DataError(
            f"{held_out.file}: rank {rank[place]} of user '{held_out.user_id(place)}' is not from 1 to "
            f"{n_candidates[place]:,}, the candidates of this user"
        )
    all_are_good = len(rank) >= FEWEST and (4 * rank <= n_candidates).all()
    if candidates is None and all_are_good and "n_candidates" not in table:
        raise DataError(
            f"{held_out.file}: no rank is beyond {rank.max():,} of {n_candidates.max():,} candidates, {SAY}"
        )
    nothing = np.zeros((len(rank), 0), dtype=np.int64)
    ranks = Ranks(held_out.users, held_out.target, rank, n_candidates, nothing, nothing.astype(np.float32))
    return CheckedRanks(ranks, rank, "ranks", 0, ties_are_seen=False, counts=counts)


def check_lists(
    table: pd.DataFrame,
    held_out: HeldOut,
    leave_out_seen: bool = False,
    missing_last: bool = False,
    candidates: Candidates | None = None,
) -> CheckedRanks:
    """Return the ranks that lists of items give, with bounds where a list ends before the held-out item.

    Of items with the same score the held-out one is last. In a file with such items, others beyond a list can have
    the score of its last item: if that is the held-out item, or has its score, the rank is not known either.

    Args:
        table: users, items, and scores or places or both.
        held_out: the task that the lists are for.
        leave_out_seen: whether items that a user saw before are taken out of the lists.
        missing_last: whether the held-out item of a user without a list counts as ranked last.
        candidates: what was ranked. "sampled" are the items of each list, the held-out one among them; None is
            "all", unless the lists look like sampled ones.

    Raises:
        DataError: users or items are unknown, missing or there twice, a list has an item that the user saw before,
            or places do not count up by one or contradict the scores.
    """
    row, table, counts = _of_tested(table, held_out)
    item = held_out.items(table["item_id"].to_numpy())
    pair = held_out.pair(row, item)
    if len(np.unique(pair)) < len(pair):
        line = int(np.argmax(table[["user_id", "item_id"]].duplicated()))
        raise DataError(
            f"{held_out.file}: item '{table['item_id'].iloc[line]}' is twice on the list of user "
            f"'{table['user_id'].iloc[line]}'"
        )
    has_scores = "score" in table
    if "rank" in table:
        _check_places(row, table, held_out)
    score = table["score"].to_numpy() if has_scores else -table["rank"].to_numpy().astype(np.float64)
    seen, later = np.isin(pair, held_out.seen), ~held_out.exists(row, item)
    if later.any() and not leave_out_seen:
        line = int(np.argmax(later))
        raise DataError(
            f"{held_out.file}: some items ({int(later.sum()):,}) do not exist yet when their user is tested, such "
            f"as '{table['item_id'].iloc[line]}' for '{table['user_id'].iloc[line]}', so they are no candidates; "
            "leave them out there, or here by --leave-out-seen"
        )
    seen |= later
    if seen.any():
        if not leave_out_seen:
            line = int(np.argmax(seen))
            raise DataError(
                f"{held_out.file}: {int(seen.sum()):,} items were seen by their user before, such as "
                f"'{table['item_id'].iloc[line]}' by '{table['user_id'].iloc[line]}'; these, the validation item "
                "included, are no candidates; leave them out there, or here by --leave-out-seen"
            )
        counts["seen_left_out"] = int(seen.sum())
        row, item, score = row[~seen], item[~seen], score[~seen]
    n_listed = np.bincount(row, minlength=len(held_out.target))
    missing = n_listed == 0
    if not missing_last:
        held_out.check_all_there(
            missing, "list", "a model that lists nothing misses, which --missing-last counts as ranked last"
        )
    elif missing.any():
        counts["missing_last"] = int(missing.sum())
    is_hit = np.bincount(row[item == held_out.target[row]], minlength=len(n_listed)) > 0
    n_candidates = _candidates(candidates, is_hit, n_listed, held_out)
    order = np.lexsort((item, -score, row))
    return _ranked(row[order], item[order], score[order], n_listed, n_candidates, held_out, has_scores, counts)


def _candidates(
    asked: Candidates | None, is_hit: np.ndarray, n_listed: np.ndarray, held_out: HeldOut
) -> np.ndarray:
    """Return how many candidates each tested user has, int64 [T]; those of sampled lists are the lists.

    Args:
        asked: what was ranked, as far as it was said.
        is_hit: whether the held-out item is on the list of each tested user, bool [T].
        n_listed: length of each list, int64 [T].
        held_out: the task that the lists are for.

    Raises:
        DataError: sampled lists lack a held-out item, or lists that were not said to be sampled look so.
    """
    n_users, n_hits, ours = len(n_listed), int(is_hit.sum()), held_out.n_candidates
    if asked == "sampled":
        if n_hits < n_users:
            raise DataError(
                f"{held_out.file}: {n_users - n_hits:,} of {n_users:,} lists lack the held-out item, which "
                "sampled candidates always hold"
            )
        return n_listed
    short = (n_listed > 0) & (n_listed < ours)
    n_short, n_missed = int(short.sum()), int((short & ~is_hit).sum())
    if asked is None and n_short and 20 * n_missed <= n_short:
        raise DataError(
            f"{held_out.file}: the held-out item is on {n_short - n_missed:,} of {n_short:,} lists, which have at "
            f"most {n_listed[short].max():,} of {ours.max():,} candidates, {SAY}"
        )
    return ours


def _of_tested(table: pd.DataFrame, held_out: HeldOut) -> tuple[np.ndarray, pd.DataFrame, dict[str, int]]:
    row = held_out.rows(table["user_id"].to_numpy())
    tested = row >= 0
    counts = {} if tested.all() else {"not_tested": table["user_id"][~tested].nunique()}
    return row[tested], table[tested].reset_index(drop=True), counts


def _check_places(row: np.ndarray, table: pd.DataFrame, held_out: HeldOut) -> None:
    """Make sure that places count up by one from 0 or 1, and that scores do not rise along them."""
    place = table["rank"].to_numpy()
    order = np.lexsort((place, row))
    own, place = row[order], place[order]
    is_first = np.concatenate([[True], own[1:] != own[:-1]])
    wrong = np.where(is_first, (place != 0) & (place != 1), np.concatenate([[0], np.diff(place)]) != 1)
    if wrong.any():
        user = held_out.user_id(int(own[np.argmax(wrong)]))
        raise DataError(f"{held_out.file}: the places of user '{user}' do not count up by one from 0 or 1")
    if "score" in table:
        score = table["score"].to_numpy()[order]
        rises = ~is_first & np.concatenate([[False], np.diff(score) > 0])
        if rises.any():
            at = int(np.argmax(rises))
            raise DataError(
                f"{held_out.file}: user '{held_out.user_id(int(own[at]))}' has a higher score at place {place[at]} "
                "than before; the best item has the highest score"
            )


def _ranked(
    row: np.ndarray,
    item: np.ndarray,
    score: np.ndarray,
    n_listed: np.ndarray,
    n_candidates: np.ndarray,
    held_out: HeldOut,
    has_scores: bool,
    counts: dict[str, int],
) -> CheckedRanks:
    """Return the ranks that lists give whose lines are in order: by row, best score first."""
    start = np.cumsum(n_listed) - n_listed
    place = np.arange(len(row)) - start[row] + 1  # from 1
    # the last line of each group of lines of a user with the same score
    ends = np.flatnonzero(np.concatenate([(row[1:] != row[:-1]) | (score[1:] != score[:-1]), [True][: len(row)]]))
    lines = np.flatnonzero(item == held_out.target[row])
    end = ends[np.searchsorted(ends, lines)]
    best = np.minimum(n_listed + 1, n_candidates)  # of those who are on no list
    worst = n_candidates.copy()
    best[row[lines]] = worst[row[lines]] = place[end]
    if len(ends) < len(row):  # scores tie, so items beyond a list can have the score of its last item
        cut = row[lines[place[end] == n_listed[row[lines]]]]
        worst[cut] = n_candidates[cut]
    best[n_listed == 0] = n_candidates[n_listed == 0]
    k = min(int(n_listed.max(initial=0)), STORED)
    top_items = np.zeros((len(n_listed), k), dtype=np.int64)
    top_scores = np.full((len(n_listed), k), -np.inf, dtype=np.float32)
    kept = place <= k
    top_items[row[kept], place[kept] - 1] = item[kept]
    top_scores[row[kept], place[kept] - 1] = score[kept]
    ends_early = n_listed < n_candidates
    depth = min(int(n_listed[ends_early].min(initial=STORED)), STORED)
    ranks = Ranks(held_out.users, held_out.target, worst, n_candidates, top_items, top_scores)
    return CheckedRanks(ranks, best, "lists", depth, has_scores, counts)
