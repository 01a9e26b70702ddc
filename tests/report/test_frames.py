import numpy as np
import pytest

from corecbench.report.views.tables import Frames


@pytest.fixture
def frame(bench):
    """Alone, all items are second; together the domain side has them first under seed 0, the LLM side fourth."""
    for seed in (0, 1):
        bench.add("sasrec", seed=seed, domain_ranks=[2, 2])
    bench.add("sasrec", "llama", seed=0, domain_ranks=[1, 1], llm_ranks=[4, 4])
    bench.add_failed("no luck", domain="sasrec", llm="llama", seed=1)
    return Frames(bench.table()).rows


def test_there_is_a_row_for_each_side_of_a_cell_and_seed(frame):
    rows = frame[["data set", "cell", "side", "seed", "users"]].to_numpy().tolist()
    assert rows == [
        ["toy", "sasrec", "domain", 0, 2],
        ["toy", "sasrec", "domain", 1, 2],
        ["toy", "sasrec+llama+bdlm", "domain", 0, 2],
        ["toy", "sasrec+llama+bdlm", "domain", 1, 0],
        ["toy", "sasrec+llama+bdlm", "llm", 0, 2],
        ["toy", "sasrec+llama+bdlm", "llm", 1, 0],
    ]


def test_a_row_names_its_parts(frame):
    parts = ["model", "sharing", "control"]
    assert frame.loc[0, parts].dropna().to_dict() == {"model": "sasrec"}
    assert frame.loc[2, parts].dropna().to_dict() == {"model": "sasrec + llama", "sharing": "bdlm"}


def test_metrics_are_numbers_and_missing_where_a_cell_failed(frame):
    assert frame["MRR"].dtype == frame["HR@1"].dtype == np.float64
    assert frame["MRR"].tolist() == pytest.approx([1 / 2, 1 / 2, 1, np.nan, 1 / 4, np.nan], nan_ok=True)
    assert frame["notes"].dropna().to_dict() == {3: "failed: no luck", 5: "failed: no luck"}


def test_a_change_is_against_the_same_model_alone_under_the_same_seed_where_that_is_stored(frame):
    # the domain side doubles its 1/2; nothing is stored of the LLM alone
    assert frame["MRR vs solo"].tolist() == pytest.approx([np.nan, np.nan, 1, *[np.nan] * 3], nan_ok=True)
