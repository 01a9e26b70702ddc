"""Gains over shares of the users that train: rows of different shares never mix."""

import tomllib

import numpy as np
import pytest

from corecbench.api import UsageError
from corecbench.report.evidence.leaderboard import read_board
from corecbench.report.plots import gains
from corecbench.report.plots.figure import NothingToShow
from corecbench.report.plots.registry import OF_SHARES, PLOTS, plots_of, write
from corecbench.report.views.captions import over_datasets
from corecbench.report.views.tables import main_table, share_table
from corecbench.results.record import ResultsError
from corecbench.results.rows import rows_of
from corecbench.results.run_files import run_files
from corecbench.results.selection import datasets_in, on_datasets, select_one
from corecbench.settings.config import load

from ..stats.conftest import paired_interval
from .conftest import METRICS, ReciprocalRank, shown

QUARTER = "toy (25% of users train)"
AT_2 = [2] * 6
TOGETHER = {0.25: [1, 1, 1, 1, 1, 2], 0.5: [1, 1, 1, 2, 2, 4], 1.0: [2, 2, 2, 2, 2, 4]}


def fill(bench, shares=(1.0, 0.25, 0.5), seeds=(0,), **of):
    for share in shares:
        for seed in seeds:
            bench.add("sasrec", train_share=share, seed=seed, domain_ranks=AT_2, **of)
            ranks = {"domain_ranks": TOGETHER[share], "llm_ranks": AT_2}
            bench.add("sasrec", "llama", train_share=share, seed=seed, **ranks, **of)
    return bench


@pytest.fixture
def shares(bench):
    """Alone all six items are second at every share; together, the fewer users train, the better they are."""
    return fill(bench)


def study_of(bench):
    return bench.table({"MRR": ReciprocalRank()})


# --- rows ---------------------------------------------------------------------------------------------------------


def test_rows_of_different_shares_are_different_rows(shares):
    keys = [key for _, record in shares.entries for key in rows_of(record["cell"])]
    assert len(set(keys)) == len(keys) == 9
    assert {key.reduction.train_share for key in keys} == {0.25, 0.5, 1.0}
    assert {key.whole_dataset for key in keys} == {"toy"}


def test_the_table_tests_a_joint_row_against_its_solo_row_of_the_same_share(shares):
    changes = {
        row.key.dataset: row.comparison.difference
        for row in shown(shares.table())
        if row.key.side == "domain" and row.key.sharing
    }
    # five of six users gain 1/2; three gain 1/2 and one loses 1/4; one loses 1/4
    assert changes == {
        QUARTER: pytest.approx(5 / 12),
        "toy (50% of users train)": pytest.approx(5 / 24),
        "toy": pytest.approx(-1 / 24),
    }


def test_a_pair_without_a_solo_row_of_its_share_is_not_compared(bench):
    bench.add("sasrec", domain_ranks=AT_2)
    bench.add("sasrec", "llama", train_share=0.25, domain_ranks=AT_2, llm_ranks=AT_2)
    (row,) = (row for row in shown(bench.table()) if row.key.side == "domain" and row.key.sharing)
    assert (row.comparison, row.notes) == (None, ("not compared: no solo row",))


def test_parts_of_one_data_set_are_no_data_sets_of_their_own_in_ranks_over_data_sets(shares):
    assert list(over_datasets(shares.table())) == []
    with pytest.raises(NothingToShow, match="needs 2 data sets, got 1"):
        gains.average_ranks(study_of(shares))
    board = read_board({shares.store: shares.entries}, "MRR", ReciprocalRank())
    assert {row.key.dataset for row in board.rows} == {"toy"}


def test_a_name_means_all_parts_of_a_data_set_unless_a_result_has_it(shares):
    assert datasets_in(on_datasets(shares.entries, ["toy"])) == ["toy"]
    parts = [entry for entry in shares.entries if "train_share" in entry[1]["cell"]]
    assert datasets_in(on_datasets(parts, ["toy"])) == [QUARTER, "toy (50% of users train)"]
    assert datasets_in(on_datasets(parts, [QUARTER])) == [QUARTER]


def test_one_of_several_parts_has_to_be_chosen(shares):
    parts = [entry for entry in shares.entries if "train_share" in entry[1]["cell"]]
    assert select_one(parts, "sasrec", QUARTER, None)[1]["cell"]["train_share"] == 0.25
    with pytest.raises(UsageError, match=r"several parts of toy; choose one: toy \(25% of users train\); "):
        select_one(parts, "sasrec", "toy", None)


def test_run_files_make_each_share_again(shares):
    files = run_files("b", [record for _, record in shares.entries])
    assert len(files) == 3
    made = [load(None, tomllib.loads(file), []) for file in files]
    assert {(run.datasets, run.train_shares) for run in made} == {(("toy",), (s,)) for s in (0.25, 0.5, 1.0)}


# --- users --------------------------------------------------------------------------------------------------------


def facts(trains, frequency):
    return {"history_length": [5] * 6, "target_frequency": frequency, "user_trains": np.array(trains, dtype=bool)}


