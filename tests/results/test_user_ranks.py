from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stored_cells import reseal, store_cell, toy_ranks

from corecbench.results.layout import RANKS_FILE
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.results.user_ranks import RanksReader
from corecbench.testing.records import toy_record

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
    folder = store_cell(store, record, {"domain": frame})
    return folder, "domain", store.read(folder)


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
    folder, side, _ = write(store, [2, 9, 1], 1)
    pd.DataFrame({"rank": rank}).to_parquet(folder / RANKS_FILE, index=False)
    reseal(folder)
    with pytest.raises(ResultsError, match="a rank is a whole number from 1 on"):
        read(folder, side, store.read(folder))


def test_a_missing_file_is_found(store, read):
    folder, side, record = write(store, [2, 9, 1])
    (folder / RANKS_FILE).unlink()
    with pytest.raises(ResultsError, match="the file is missing"):
        read(folder, side, record)


def test_a_file_with_several_groups_of_rows_is_read(store, read):
    folder, side, _ = write(store, [2, 9, 1])
    file = folder / RANKS_FILE
    pq.write_table(pq.read_table(file), file, row_group_size=2)
    reseal(folder)
    assert read(folder, side, store.read(folder)).rank.tolist() == [1, 9, 2]


def test_row_n_of_all_three_tables_is_the_same_user(store, read):
    folder, *_ = where = write(store, [2, 9, 1], target_frequency=[7, 1, 4], history_length=[5, 6, 3])
    users, training = (pd.read_parquet(next(folder.parents[1].glob(f"{name}-*"))) for name in ("users", "training"))
    joined = users.join(training).join(pd.read_parquet(folder / RANKS_FILE))
    expected = {"user_id": USERS, "history_length": [5, 6, 3], "target_frequency": [7, 1, 4], "rank": [2, 9, 1]}
    assert joined[list(expected)].to_dict("list") == expected
    assert read(*where).frame()["rank"].to_dict() == {"u1": 1, "u10": 9, "u2": 2}


def test_users_are_stored_once_for_all_cells_of_a_data_set(store, read):
    for seed in range(3):
        write(store, [2, 9, 1], seed)
    write(store, [2, 9, 1], 3, target_frequency=[7, 1, 4])
    write(store, [2, 9, 1], 4, history_length=[7, 1, 4])
    names = sorted(path.name.partition("-")[0] for path in (store.root / "default/toy").glob("*.parquet"))
    assert names == ["training", "users", "users"]
    assert all(store.is_done(folder) for folder in store.folders())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), "its sha256 is not the one in result.json"),
        (lambda file: file.unlink(), "the file is missing"),
    ],
)
def test_damaged_users_damage_the_cells_that_share_them(store, read, damage, message):
    folder, side, record = write(store, [2, 9, 1])
    damage(next(store.root.rglob("users-*.parquet")))
    assert not store.is_done(folder)
    with pytest.raises(ResultsError, match=rf"users.parquet \(in users-.*\.parquet\): {message}"):
        read(folder, side, record)
    write(store, [2, 9, 1], 1)  # mends them
    assert store.is_done(folder)


def test_sides_that_rank_other_users_are_refused(store):
    record = toy_record("sasrec", "llama", n_users=3)
    sides = {"domain": toy_ranks([2, 9, 1], USERS), "llm": toy_ranks([4, 3, 5], USERS[::-1])}
    with pytest.raises(ResultsError, match="the llm side ranks other users than domain"):
        store_cell(store, record, sides)
    assert store.folders() == []


def test_the_table_has_best_possible_ranks_where_they_are_known(store, read):
    known = read(*write(store, [2, 9, 1]))
    assert known.frame().columns.tolist() == ["target_item_id", "rank", "n_candidates"]
    bounded = replace(known, best=np.array([1, 4, 1]))
    assert bounded.frame()["best_rank"].tolist() == [1, 4, 1]
