"""What a search asks for: the spaces of the components, without what the user gave."""

import pytest
from optuna.trial import FixedTrial

from corecbench.api import Choices, Follows, Search
from corecbench.tuning.space import can_apply, edges, on_edge, space_of, suggest


@pytest.fixture
def sasrec(host):
    """SASRec under its defaults."""
    return host.select("models", "sasrec", {})


@pytest.fixture
def lightgcn(host):
    """LightGCN under its defaults."""
    return host.select("models", "lightgcn", {})


def test_a_given_setting_is_not_searched(sasrec):
    assert "batch_size" in space_of(sasrec, {})
    assert "batch_size" not in space_of(sasrec, {"batch_size": 64})


def test_a_setting_that_follows_a_given_one_is_left_as_it_is(sasrec):
    space = space_of(sasrec, {"hidden_dropout": 0.5})
    assert not {"hidden_dropout", "attention_dropout"} & space.keys()


def test_a_setting_that_follows_another_has_its_value(sasrec):
    space = {name: space_of(sasrec, {})[name] for name in ("inner_size", "embedding_size")}
    trial = FixedTrial({"sasrec.embedding_size": 128})
    assert suggest(trial, "sasrec", space, sasrec.config) == {"embedding_size": 128, "inner_size": 512}


@pytest.mark.parametrize(
    ("negatives", "asked"), [(0, "regularisation"), (256, "temperature")], ids=["pairs", "sampled softmax"]
)
def test_a_setting_is_searched_only_where_another_one_makes_it_count(lightgcn, negatives, asked):
    names = ("negatives", "regularisation", "temperature")
    space = {name: space_of(lightgcn, {})[name] for name in names}
    trial = FixedTrial(
        {"lightgcn.negatives": negatives, "lightgcn.regularisation": 1e-5, "lightgcn.temperature": 0.1}
    )
    assert suggest(trial, "lightgcn", space, lightgcn.config).keys() == {"negatives", asked}


def test_what_counts_only_with_another_setting_looks_at_its_given_value(host):
    selected = host.select("models", "lightgcn", {"lightgcn": {"negatives": 256}})
    space = {"temperature": space_of(selected, {"negatives": 256})["temperature"]}
    trial = FixedTrial({"lightgcn.temperature": 0.1})
    assert suggest(trial, "lightgcn", space, selected.config) == {"temperature": 0.1}


def test_what_a_given_setting_rules_out_is_not_searched(host):
    selected = host.select("models", "lightgcn", {"lightgcn": {"negatives": 0}})
    assert "temperature" not in space_of(selected, {"negatives": 0})
    assert "regularisation" in space_of(selected, {"negatives": 0})


def test_what_hangs_on_a_setting_that_is_ruled_out_is_not_searched_either(sasrec):
    space = {
        "a": Search(1, 9, when=("negatives", (256,))),
        "b": Follows("a"),
        "c": Search(1, 9, when=("a", (1,))),
    }
    assert sasrec.config.negatives == 0
    assert [can_apply(mark, space, sasrec.config) for mark in space.values()] == [False] * 3


def test_what_follows_a_setting_that_does_not_count_is_left_as_it_is(host):
    selected = host.select("models", "lightgcn", {})
    space = {"temperature": space_of(selected, {})["temperature"], "n_layers": Follows("temperature")}
    assert suggest(FixedTrial({}), "lightgcn", space, selected.config) == {}


@pytest.mark.parametrize(
    ("mark", "value", "limits", "end"),
    [
        (Search(0.1, 0.7), 0.69, {"minimum": 0, "below": 1}, "highest"),
        (Search(0.1, 0.7), 0.4, {"minimum": 0, "below": 1}, None),
        (Search(1e-4, 1e-2, log=True), 1.05e-4, {"above": 0}, "lowest"),
        (Search(1, 3), 1, {"minimum": 1}, None),  # nothing is below
        (Search(1, 3), 3, {"minimum": 1}, "highest"),
        (Choices((0.0, 0.99, 0.998)), 0.0, {"minimum": 0, "below": 1}, None),
        (Choices((0.0, 0.99, 0.998)), 0.998, {"minimum": 0, "below": 1}, "highest"),
        (Choices((64, 128, 256)), 128, {"minimum": 1}, None),
        (Choices(("a", "b")), "a", {}, None),
        (Choices((True, False)), True, {}, None),
        (Search(1, 2), 2, {"minimum": 1}, None),
        (Follows("x"), 3, {}, None),
    ],
)
def test_an_edge_is_an_end_that_could_be_moved(mark, value, limits, end):
    assert on_edge(mark, value, limits) == end


def test_an_edge_is_said_in_a_sentence(sasrec):
    space = space_of(sasrec, {})
    found = {"n_layers": 3, "n_heads": 1, "batch_size": 128}
    assert edges(sasrec, "sasrec", space, found) == ["sasrec.n_layers = 3 is the highest value that was searched"]