def test_each_seed_may_have_other_users_who_train(bench):
    for seed, trains in ((0, [1, 1, 0, 0, 0, 0]), (1, [0, 1, 1, 0, 0, 0])):
        counts = facts(trains, [seed] * 6)
        bench.add("sasrec", train_share=0.25, seed=seed, domain_ranks=AT_2, counts=counts)
        ranks = {"domain_ranks": [1, 1, 2, 2, 2, 2] if seed == 0 else [2, 1, 2, 2, 2, 2], "llm_ranks": AT_2}
        bench.add("sasrec", "llama", train_share=0.25, seed=seed, counts=counts, **ranks)
    effects = {
        (each.group.slicing, each.group.label): each for each in bench.table().slices() if each.row.side == "domain"
    }
    # user 0 trains under seed 0 only and gains 1/2 there; user 1 gains 1/2 under both; user 2 gains nothing
    trains = effects["user", "trains"]
    assert (trains.n_users, trains.difference) == (3, pytest.approx((1 / 2 + 1 / 2 + 0) / 3))
    # outside, user 0 gains nothing under seed 1, and so do users 2 to 5
    assert (effects["user", "does not train"].n_users, effects["user", "does not train"].difference) == (5, 0)
    # frequencies differ by seed: all users are in either slice, under one seed each
    assert effects["target frequency", "0 (never in training)"].seeds == (0, 1)
    assert effects["target frequency", "0 (never in training)"].difference == pytest.approx(1 / 6)
    assert effects["target frequency", "1"].difference == pytest.approx(1 / 12)


def test_under_the_same_seed_the_same_users_train(bench):
    bench.add("sasrec", train_share=0.25, domain_ranks=AT_2, counts=facts([1, 0, 0, 0, 0, 0], [1] * 6))
    bench.add("gru4rec", train_share=0.25, domain_ranks=AT_2, counts=facts([0, 1, 0, 0, 0, 0], [1] * 6))
    with pytest.raises(ResultsError, match="do not mean the same by 2 of 6 users"):
        bench.table()


# --- curves -------------------------------------------------------------------------------------------------------


def test_a_curve_has_the_gain_at_every_share_from_the_smallest(shares):
    (domain,) = shares.table().shares()
    assert [effect.row.reduction.train_share for effect in domain] == [0.25, 0.5, 1.0]
    assert [effect.difference for effect in domain] == pytest.approx([5 / 12, 5 / 24, -1 / 24])
    own, alone = np.array([1, 1, 1, 1, 1, 1 / 2]), np.full(6, 1 / 2)
    assert domain[0].sizes.interval == pytest.approx(paired_interval(own, alone))
    assert domain[0].row.at_full_share.dataset == "toy"


def test_a_row_at_one_share_is_no_curve(bench):
    fill(bench, shares=(0.25,))
    assert bench.table().shares() == []
    assert OF_SHARES not in plots_of(study_of(bench))
    with pytest.raises(NothingToShow, match="at two train shares"):
        gains.shares(study_of(bench))


def test_curves_of_cold_items_and_of_all_items_are_different_ones(bench):
    fill(bench, shares=(0.25,))
    fill(bench, shares=(0.5, 1.0), cold_items=0.1)
    (domain,) = bench.table().shares()
    assert domain[0].row.at_full_share.dataset == "toy (10% of items cold)"
    assert [effect.row.reduction.train_share for effect in domain] == [0.5, 1.0]


def test_the_table_says_which_share_trains(shares):
    report = share_table(shares.table())
    assert report.name == "train-shares"
    domain = report.frame[report.frame["side"] == "domain"]
    assert domain[["data set", "users train", "users ranked", "difference"]].to_numpy().tolist() == [
        ["toy", "25%", "6", "+.4167"],
        ["toy", "50%", "6", "+.2083"],
        ["toy", "100%", "6", "-.0417"],
    ]
    assert "Of users train: this seeded share of the users is learnt from; all users are ranked" in report.caption
    assert "Protocol: candidates full catalogue, seen items left out, split leave-one-out" in report.caption


def test_the_caption_of_the_main_table_explains_parts(shares, pair):
    assert "Of users train:" in main_table(shares.table(METRICS)).caption


def test_the_plot_is_drawn_where_there_are_several_shares(shares, tmp_path):
    study = study_of(shares)
    assert plots_of(study) == (*PLOTS, OF_SHARES)
    written = write(study, tmp_path, [OF_SHARES])
    assert [path.name for path in written.paths] == ["train-share.svg", "train-share.png"]
    (chart,) = gains.shares(study)
    assert chart.title.startswith("toy: MRR and the gain of training together")
    with chart.drawn() as figure:
        left, right = figure.axes
    assert left.get_title(loc="left") == "sasrec (domain model)"
    assert [row.get_label() for row in left.containers] == ["alone", "llama, bdlm"]
    assert [row.get_label() for row in right.containers] == ["llama, bdlm"]
    assert [label.get_text() for label in left.get_xticklabels()] == ["25%", "50%", "100%"]


def test_other_runs_have_no_such_plot(pair):
    assert plots_of(study_of(pair)) == PLOTS


def test_every_data_set_has_its_pages(bench):
    fill(bench)
    fill(bench, dataset="other")
    charts = gains.shares(study_of(bench))
    assert [chart.title.partition(":")[0] for chart in charts] == ["toy", "other"]
