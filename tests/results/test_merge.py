"""Merging folders of results: each cell once, conflicts refused, damaged and busy cells left out."""

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.results.folders import stores
from corecbench.results.lease import Lease
from corecbench.results.merge import merge
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

FIRST, SECOND = toy_ranks([1, 2]), toy_ranks([1, 3])


@pytest.fixture
def roots(tmp_path):
    """Two folders of results that both hold seed 0 of a cell, and each a further seed."""
    roots = [tmp_path / name for name in ("a", "b")]
    for seed, root in enumerate(roots, start=1):
        for stored in (0, seed):
            store_cell(Store(root, "default"), toy_record(seed=stored), {"domain": FIRST})
    return roots


def merge_all(roots, into):
    return merge([store for root in roots for store in stores(root)], into)


def test_each_cell_is_copied_once_and_stays_what_it_was(roots, tmp_path):
    merged = merge_all(roots, tmp_path / "all")
    store = Store(tmp_path / "all", "default")
    assert [record["cell"]["seed"] for _, record in store.records()] == [0, 1, 2]
    assert (len(merged.copied), merged.kept, merged.left_out) == (3, [], [])
    assert all(store.is_done(folder) for folder in store.folders())
    assert sorted(path.name for path in tmp_path.rglob(".*")) == []
    again = merge_all(roots, tmp_path / "all")
    assert (again.copied, len(again.kept)) == ([], 3)


def test_a_folder_can_take_in_another_one(roots):
    merged = merge_all(roots, roots[0])
    assert [folder.name for folder in merged.copied] == ["seed2-0123abcd"]
    assert len(merged.kept) == 2


@pytest.mark.parametrize("into", ["all", "a"])
def test_other_ranks_under_the_same_hash_are_refused_before_anything_is_written(roots, tmp_path, into):
    store_cell(Store(roots[1], "default"), toy_record(seed=1), {"domain": SECOND})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ResultsError, match=r"^sasrec on toy, seed 1, hash 0123abcd: the domain ranks in .* differ"):
        merge_all(roots, tmp_path / into)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_ranks_in_another_order_are_the_same(roots, tmp_path):
    store_cell(Store(roots[1], "default"), toy_record(seed=1), {"domain": FIRST[::-1]})
    assert len(merge_all(roots, tmp_path / "all").copied) == 3


def test_other_settings_are_another_cell(roots, tmp_path):
    store_cell(Store(roots[1], "default"), toy_record(seed=1, hash="ffffffff"), {"domain": SECOND})
    assert len(merge_all(roots, tmp_path / "all").copied) == 4


def test_a_cell_that_succeeded_goes_before_one_that_failed(roots, tmp_path):
    store_cell(Store(roots[0], "default"), toy_record(seed=2, status="failed"), {})
    merge_all(roots, roots[0])
    assert [record["status"] for _, record in Store(roots[0], "default").records()] == ["ok"] * 3


def test_a_damaged_cell_is_left_out_and_one_in_the_target_replaced(roots, tmp_path):
    for root, seed in ((roots[0], 0), (roots[1], 2)):
        (root / f"default/toy/sasrec/seed{seed}-0123abcd/ranks.parquet").write_bytes(b"")
    merged = merge_all(roots, roots[0])
    assert [folder.name for folder in merged.copied] == ["seed0-0123abcd"]
    assert len(merged.left_out) == 1
    assert "b/default/toy/sasrec/seed2-0123abcd/ranks.parquet: its sha256 is not" in merged.left_out[0]


def test_a_cell_that_is_being_trained_is_left_alone(roots, tmp_path):
    folder = Store(tmp_path / "all", "default").folder("sasrec", "toy", 1, "0123abcd")
    lease = Lease.take(folder)
    merged = merge_all(roots, tmp_path / "all")
    assert len(merged.copied) == 2
    assert merged.left_out == [f"{folder}: {lease.owner} is training this cell"]
    assert not folder.exists()
