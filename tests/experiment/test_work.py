"""What a cell is going to train: a model alone, the turns of a pair, those that a control leaves, nothing."""

import pytest

from corecbench.experiment.plan import make_plan
from corecbench.experiment.work import Kind, Work, kind_of, work_of
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


@pytest.fixture
def works(toy_folder, tiny_llama, tmp_path):
    """Return name -> work of the cells of a run."""
    host, llm = Host.discover(), f"llama:{tiny_llama}"
    settings = {
        "sasrec": {"epochs": 9, "patience": 2},
        "llama": {"epochs": 4, "patience": 4},
        "bdlm": {"warm_up_epochs": 5, "rounds": 2, "domain_epochs": 2, "llm_epochs": 2},
    }
    config = RunConfig(
        models=("sasrec",),
        llms=(llm,),
        sharing=("bdlm", "beside-texts"),
        controls=("frozen-texts",),
        datasets=(str(toy_folder),),
        settings=settings,
        references=True,
    )
    plan = make_plan(config, host, Store(tmp_path, "default"))
    llm_label = plan.cells[-1].llm.label
    names = [cell.name.replace("+bdlm", "").replace(llm_label, "llama") for cell in plan.cells]
    return dict(zip(names, (work_of(cell, plan, host) for cell in plan.cells), strict=True))


def test_a_third_of_the_epochs_is_likely_where_patience_may_end_them(works):
    assert [(each.most, each.likely) for each in works["sasrec"].stretches] == [(9, 3)]
    assert [(each.most, each.likely) for each in works["llama"].stretches] == [(4, 4)]


def test_the_turns_of_a_pair_are_those_of_its_module(works):
    found = [(each.most, each.likely, each.coupled) for each in works["sasrec+llama"].stretches]
    assert found == [
        (5, 3, False),
        (1, 1, True),
        (1, 1, True),
        (1, 1, True),
        (1, 1, True),
    ]


def test_a_control_leaves_turns_out(works):
    found = [(each.model, each.most) for each in works["sasrec+llama+frozen-texts"].stretches]
    assert found == [("sasrec", 5), ("sasrec", 1), ("sasrec", 1)]


def test_references_and_modules_that_train_nothing_train_nothing(works):
    assert works["popularity"] == Work(Kind("toy", "reference"))
    assert works["sasrec+llama+beside-texts"] == Work(Kind("toy", "pair"))


@pytest.mark.parametrize(
    ("parts", "kind"),
    [(("sasrec", None, None), "domain"), ((None, "llama", None), "llm"), (("sasrec", "llama", "bdlm"), "pair")],
)
def test_the_kind_of_a_cell_is_what_is_trained(parts, kind):
    cell = dict(zip(("domain", "llm", "sharing"), parts, strict=True)) | {"dataset": "toys"}
    assert kind_of(cell) == Kind("toys", kind)
