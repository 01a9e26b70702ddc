"""What is sent to a worker process: code of other distributions only for a cell that needs it."""

import pytest

from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.workplace import Workplace

METRIC = """
    from corecbench.api import MetricComponent, hookimpl

    class Inverse:
        def per_user(self, rank, n_candidates):
            return 1 / rank

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("inverse", lambda config: Inverse())]
"""


class CaughtError(Exception):
    """Ends a run where its cells would begin."""


@pytest.fixture
def tasks(bench):
    """Return the tasks of a run: `tasks(files, models=("mine",))`."""

    def make(files, **options):
        def caught(*plan_host_store):
            raise CaughtError(*plan_host_store)

        with pytest.raises(CaughtError) as error:
            bench(files, settings={}, runs_in=caught, **options)
        plan, host, store = error.value.args
        return {cell.name: make_task(cell, plan, host, store) for cell in plan.cells}, store

    return make


def test_no_code_of_others_is_loaded_beside_a_cell_of_ours(tasks, acting_model):
    made, store = tasks([acting_model], models=("mine", "popularity"))
    mine, ours = made["mine"], made["popularity"]
    assert (mine.has_foreign_code, mine.files, mine.config.models) == (
        True,
        (acting_model,),
        ("mine", "popularity"),
    )
    assert (ours.has_foreign_code, ours.files, ours.config.models) == (False, (), ("popularity",))
    workplace = Workplace()
    workplace.prepare(ours)
    assert [cell.hash for cell in workplace.plan(ours, store).cells] == [ours.hash]


def test_an_installed_plugin_is_left_out_beside_a_cell_of_ours(tasks, distribution):
    distribution("third", "raise SystemExit(3)")
    made, _ = tasks((), models=("popularity",))
    assert made["popularity"].blocked == ("third",)


def test_a_metric_of_others_makes_every_cell_one_with_their_code(tasks, loose_file):
    made, _ = tasks([loose_file("metric", METRIC)], models=("popularity",), metrics=("NDCG@10", "inverse"))
    assert made["popularity"].has_foreign_code
