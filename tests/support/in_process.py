"""Runs the cells of a plan in the process of a test, one after another, which is quicker than worker processes."""

from corecbench.experiment import process
from corecbench.experiment.execution.executor import Ended
from corecbench.experiment.runner import run_cell


class InProcess:
    """Runs each cell when its end is waited for."""

    slots, backlog = 1, False

    def __init__(self, plan, host, store):
        self.plan, self.host, self.store = plan, host, store
        self.taken = []

    def __enter__(self):
        process.keep_freed_memory()
        return self

    def __exit__(self, *error):
        pass

    def submit(self, cell):
        self.taken.append(cell)

    def wait(self, tell, seconds=None):
        cell = self.taken.pop(0)
        return Ended(cell, run_cell(cell, self.plan, self.host, self.store, tell))
