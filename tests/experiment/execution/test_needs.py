"""When a pair needs what its domain model learnt alone is asked of its sharing module."""

import pytest

from corecbench.experiment.execution.order import needs_alone
from corecbench.experiment.plan import make_plan
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


@pytest.fixture
def ask(tmp_path, toy_folder, tiny_llama):
    """Ask of the only pair of a plan: `ask(files, sharing="bdlm", settings={})`."""

    def asked(files=(), sharing="bdlm", **options):
        config = RunConfig(
            datasets=(str(toy_folder),),
            models=("sasrec",),
            llms=(f"llama:{tiny_llama}",),
            sharing=(sharing,),
            **options,
        )
        host = Host.discover(files)
        plan = make_plan(config, host, Store(tmp_path / "results", "default"))
        return needs_alone(plan, host)(plan.cells[-1])

    return asked


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        ({"start": "new", "alone_unless_better": False}, None),
        ({"start": "new", "alone_unless_better": True}, "end"),
        ({"start": "pretrained", "alone_unless_better": False}, "start"),
    ],
)
def test_a_setting_may_say_it(ask, settings, needs):
    assert ask(settings={"bdlm": settings}) == needs


def test_a_module_may_say_it_or_nothing(ask, sharing_module):
    assert not ask([sharing_module('Module.start_from = "new"; Module.alone_unless_better = False')], "mine")
    assert ask([sharing_module("del Module.start_from")], "mine")


def test_a_module_that_trains_nothing_needs_it_at_once(ask):
    assert ask(sharing="beside-texts") == "start"


def test_a_module_that_cannot_be_built_waits_for_the_model_alone(ask, sharing_module):
    assert ask([sharing_module("Module.__init__ = lambda self, config, setup: 1 / 0")], "mine")
