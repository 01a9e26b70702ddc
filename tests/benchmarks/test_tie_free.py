"""What a pair gains among users whose last two interactions have different times."""

import doctest

import numpy as np
import pytest
import tie_free


def test_the_examples_hold():
    assert doctest.testmod(tie_free).failed == 0


def test_each_pair_is_set_beside_its_model_over_the_seeds_of_both():
    tied = np.array([False, False, True])
    values = {
        ("a", "domain"): {0: np.array([0.2, 0.2, 0.5]), 2: np.array([0.4, 0.4, 0.5])},
        ("a+llm+bdlm", "domain"): {0: np.array([0.6, 0.3, 0.5]), 1: np.ones(3), 2: np.array([0.6, 0.3, 0.4])},
        ("b+llm+bdlm", "domain"): {0: np.ones(3)},
        ("llm", "llm"): {0: np.ones(3)},
    }
    assert list(tie_free.rows(values, tied)) == [
        "| a+llm+bdlm | domain | 0,2 | all | 3 | .3667 | .4500 | +22.7% | - |",
        "| a+llm+bdlm | domain | 0,2 | in order | 2 | .3000 | .4500 | +50.0% | - |",
        "| a+llm+bdlm | domain | 0,2 | at the same time | 1 | .5000 | .4500 | -10.0% | - |",
    ]


def test_results_of_another_split_are_refused(host, toy_data, bench, tmp_path, toy_folder):
    from corecbench.data.split import leave_one_out
    from corecbench.results.store import Store

    bench(models=("popularity",))
    store = Store(tmp_path / "results", "default")
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    split = leave_one_out(toy_data)
    ((key, of_seed),) = tie_free.values_of(store, split, None, metric).items()
    assert key == ("popularity", "domain")
    assert len(of_seed[0]) == len(split.users)
    other = type(split)(split.train, split.users, split.validation, split.test, "another")
    with pytest.raises(tie_free.DataError, match="is not a result of this split"):
        tie_free.values_of(store, other, None, metric)
