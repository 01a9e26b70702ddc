"""One method under other seeds, called different from itself or not."""

import doctest

import aa
import numpy as np
import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.results.store import Store
from corecbench.testing.records import toy_record

N_USERS, N_SEEDS = 60, 6


def test_the_examples_hold():
    assert doctest.testmod(aa).failed == 0


def test_groups_of_seeds_are_compared_whose_seeds_are_paired_by_position():
    # under seeds 0 to 2 all but one of ten users have 1, under 3 to 5 all but two have 0
    high, low = np.append(np.ones(9), 0.0), np.append(np.zeros(8), np.ones(2))
    values = {seed: high if seed < 3 else low for seed in range(6)}
    found = aa.found_different(values, 3, aa.TESTS)
    assert {test: len(of) for test, of in found.items()} == {"users-and-seeds": 10, "t": 10}
    assert next(aa.groups(sorted(values), 3)) == ((0, 1, 2), (3, 4, 5))
    assert found["users-and-seeds"][0]
    assert not any(found["users-and-seeds"][1:])  # two seeds of the one and one of the other


def test_seeds_that_do_not_matter_are_called_different_as_often_as_the_level_says():
    # of 200 about 10, with a standard deviation of 3
    found = aa.simulated(300, 0.0, 200, seed=0)
    assert max(found.values()) < 0.05 + 3 * 0.015


def test_a_test_over_users_takes_the_seeds_for_all_there_are():
    found = aa.simulated(4000, 0.1, 100, seed=0)
    assert found["t"] > 0.4
    assert found["users-and-seeds"] < 0.05 + 3 * 0.022


@pytest.fixture
def work(tmp_path):
    """Return a folder with the results of one method under six seeds."""
    rng, store = np.random.default_rng(0), Store(tmp_path / "results", "aa")
    for seed in range(N_SEEDS):
        ranks = toy_ranks(rng.integers(1, 30, N_USERS).tolist(), n_candidates=30)
        store_cell(store, toy_record("sasrec", seed=seed, n_users=N_USERS), {"domain": ranks})
    return tmp_path


def test_the_last_line_is_the_share_of_all_comparisons(work):
    done = CliRunner().invoke(aa.main, ["--work", str(work), "--no-train", "--simulations", "2"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert any(line.startswith("| sasrec | toy | 6 | 10 | ") for line in lines)
    said = [line for line in lines if line.startswith("Called different by the default test, over all comparisons")]
    assert said[0].endswith("% of 10.")


def test_a_tenth_of_the_users_is_written_with_the_items_that_they_have(tmp_path):
    source = tmp_path / "toys"
    source.mkdir()
    rows = [f"{user}\ti{user % 7}\t{user}" for user in range(200)]
    (source / "toys.inter").write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n")
    items = [f"i{item}\tTitle {item}" for item in range(9)]
    (source / "toys.item").write_text("\n".join(["item_id:token\ttitle:token_seq", *items]) + "\n")
    folder = aa.part_of(source, tmp_path / "work")
    head, *kept = (folder / "toys-part.inter").read_text().splitlines()
    assert head == "user_id:token\titem_id:token\ttimestamp:float"
    assert kept == [row for row in rows if aa.is_taken(row.split("\t")[0])]
    assert 5 < len(kept) < 40
    named = {line.split("\t")[0] for line in (folder / "toys-part.item").read_text().splitlines()[1:]}
    assert named == {row.split("\t")[1] for row in kept}
