"""What may be removed from a folder of results, and what never is."""

import json
from dataclasses import asdict, replace

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.results.lease import Lease, lease_of
from corecbench.results.prune import leftovers, models, old, remove
from corecbench.results.store import Store, state_of
from corecbench.testing.records import toy_record

RANKS = toy_ranks([1, 2])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", "default")


def add(store, hash8, day, seed=0, status="ok", name="sasrec"):
    record = toy_record(name, seed=seed, hash=hash8, status=status, started=f"2026-01-{day:02}T00:00:00+00:00")
    return store_cell(store, record, {} if status == "failed" else {"domain": RANKS})


def write_model(folder):
    folder.mkdir()
    (folder / "weights").write_bytes(b"w")


def names(removals):
    return [removal.folder.name for removal in removals]


def test_all_but_the_latest_settings_of_a_cell_and_seed_are_old(store):
    add(store, "cccccccc", 1)
    add(store, "bbbbbbbb", 3)
    add(store, "aaaaaaaa", 2)
    add(store, "dddddddd", 1, name="gru4rec")
    add(store, "aaaaaaaa", 2, seed=1)
    assert names(old(store)) == ["seed0-aaaaaaaa", "seed0-cccccccc"]


def test_a_cell_that_failed_under_earlier_settings_is_old(store):
    add(store, "aaaaaaaa", 1, seed=1, status="failed")
    add(store, "bbbbbbbb", 2)
    add(store, "bbbbbbbb", 2, seed=2, status="failed")
    assert names(old(store)) == ["seed1-aaaaaaaa"]


def test_only_what_is_listed_is_removed(store):
    before, after = add(store, "aaaaaaaa", 1), add(store, "bbbbbbbb", 2)
    removals = list(old(store))
    assert before.exists()
    assert [reason for _, reason in remove(removals)] == [""]
    assert (before.exists(), store.is_done(after)) == (False, True)
    assert [path.name for path in before.parent.iterdir()] == [after.name]
    assert list(old(store)) == []


def test_a_cell_that_is_being_trained_is_left_alone(store):
    before, _ = add(store, "aaaaaaaa", 1), add(store, "bbbbbbbb", 2)
    lease = Lease.take(before)
    assert [bool(reason) for _, reason in remove(list(old(store)))] == [True]
    assert before.exists()
    assert lease.is_held()


def test_a_damaged_cell_is_neither_old_nor_new(store):
    before, after = add(store, "aaaaaaaa", 1), add(store, "bbbbbbbb", 2)
    (after / "result.json").write_bytes(b"")
    assert list(old(store)) == []
    assert before.exists()


def test_what_ended_runs_left_is_removed_and_what_live_ones_use_is_not(store):
    done = add(store, "aaaaaaaa", 1)
    dead, live, alone = (done.with_name(f"seed{seed}-aaaaaaaa") for seed in (1, 2, 3))
    lease = Lease.take(dead)
    lease_of(dead).write_text(json.dumps(asdict(replace(lease.owner, born="1"))))
    Lease.take(live)
    for folder in (dead, live, alone):
        state_of(folder).mkdir()
        (state_of(folder) / "state").write_bytes(b"x")
    done.with_name(f".{done.name}.1.new").mkdir()
    found = list(leftovers(store))
    assert names(found) == [done.name, dead.name, alone.name]
    assert found[1].reason == "left by a run that has ended: lease, state; the run would go on from it"
    assert [reason for _, reason in remove(found)] == [""] * 3
    assert sorted(path.name for path in done.parent.iterdir()) == [
        f".{live.name}.lease",
        f".{live.name}.state",
        done.name,
    ]


def test_models_are_removed_without_their_cells(store):
    folder = add(store, "aaaaaaaa", 1)
    record = store.read(folder)
    store.write(
        folder, record, {"domain": RANKS}, {"model": lambda path: (path.mkdir(), (path / "w").write_bytes(b"w"))}
    )
    (removal,) = models(store)
    assert (removal.n_bytes, [reason for _, reason in remove([removal])]) == (1, [""])
    assert store.is_done(folder)
    assert not (folder / "model").exists()
    assert list(models(store)) == []
