from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from corecbench.results.layout import RANKS_FILE
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.results.user_ranks import RanksReader
from corecbench.testing.records import store_cell, toy_ranks, toy_record

USERS = ["u2", "u10", "u1"]
ITEMS = ["i2", "i10", "i1"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "default")


@pytest.fixture
def read(store):
    """Read ranks with one reader for all cells."""
    reader = RanksReader()
    return lambda folder, side, record: store.user_ranks(folder, side, record, reader)


def write(store, rank, seed=0, **columns):
    """Store the ranks of three users, who are not in order, and return the arguments that read them."""
    record = toy_record(seed=seed, n_users=3)
    frame = toy_ranks(rank, USERS, **{"target_item_id": ITEMS, **columns})
    return store_cell(store, record, {"domain": frame}), "domain", record


def plain(store, where):
    """Return the same ranks, read and sorted without any memory of other cells."""
    folder, side, _ = where
    return Store(store.root, store.benchmark).ranks(folder, side).sort_values("user_id").set_index("user_id")


def test_ranks_come_in_the_order_of_user_ids(store, read):
    found = read(*write(store, [2, 10, 1]))
    assert found.facts.index.tolist() == ["u1", "u10", "u2"]
    assert found.facts["target_item_id"].tolist() == ["i1", "i10", "i2"]
    assert found.rank.tolist() == [1, 10, 2]
    assert found.n_candidates.tolist() == [10, 10, 10]


def test_a_plain_store_gives_the_same(store, read):
    where = write(store, [2, 10, 1], history_length=[5, 6, 7])
    plain_store, kept = Store(store.root, store.benchmark).user_ranks(*where), read(*where)
    pd.testing.assert_frame_equal(plain_store.frame(), kept.frame())


def test_cells_with_the_same_users_share_all_but_their_ranks(store, read):
    first, second = (read(*write(store, rank, seed)) for seed, rank in enumerate(([2, 9, 1], [4, 3, 5])))
    assert second.facts is first.facts
    assert second.n_candidates is first.n_candidates
    assert second.rank.tolist() == [5, 3, 4]
    assert second.rank.dtype == np.int64


@pytest.mark.parametrize(
    "columns", [{"target_item_id": ["i3", "i10", "i1"]}, {"n_candidates": [8, 9, 9]}, {"history_length": [1, 2, 3]}]
)
def test_cells_that_differ_in_a_fact_do_not_share_it(store, read, columns):
    places = write(store, [2, 9, 1]), write(store, [2, 9, 1], 1, **columns)
    for where in places:
        found = read(*where).frame()
        pd.testing.assert_frame_equal(found[plain(store, where).columns], plain(store, where))


@pytest.mark.parametrize("rank", [[0, 9, 1], [2.5, 9.0, 1.0]])
def test_damaged_ranks_are_found_beside_a_cell_that_is_whole(store, read, rank):
    read(*write(store, [2, 9, 1]))
    folder, side, record = write(store, [2, 9, 1], 1)
    frame = pd.read_parquet(folder / RANKS_FILE)
    frame.assign(rank=rank).to_parquet(folder / RANKS_FILE, index=False, compression="zstd")
    with pytest.raises(ResultsError, match="a rank is a whole number from 1 on"):
        read(folder, side, record)


def test_a_missing_file_is_found(store, read):
    folder, side, record = write(store, [2, 9, 1])
    (folder / RANKS_FILE).unlink()
    with pytest.raises(ResultsError, match="the file is missing"):
        read(folder, side, record)


def test_a_file_with_several_groups_of_rows_is_read(store, read):
    where = write(store, [2, 9, 1])
    file = where[0] / RANKS_FILE
    pq.write_table(pq.read_table(file), file, row_group_size=2)
    assert read(*where).rank.tolist() == [1, 9, 2]


def test_cells_that_differ_in_a_later_group_of_rows_do_not_share_facts(store, read):
    places = write(store, [2, 9, 1]), write(store, [2, 9, 1], 1, n_candidates=[9, 9, 8])
    for where in places:
        file = where[0] / RANKS_FILE
        pq.write_table(pq.read_table(file), file, row_group_size=2)
    assert [read(*where).n_candidates.tolist() for where in places] == [[9, 9, 9], [8, 9, 9]]


def test_the_table_has_best_possible_ranks_where_they_are_known(store, read):
    known = read(*write(store, [2, 9, 1]))
    assert known.frame().columns.tolist() == ["target_item_id", "rank", "n_candidates"]
    bounded = replace(known, best=np.array([1, 4, 1]))
    assert bounded.frame()["best_rank"].tolist() == [1, 4, 1]
