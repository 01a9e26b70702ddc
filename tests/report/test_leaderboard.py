import pytest

from corecbench.report.evidence.leaderboard import read_board
from corecbench.report.views.tables import board_table as report
from corecbench.results.record import ResultsError

from .conftest import METRICS, PROTOCOL, Bench


def board(*benches, **options):
    return read_board(
        {bench.store: list(bench.store.records()) for bench in benches}, "MRR", METRICS["MRR"], **options
    )


def places(found):
    return [(row.key.model, row.key.side, row.average_rank, row.wins) for row in found.rows]


@pytest.fixture
def three(bench):
    """MRR of a, b and c: 1, 1/2, 1/4 on the first data set; 1/4, 1/2, 1/3 on the second."""
    for dataset, ranks in (("first", {"a": 1, "b": 2, "c": 4}), ("second", {"a": 4, "b": 2, "c": 3})):
        for name, rank in ranks.items():
            bench.add(name, dataset=dataset, domain_ranks=[rank] * 6)
    return bench


def test_rows_are_in_the_order_of_their_average_ranks(three):
    # ranks of a: 1 and 3, of b: 2 and 1, of c: 3 and 2
    found = board(three)
    assert places(found) == [("b", "domain", 3 / 2, 1), ("a", "domain", 2, 1), ("c", "domain", 5 / 2, 0)]
    assert [row.mean for row in found.rows] == pytest.approx([1 / 2, 5 / 8, 7 / 24], abs=1e-15)
    assert found.n_users == {"first": 6, "second": 6}


def test_rows_that_tie_share_their_rank_and_the_win(bench):
    for name in ("a", "b"):
        bench.add(name, domain_ranks=[1] * 6)
    bench.add("c", domain_ranks=[2] * 6)
    assert places(board(bench)) == [("a", "domain", 3 / 2, 1), ("b", "domain", 3 / 2, 1), ("c", "domain", 3, 0)]


def test_the_lowest_is_first_where_lower_is_better(bench):
    class Rank:
        higher_is_better = False

        def per_user(self, rank, n_candidates):
            return rank.astype(float)

    bench.add("a", domain_ranks=[2] * 6)
    bench.add("b", domain_ranks=[1] * 6)
    found = read_board({bench.store: list(bench.store.records())}, "rank", Rank())
    assert places(found) == [("b", "domain", 1, 1), ("a", "domain", 2, 0)]
    assert report(found).higher_is_better == {"average rank": False, "wins": True, "rank": False}


def test_a_row_that_lacks_a_data_set_is_not_ranked(three):
    three.add("d", dataset="first", domain_ranks=[1] * 6)
    row = board(three).rows[3]
    assert (row.key.model, row.average_rank, row.mean, row.values) == ("d", None, None, {"first": 1})
    assert row.notes == ("incomplete: second: no result",)


def test_a_row_that_lacks_a_seed_is_ranked_by_the_others_and_marked(three):
    three.add("a", dataset="second", seed=1, domain_ranks=[4] * 6)
    three.add_failed("no\nluck", domain="b", dataset="second", seed=1)
    found = board(three)
    assert places(found) == [("b", "domain", 3 / 2, 1), ("a", "domain", 2, 1), ("c", "domain", 5 / 2, 0)]
    assert [(row.is_complete, row.notes) for row in found.rows] == [
        (False, ("incomplete: second: seed 1 failed: no luck",)),
        (True, ()),
        (False, ("incomplete: second: seed 1 missing",)),
    ]
    assert report(found).marks == {}  # of one complete row none is best


def test_a_row_of_which_everything_failed_is_there(bench):
    bench.add("a", domain_ranks=[1] * 6)
    bench.add_failed(domain="b")
    assert places(board(bench)) == [("a", "domain", 1, 1), ("b", "domain", None, None)]


def test_controls_take_part_in_no_rank(bench):
    bench.add("a", domain_ranks=[2] * 6)
    of_pair = {"domain_ranks": [3] * 6, "llm_ranks": [4] * 6}
    bench.add("a", "l", **of_pair)
    best = {"domain_ranks": [1] * 6, "llm_ranks": [1] * 6}
    bench.add("a", "l", control="no-mutual", **best)
    bench.add("a", "l", sharing="alone", **best)
    found = board(bench, unshared={"alone"})
    assert places(found)[:3] == [("a", "domain", 1, 1), ("a + l", "domain", 2, 0), ("a + l", "llm", 3, 0)]
    controls = [(row.key.control, row.key.sharing, row.average_rank, row.mean) for row in found.rows[3:]]
    assert controls == [(None, "alone", None, 1), ("no-mutual", "bdlm", None, 1)] * 2


def test_nothing_that_succeeded_is_an_error(bench):
    bench.add_failed(domain="a")
    with pytest.raises(ResultsError, match="no cell succeeded, so there is nothing to rank"):
        board(bench)


# --- several benchmarks -------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
    return Bench(tmp_path, "one"), Bench(tmp_path, "two")


def test_benchmarks_of_different_data_sets_make_one_row_of_a_cell(two):
    one, other = two
    for bench, dataset, rank in ((one, "first", 1), (other, "second", 2)):
        bench.add("a", dataset=dataset, domain_ranks=[rank] * 6)
    found = board(one, other)
    assert places(found) == [("a", "domain", 1, 2)]
    assert found.rows[0].values == {"first": 1, "second": 1 / 2}
    assert "benchmark" not in report(found).frame
    assert "Of the benchmarks one, two." in report(found).caption


