"""A cell whose process was killed has the machine for itself once, and then counts as failed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.execution.order import Queue
from corecbench.experiment.execution.schedule import ends

KILLED = "worker process ended with signal 9 (SIGKILL)"


def make_cell(name):
    facts = {"name": name, "dataset": "toy", "seed": 0}
    return SimpleNamespace(folder=Path(name), facts=facts, llm=None, sharing=None, domain=None)


class Executor:
    """Two slots; `ends` says how the attempts at each cell end."""

    slots, backlog = 2, False

    def __init__(self, ends):
        self.ends, self.running, self.beside = ends, [], []

    def submit(self, cell):
        self.running.append(cell)
        self.beside.append([each.facts["name"] for each in self.running])

    def wait(self, tell, seconds=None):
        cell = self.running.pop(0)
        reason = self.ends.get(cell.facts["name"], [""]).pop(0)
        return Ended(cell, None if reason else {"status": "ok"}, reason)


@pytest.mark.parametrize(("second", "ok"), [("", True), (KILLED, False)])
def test_a_killed_cell_runs_once_more_with_nothing_beside_it(second, ok):
    executor = Executor({"a": [KILLED, second]})
    cells = [make_cell(name) for name in "abc"]
    claims = SimpleNamespace(take=lambda cell: True, found=lambda cell: None)
    relay = SimpleNamespace(tell=None, has_trained=None)
    found = {end.cell.facts["name"]: end.result for end in ends(Queue(cells), executor, relay, claims, None)}
    assert executor.beside == [["a"], ["a", "b"], ["a"], ["c"]]
    assert {name: result is not None for name, result in found.items()} == {"a": ok, "b": True, "c": True}


def test_a_cell_that_ended_otherwise_is_not_tried_again():
    executor = Executor({"a": ["worker process ended with exit code 3"]})
    claims = SimpleNamespace(take=lambda cell: True, found=lambda cell: None)
    (end,) = ends(Queue([make_cell("a")]), executor, SimpleNamespace(tell=None), claims, None)
    assert (end.result, len(executor.beside)) == (None, 1)
