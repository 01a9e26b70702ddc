import subprocess
import sys
from math import log2

import ir_measures
import numpy as np
import pytest

from corecbench.api import UsageError, resolve
from corecbench_plugins.metrics import RANK_METRICS, corecbench_metrics
from corecbench_plugins.metrics.settings import Cutoff

RANK = np.array([1, 2, 3, 10, 11])
N_CANDIDATES = np.full(5, 100)


def metric(name, k=None):
    component = next(component for component in corecbench_metrics() if component.name == name)
    return resolve(component.build)(component.config(k))


def per_user(name, k=None):
    return metric(name, k).per_user(RANK, N_CANDIDATES)


@pytest.mark.parametrize(("k", "expected"), [(1, [1, 0, 0, 0, 0]), (2, [1, 1, 0, 0, 0]), (10, [1, 1, 1, 1, 0])])
def test_hit_rate_is_one_up_to_the_cutoff(k, expected):
    assert per_user("HR", k).tolist() == expected


def test_ndcg_is_discounted_by_the_logarithm_of_the_rank():
    assert per_user("NDCG", 10) == pytest.approx([1, 1 / log2(3), 1 / 2, 1 / log2(11), 0])


def test_ndcg_is_zero_beyond_the_cutoff():
    assert per_user("NDCG", 2) == pytest.approx([1, 1 / log2(3), 0, 0, 0])


def test_mrr_is_one_over_the_rank():
    assert per_user("MRR") == pytest.approx([1, 1 / 2, 1 / 3, 1 / 10, 1 / 11])


def test_mrr_is_zero_beyond_its_cutoff():
    assert per_user("MRR", 3) == pytest.approx([1, 1 / 2, 1 / 3, 0, 0])


def test_recall_is_the_hit_rate_and_precision_its_share_of_the_list():
    assert per_user("recall", 2).tolist() == [1, 1, 0, 0, 0]
    assert per_user("precision", 2).tolist() == [1 / 2, 1 / 2, 0, 0, 0]


def test_the_average_precision_of_one_item_is_one_over_its_rank():
    assert per_user("MAP", 3) == pytest.approx([1, 1 / 2, 1 / 3, 0, 0])
    assert per_user("MAP") == pytest.approx([1, 1 / 2, 1 / 3, 1 / 10, 1 / 11])


@pytest.mark.parametrize(("name", "k"), [*((name, 10) for name in RANK_METRICS), ("MRR", None), ("MAP", None)])
def test_values_are_float64_and_higher_is_better(name, k):
    assert metric(name, k).per_user(RANK, N_CANDIDATES).dtype == np.float64
    assert metric(name, k).higher_is_better


@pytest.mark.parametrize("name", ["HR", "NDCG", "recall", "precision"])
def test_a_metric_that_needs_a_cutoff_says_so(name):
    with pytest.raises(UsageError, match=f"^{name} needs a cutoff, such as {name}@10$"):
        metric(name)


@pytest.mark.parametrize("name", RANK_METRICS)
@pytest.mark.parametrize("k", [0, -1, 2.5, "ten", True])
def test_a_cutoff_is_a_whole_number_of_at_least_one(name, k):
    with pytest.raises(UsageError, match=f"cutoff of {name} is a whole number of at least 1.*; got {k!r}$"):
        metric(name, k)


@pytest.mark.parametrize(
    ("name", "k", "measure"),
    [("HR", k, ir_measures.Success @ k) for k in (1, 5, 10, 20)]
    + [("NDCG", k, ir_measures.nDCG @ k) for k in (1, 5, 10, 20)]
    + [("MRR", k, ir_measures.RR @ k) for k in (5, 10, 20)]
    + [("MRR", None, ir_measures.RR)]
    + [("recall", k, ir_measures.R @ k) for k in (1, 5, 10, 20)]
    + [("precision", k, ir_measures.P @ k) for k in (1, 5, 10, 20)]
    + [("MAP", k, ir_measures.AP @ k) for k in (1, 5, 10, 20)]
    + [("MAP", None, ir_measures.AP)],
)
def test_values_agree_with_ir_measures(name, k, measure):
    n_users, n_items = 40, 30
    scores = np.random.default_rng(k or 0).permuted(np.tile(np.arange(n_items), (n_users, 1)), axis=1)
    rank = n_items - scores[:, 0]  # item 0 is everyone's target, and no two scores are the same
    qrels = [ir_measures.Qrel(str(user), "item0", 1) for user in range(n_users)]
    run = [
        ir_measures.ScoredDoc(str(user), f"item{item}", float(scores[user, item]))
        for user in range(n_users)
        for item in range(n_items)
    ]
    theirs = {int(value.query_id): value.value for value in ir_measures.iter_calc([measure], qrels, run)}
    ours = metric(name, k).per_user(rank, np.full(n_users, n_items))
    assert ours == pytest.approx([theirs[user] for user in range(n_users)])


def test_every_metric_names_a_paper_and_takes_its_cutoff_from_the_command_line():
    assert len(corecbench_metrics()) == 12
    for component in corecbench_metrics():
        assert (component.argument, component.config) == ("k", Cutoff)
        assert component.summary
        assert component.paper


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, corecbench_plugins.metrics as metrics, corecbench_plugins.reporters as reporters;"
        "metrics.corecbench_metrics(); reporters.corecbench_reporters();"
        "print([name for name in ('numpy', 'pandas', 'torch', 'scipy', 'tabulate') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
