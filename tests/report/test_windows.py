"""Windows of a split by time: a row is over the tests of all of them, and a user who returns is one observation."""

import pytest

from corecbench.report.evidence.leaderboard import read_board
from corecbench.report.views.tables import main_table
from corecbench.results.record import ResultsError
from corecbench.results.selection import select

from .conftest import PROTOCOL, ReciprocalRank

USERS = {1: ["u0", "u1", "u2"], 2: ["u1", "u3"]}
ALONE = {1: [2, 2, 2], 2: [2, 2]}
PAIR = {1: [1, 2, 2], 2: [1, 1]}


def add(bench, ranks, *parts, windows=(1, 2), llm_rank=None, **of):
    for window in windows:
        bench.add(
            *parts,
            users=USERS[window],
            window=(window, 2),
            domain_ranks=ranks[window],
            counts={"target_is_new": [window == 2] * len(USERS[window])},
            protocol=PROTOCOL | {"split": "time", "window": f"{window} of 2"},
            data={"fingerprint": "f", "split_fingerprint": f"s{window}"},
            **({"llm_ranks": llm_rank or ALONE[window]} if len(parts) == 2 else {}),
            **of,
        )


@pytest.fixture
def windows(bench):
    """Alone all five tests are at rank 2; in the pair three of them at rank 1, two of which are of other users."""
    bench.seeds = [0, 1, 2]
    add(bench, ALONE, "sasrec")
    add(bench, PAIR, "sasrec", "llama")
    return bench


def of_pair(evidence):
    (key,) = (key for key in evidence.rows if key.sharing and key.side == "domain")
    return key


def test_a_row_is_the_mean_over_the_tests_of_all_windows(windows):
    evidence = windows.table()
    assert evidence.datasets == ["toy (2 windows)"]
    row = evidence.rows[of_pair(evidence)]
    assert row.metrics["MRR"] == pytest.approx((1 + 1 / 2 + 1 / 2 + 1 + 1) / 5)
    assert (row.n_users, row.seeds) == (5, (0, 1, 2))
    assert [record["cell"]["window"] for record in row.records] == [1, 2] * 3
    assert evidence.protocol()["window"] == "each"
    assert "who is tested in several of them" in main_table(evidence).caption


def test_a_user_who_returns_is_one_observation_of_the_test(windows):
    contrast = windows.table().over_alone[of_pair(windows.table())]
    # three of five tests gain 1/2: those of u0, of u3, and the second one of u1
    assert contrast.difference == pytest.approx(3 / 10)
    assert contrast.n_users == contrast.test.n == 4


def test_a_table_says_which_changes_its_users_are_too_few_to_see(bench, monkeypatch):
    bench.seeds = [0, 1, 2]
    monkeypatch.setitem(USERS, 1, [f"u{number}" for number in range(8)])
    monkeypatch.setitem(USERS, 2, [f"u{number}" for number in range(6, 14)])
    add(bench, {1: [2] * 8, 2: [2] * 8}, "sasrec")
    add(bench, {1: [1, 1, 2, 1, 3, 1, 1, 2], 2: [1, 2, 1, 1, 1, 4, 1, 1]}, "sasrec", "llama", llm_rank=[2] * 8)
    evidence = bench.table()
    contrast = evidence.over_alone[of_pair(evidence)]
    assert contrast.n_users == 14
    least = f"{contrast.sizes.detectable / contrast.base:.0%}"
    caption = main_table(evidence).caption
    assert f"On toy (2 windows) changes below {least} cannot be seen" in caption
    assert "find them with less than 80% power" in caption


def test_the_name_that_a_table_shows_selects_all_windows(windows):
    pooled, whole = (select([windows.store], datasets=[name]) for name in ("toy (2 windows)", "toy"))
    assert pooled == whole
    assert len(pooled) == len(windows.entries)
    assert len(select([windows.store], datasets=["toy (window 1 of 2)"])) == len(pooled) / 2


def test_slices_are_of_tests_so_that_a_user_can_be_in_several(windows):
    evidence = windows.table()
    groups = {group.label: group for group in evidence.groups("toy (2 windows)") if group.slicing == "new items"}
    sizes = sorted(group.n_users for group in groups.values())
    assert sizes == [2, 3]
    on_new = next(group for group in groups.values() if group.n_users == 2)
    contrast = evidence.contrast(of_pair(evidence), of_pair(evidence).solo, on_new)
    assert (contrast.difference, contrast.n_users) == (pytest.approx(1 / 2), 2)


def test_a_window_that_is_there_alone_is_a_data_set_of_its_own(bench):
    add(bench, ALONE, "sasrec", windows=(2,))
    evidence = bench.table()
    assert evidence.datasets == list(evidence.protocols) == ["toy (window 2 of 2)"]
    assert [row.n_users for row in evidence.rows.values()] == [2]
    assert len(evidence.records(["toy (window 2 of 2)"])) == 1


def test_a_seed_that_a_window_lacks_does_not_count_and_is_said(bench):
    add(bench, ALONE, "sasrec", seed=0)
    add(bench, ALONE, "sasrec", seed=1, windows=(1,))
    (row,) = bench.table().rows.values()
    assert row.seeds == (0,)
    assert row.failures() == ["seed 1 window 2 missing"]


def test_rows_of_windows_and_of_none_are_rows_of_different_data_sets(windows):
    windows.add("sasrec", domain_ranks=[1, 1], protocol=PROTOCOL | {"split": "time"})
    assert windows.table().datasets == ["toy (2 windows)", "toy"] or windows.table().datasets == [
        "toy",
        "toy (2 windows)",
    ]


def test_other_users_in_a_window_are_found(windows):
    windows.add(
        "lightgcn",
        users=["u1", "u9"],
        window=(2, 2),
        domain_ranks=[1, 1],
        protocol=PROTOCOL | {"split": "time", "window": "2 of 2"},
        data={"fingerprint": "f", "split_fingerprint": "s2"},
    )
    with pytest.raises(ResultsError, match="toy \\(window 2 of 2\\): lightgcn, seed 0, ranks other users"):
        windows.table()


def test_a_leaderboard_counts_all_windows_of_a_data_set(windows):
    board = read_board({windows.store: windows.entries}, "MRR", ReciprocalRank())
    assert list(board.n_users) == ["toy (2 windows)"]
    assert all(row.is_complete for row in board.rows)
