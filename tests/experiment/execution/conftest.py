import functools
import os
import time
from pathlib import Path

import pytest
import torch

from corecbench.api import hookimpl
from corecbench.experiment.execution.processes import Processes

ACTING = """
    import os, signal, time
    from dataclasses import dataclass
    from pathlib import Path

    @dataclass(frozen=True)
    class Config(Training):
        epochs: int = 2
        act: str = ""

    class Model(Model):
        def train(self, mode=True):
            if mode and self.item.weight.grad is not None:
                exec(self.config.act)
            return super().train(mode)

    def write(path, text):
        Path(f"{path}.new").write_text(text)
        os.rename(f"{path}.new", path)

    def wait_for(path):
        end = time.monotonic() + 120
        while not os.path.exists(path):
            if time.monotonic() > end:
                raise TimeoutError(path)
            time.sleep(0.05)
"""


@pytest.fixture
def acting_model(domain_model):
    """Write a plugin whose model `mine` runs the code of its setting `act` once its first epoch is over."""
    return domain_model(ACTING)


@pytest.fixture(scope="session")
def processes():
    """Return what makes an executor with worker processes: `processes(2)`, `processes(1, n_threads=2)`."""

    def make(slots, n_threads=1):
        return functools.partial(Processes, slots=slots, n_threads=n_threads)

    return make


@pytest.fixture(scope="session")
def alive():
    """Whether a process is still running: `alive(pid)`."""

    def is_alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return is_alive


@pytest.fixture(scope="session")
def until():
    """Wait for a condition, and return whether it came: `until(path.exists)`."""

    def wait(condition, seconds=120.0):
        end = time.monotonic() + seconds
        while not (came := condition()) and time.monotonic() < end:
            time.sleep(0.05)
        return came

    return wait


@pytest.fixture
def one_thread():
    """Compute with one thread in this process, as worker processes do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pid_of(until):
    """Return which process wrote its number to a file, once it has: `pid_of(path)`."""

    def read(path):
        assert until(path.exists)
        return int(path.read_text())

    return read


@pytest.fixture
def impatient(pid_of):
    """A plugin that interrupts the run at an epoch, once a process has written its number: `impatient(path)`."""

    class Impatient:
        def __init__(self, path):
            self.path = path

        @hookimpl
        def corecbench_epoch_finished(self):
            pid_of(self.path)
            raise KeyboardInterrupt

    return Impatient


@pytest.fixture(scope="session")
def parent_of():
    """Return the parent of a process: `parent_of(pid)`."""
    return lambda pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def command(toy_folder, acting_model, tmp_path):
    """Return the arguments of `corecbench run` with the model that acts: `command(act, "--jobs", 2)`."""

    def make(act, *options):
        run = ["run", "--no-references", "--models", "mine", "--datasets", toy_folder, "--plugin", acting_model]
        given = [*run, "--results", tmp_path / "results", "--set", f"mine.act={act}", *options]
        return [os.fspath(part) if isinstance(part, os.PathLike) else str(part) for part in given]

    return make
