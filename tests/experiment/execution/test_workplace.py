"""A task finds its cell again in another process, or says why it does not."""

import pickle
from dataclasses import replace

import pytest

from corecbench.api import CorecbenchError
from corecbench.experiment.execution.task import make_task
from corecbench.experiment.execution.workplace import Workplace
from corecbench.experiment.plan import make_plan
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


def ignore(hook_name, **arguments):
    """Hear of what happens, and do nothing."""


@pytest.fixture
def tasks(tmp_path, toy_folder, quick, cache, monkeypatch):
    """Return the tasks of two cells, as they were sent."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    config = RunConfig(
        datasets=(str(toy_folder),), models=("popularity", "sasrec"), settings=quick, references=False
    )
    host, store = Host.discover(), Store(tmp_path / "results", config.benchmark)
    plan = make_plan(config, host, store)
    made = [make_task(cell, plan, host, store) for cell in plan.cells]
    return pickle.loads(pickle.dumps(made))


def test_a_task_is_small(tasks):
    assert len(pickle.dumps(tasks[0])) < 10_000


def test_plugins_and_data_are_read_once_for_all_cells_of_a_run(tasks, monkeypatch):
    read = []
    monkeypatch.setattr(
        "corecbench.experiment.execution.workplace.read_datasets",
        lambda *of, original=Workplace.plan.__globals__["read_datasets"]: (read.append(of), original(*of))[1],
    )
    workplace = Workplace()
    records = [workplace.run(task, ignore) for task in tasks]
    host = workplace.host
    assert [record["cell"]["name"] for record in records] == ["popularity", "sasrec"]
    assert len(read) == 1
    workplace.run(replace(tasks[0], environment={**tasks[0].environment, "CORECBENCH_X": "1"}), ignore)
    assert len(read) == 2
    assert workplace.host is not host


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hash": "00000000"}, "versions of plugins, data and settings must be the same on every machine"),
        ({"name": "sasrek"}, "there is no cell sasrek of seed 0 here"),
        (
            {"folder": "/nowhere"},
            "cannot enter /nowhere .No such file or directory.; the folder of",
        ),
    ],
)
def test_a_cell_that_is_not_here_as_it_was_sent_is_said_in_one_line(tasks, change, message):
    with pytest.raises(CorecbenchError, match=message):
        Workplace().run(replace(tasks[0], **change), ignore)