def test_a_cell_that_two_benchmarks_hold_under_the_same_settings_counts_once(two):
    for bench, seeds in zip(two, ((0,), (0, 1)), strict=True):
        for seed in seeds:
            bench.add("a", seed=seed, domain_ranks=[1 + seed] * 6)
    two[0].add("b", domain_ranks=[1] * 6)
    found = board(*two)
    # a: 1 under seed 0, 1/2 under seed 1; b is of the benchmark that has seed 0 only
    assert [(row.key.model, row.mean, row.seeds, row.is_complete) for row in found.rows] == [
        ("b", 1, {"toy": (0,)}, True),
        ("a", 3 / 4, {"toy": (0, 1)}, True),
    ]


def test_the_result_that_succeeded_counts_where_another_failed(two):
    for bench in two:
        bench.add_failed(domain="b")
    two[0].add("a", domain_ranks=[1] * 6)
    two[1].add_failed(domain="a")
    rows = {row.key.model: row for row in board(*two).rows}
    assert rows["a"].is_complete
    assert rows["b"].notes == ("incomplete: toy: seed 0 failed: no luck",)


def test_a_row_whose_seeds_have_other_settings_is_refused(bench):
    for seed in (0, 1):
        settings = {"a": {"epochs": 3 + seed}}
        bench.add("a", seed=seed, domain_ranks=[1] * 6, settings=settings, hash=f"{seed:08}")
    with pytest.raises(ResultsError, match=r"of a is not that of .*\(epochs: 4, there 3\).* or take --latest"):
        board(bench)


def test_a_cell_under_other_settings_is_a_row_of_its_own(two):
    for number, bench in enumerate(two):
        bench.add("a", domain_ranks=[1 + number] * 6, settings={"a": {"epochs": number}}, hash=f"{number:08}")
        bench.add("b", domain_ranks=[3] * 6)
    found = board(*two)
    assert [(row.benchmark, row.key.model, row.average_rank) for row in found.rows] == [
        ("one", "a", 1),
        ("two", "a", 2),
        (None, "b", 3),
    ]
    assert report(found).frame["benchmark"].tolist() == ["one", "two", "-"]


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"protocol": PROTOCOL | {"ties": "at random"}}, r"two.*: protocol is not that of .*one.*ties: at random"),
        ({"data": {"fingerprint": "f", "split_fingerprint": "x"}}, r"two.*: split is not that of .*one"),
        ({"users": list("uvwxyz")}, "ranks other users"),
    ],
)
def test_benchmarks_that_cannot_be_compared_are_refused_with_the_reason(two, of, message):
    two[0].add("a", domain_ranks=[1] * 6)
    two[1].add("b", domain_ranks=[1] * 6, **of)
    with pytest.raises(ResultsError, match=message):
        board(*two)


def test_another_protocol_on_another_data_set_is_no_obstacle(two):
    two[0].add("a", domain_ranks=[1] * 6)
    two[1].add("a", dataset="other", domain_ranks=[1] * 6, protocol=PROTOCOL | {"max_history": 9})
    assert places(board(*two)) == [("a", "domain", 1, 2)]


# --- in words ---------------------------------------------------------------------------------------------------


def test_the_frame_has_a_column_for_each_of_several_data_sets(three):
    three.add("d", dataset="first", seed=0, domain_ranks=[1] * 6)
    frame = report(board(three)).frame
    assert frame.iloc[0].to_dict() == {
        "model": "b",
        "side": "domain",
        "sharing": "-",
        "average rank": "1.50",
        "wins": "1",
        "mean MRR": ".5000",
        "MRR first": ".5000",
        "MRR second": ".5000",
        "data sets": "2 of 2",
        "seeds": "0",
        "notes": "",
    }
    assert frame.iloc[3].tolist() == [
        *("d", "domain", "-", "-", "-", "-", "1.0000", "-", "1 of 2", "0"),
        "incomplete: second: no result",
    ]


def test_the_best_ranked_rows_are_marked(three):
    three.add("d", dataset="first", domain_ranks=[1] * 6)
    found = report(board(three))
    assert {(found.frame["model"][row], column): mark for (row, column), (mark,) in found.marks.items()} == {
        ("a", "mean MRR"): "best",
        ("b", "mean MRR"): "second",
        ("a", "MRR first"): "best",
        ("b", "MRR first"): "second",
        ("b", "MRR second"): "best",
        ("c", "MRR second"): "second",
    }


def test_the_caption_states_what_is_ranked_the_protocol_and_the_test(three):
    caption = report(board(three)).caption
    assert caption.startswith(
        "Rows by average rank in MRR over 2 data sets; wins: on how many data sets no ranked row is better. Not "
        "ranked: controls and, last, rows that lack a data set; what lacks a seed is marked incomplete. "
        "Protocol: candidates full "
    )
    assert (
        "MRR: mean over 6 users (first), 6 users (second), each user first averaged over seeds. p of Friedman's "
        in (caption)
    )
    assert caption.endswith("Device: cpu.")


def test_the_test_over_data_sets_is_friedmans(three):
    # of the 6 orders of the second data set all but the reverse agree with the first at least as well as this one
    assert board(three).p == pytest.approx(5 / 6, abs=0.02)


def test_one_data_set_has_no_test(bench):
    for name in ("a", "b", "c"):
        bench.add(name, domain_ranks=[1] * 6)
    found = board(bench)
    assert found.p is None
    assert "Friedman" not in report(found).caption
    assert list(report(found).frame) == ["model", "side", "sharing", "average rank", "wins", "MRR", "seeds"]
