"""The domain side of a pair stays the model alone unless the pair is clearly better on validation."""

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from corecbench.training.weighing import is_clearly_better

UNTRAINED = {"start": "new", "warm_up_epochs": 0, "domain_epochs": 0, "llm_epochs": 1}


@pytest.fixture
def pair(bench, quick, tiny_llama):
    """Run a pair whose domain side is not trained, and SASRec alone for so many epochs; name and last record."""
    llm = f"llama:{tiny_llama}"

    def run(epochs, **settings):
        records = bench(
            models=("sasrec",),
            llms=(llm,),
            settings=quick | {"sasrec": quick["sasrec"] | {"epochs": epochs}, "bdlm": UNTRAINED | settings},
            in_pairs={"sasrec": {"epochs": 20}},
        )
        return f"sasrec+{llm}+bdlm", records[-1]

    return run


def test_a_pair_that_is_worse_keeps_the_model_alone(pair, ranks):
    name, record = pair(epochs=20)
    assert_frame_equal(ranks(name, "domain"), ranks("sasrec", "domain"))
    assert record["sides"]["domain"]["kept_alone"]
    assert record["sides"]["domain"]["best_epoch"] == 0
    assert record["sides"]["domain"]["predicts"] == "alone"
    assert record["sides"]["llm"].keys().isdisjoint(("kept_alone", "predicts"))


def test_without_the_setting_it_is_the_pair(pair, ranks):
    name, record = pair(epochs=20, alone_unless_better=False)
    assert not ranks(name, "domain").equals(ranks("sasrec", "domain"))
    assert "kept_alone" not in record["sides"]["domain"]


@pytest.mark.parametrize(("is_better", "predicts"), [(False, "alone with texts"), (True, "pair")])
def test_with_texts_in_its_scores_the_model_alone_stays_unless_the_pair_is_better(
    pair, ranks, monkeypatch, is_better, predicts
):
    compared = []
    monkeypatch.setattr("corecbench.training.weighing.shrunk", lambda tried, values: tried[-1]._replace(share=1.0))
    monkeypatch.setattr(
        "corecbench.training.alone.is_clearly_better", lambda *values: compared.append(values) or is_better
    )
    name, record = pair(epochs=20, content=True)
    side = record["sides"]["domain"]
    assert side["predicts"] == predicts
    assert "kept_alone" not in side
    assert side["chosen"]["content_weight"] > 0
    assert not ranks(name, "domain").equals(ranks("sasrec", "domain"))
    assert len(compared) == 1  # the pair with the best of what is simpler


def test_a_pair_that_is_clearly_better_predicts_itself(pair, ranks):
    name, record = pair(epochs=1, warm_up_epochs=20, llm_epochs=0)
    assert record["sides"]["domain"]["validation"] > 0
    assert not ranks(name, "domain").equals(ranks("sasrec", "domain"))
    assert "kept_alone" not in record["sides"]["domain"]


def test_a_gain_of_less_than_a_standard_error_is_none():
    base = np.zeros(400)
    noise = np.resize([-1.0, 1.0], 400)  # its mean has a standard error of .05
    assert is_clearly_better(base + 0.06 + noise, base)
    assert not is_clearly_better(base + 0.04 + noise, base)
    assert not is_clearly_better(base, base)
