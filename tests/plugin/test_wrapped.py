"""A component can build another one through its setup, and what that one is decides the hash of its cells."""

import textwrap
import types

import pytest

from corecbench.api import Catalog, Setup
from corecbench.plugin.wrapped import made, with_build

WRAPPER = """
    import torch

    from corecbench.api import DomainModelComponent, States, Training, hookimpl
    from corecbench.toolkit import standard_loss

    BUILDS = ("sasrec",)

    class Wrapper(torch.nn.Module):
        def __init__(self, config, setup, ids):
            super().__init__()
            self.inner = setup.build("model", "sasrec", {"embedding_size": 16, "n_heads": 1, "n_layers": 1}, ids)
            self.examples = self.inner.examples

        def states(self, batch):
            return self.inner.states(batch)

        def loss(self, batch, states):
            return standard_loss(batch, states) + 1

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("wrapper", Wrapper, Training, builds=BUILDS)]
"""
SETTINGS = {"wrapper": {"epochs": 1, "batch_size": 32}}


@pytest.fixture
def wrapper(loose_file):
    source = textwrap.dedent(WRAPPER)
    return lambda builds='("sasrec",)': loose_file("wrapper", source.replace('("sasrec",)', builds))


def test_a_model_wraps_another_one_and_adds_to_the_standard_loss(bench, wrapper, quick):
    small = {**quick, "sasrec": {**quick["sasrec"], "epochs": 1, "inner_size": 256, "learning_rate": 1e-3}}
    settings = {**small, **SETTINGS, "sasrec": {**small["sasrec"], "loss_dtype": "float32"}}
    inner, outer = bench([wrapper()], models=("sasrec", "wrapper"), settings=settings)
    assert [record["status"] for record in (inner, outer)] == ["ok", "ok"]
    assert outer["epochs"][0]["loss"] > inner["epochs"][0]["loss"] + 0.5
    assert list(outer["fingerprints"]["wrapper"]) == ["builds sasrec"]


def test_what_is_not_named_is_not_built(bench, wrapper):
    (record,) = bench([wrapper("()")], models=("wrapper",), settings=SETTINGS)
    assert record["status"] == "failed"
    assert "it builds 'sasrec'; its component needs builds=('sasrec',)" in record["error"]["message"]


def test_what_changes_the_wrapped_component_changes_the_hash(bench, wrapper, monkeypatch):
    (before,) = bench([wrapper()], models=("wrapper",), settings=SETTINGS)
    monkeypatch.setattr("corecbench.plugin.wrapped.asdict", lambda config: {"n_layers": 9})
    (after,) = bench([wrapper()], models=("wrapper",), settings=SETTINGS)
    assert before["hash"] != after["hash"]


def test_a_name_that_nobody_has_ends_in_one_line(bench, wrapper):
    with pytest.raises(Exception, match="unknown component to build 'sasrek'; did you mean 'sasrec'"):
        bench([wrapper('("sasrek",)')], models=("wrapper",), settings=SETTINGS)


@pytest.mark.parametrize("model", [types.SimpleNamespace(), pytest], ids=["without a hash", "with one"])
def test_a_model_is_built_whether_or_not_it_has_a_hash(model):
    host = types.SimpleNamespace(select=lambda *_: None, build=lambda *_: model)
    wraps = types.SimpleNamespace(component=types.SimpleNamespace(builds=("inner",)))
    setup = with_build(host, wraps, Setup(Catalog("toy", ("",), ("",), ("",)), max_history=3, seed=0))
    assert setup.build("model", "inner", {"a": 1}) is model
    assert made(model) == (None if model is not pytest else ("inner", {"a": 1}))
