"""Cells in worker processes: ranks as one by one, and what becomes of a process that dies."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pandas.testing import assert_frame_equal

from corecbench.api import CorecbenchError, hookimpl
from corecbench.experiment.execution import worker_process
from corecbench.experiment.execution.processes import Processes
from corecbench.results.store import Store
from corecbench.settings.config import Variant

MODEL = """
    import os, signal, time
    from dataclasses import dataclass
    from pathlib import Path

    import torch

    from corecbench.api import DomainModelComponent, States, Training, hookimpl

    @dataclass(frozen=True)
    class Config(Training):
        epochs: int = 2
        act: str = ""

    class Model(torch.nn.Module):
        examples = "pairs"

        def __init__(self, config, setup, ids):
            super().__init__()
            tables = ids(8)
            self.user, self.item, self.act = tables.user, tables.item, config.act

        def train(self, mode=True):
            if mode and self.item.weight.grad is not None:
                exec(self.act)
            return super().train(mode)

        def states(self, batch):
            return States(self.user(batch.user), self.item.weight)

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Model, Config)]
"""
"""A model that does something once its first epoch is over: the code of its setting `act`."""


def note(path):
    """Return code that writes which process it runs in, then sleeps."""
    return (
        f"Path({str(path)!r} + '.new').write_text(str(os.getpid())); "
        f"os.rename({str(path)!r} + '.new', {str(path)!r}); time.sleep(600)"
    )


def processes(slots, n_threads=1):
    """Return what makes an executor with so many worker processes."""
    return functools.partial(Processes, slots=slots, n_threads=n_threads)


def alive(pid):
    """Whether a process is still running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds=30.0):
    """Wait for a condition; return whether it came."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def one_thread():
    """Compute with one thread in this process, as worker processes do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_ranks_are_those_of_one_cell_after_another(bench, ranks, tiny_llama, quick, one_thread):
    llm = f"llama:{tiny_llama}"
    settings = quick | {"none": quick["none"] | {"start": "new", "warm_up_epochs": 1}}
    command = {"models": ("sasrec", "lightgcn"), "llms": (llm,), "sharing": ("bdlm", "none"), "settings": settings}
    here = bench(**command, root="here")
    for slots in (1, 2):
        records = bench(**command, root=f"{slots}", executor=processes(slots))
        assert [(each["cell"], each["status"]) for each in records] == [(each["cell"], "ok") for each in here]
        for mine, other in zip(records, here, strict=True):
            assert [epoch["loss"] for epoch in mine["epochs"]] == [epoch["loss"] for epoch in other["epochs"]]
            assert mine["machine"] == other["machine"]
            for side in mine["sides"]:
                name = mine["cell"]["name"]
                assert_frame_equal(ranks(name, side, f"{slots}"), ranks(name, side, "here"))


def test_trackers_of_this_process_hear_of_each_cell_in_order(bench, make_diary, loose_file):
    diary = make_diary()
    models = ("mine", "popularity")
    bench([loose_file("mine", MODEL)], models=models, settings={}, diary=diary, executor=processes(2))
    for name, n_epochs in (("mine", 2), ("popularity", 0)):
        assert [entry for entry in diary.entries if entry[1] == name] == [
            ("started", name),
            *(("epoch", name, "domain", epoch) for epoch in range(1, n_epochs + 1)),
            ("finished", name, "ok"),
        ]


def test_long_work_outside_the_epochs_is_told(bench, tiny_llama, tmp_path, monkeypatch):
    told = []

    class Listener:
        @hookimpl
        def corecbench_progress(self, cell, what, done, total):
            told.append((what, done, total))

    monkeypatch.setattr("corecbench.experiment.plan.cache_folder", lambda: tmp_path / "empty-cache")
    bench(llms=(f"llama:{tiny_llama}",), diary=Listener(), executor=processes(1))
    assert ("encoding item texts", 20, 20) in told


def test_a_process_that_dies_costs_its_cell_only(bench, loose_file, tmp_path):
    acts = {
        "killed": "os.kill(os.getpid(), signal.SIGKILL)",
        "leaving": "os._exit(3)",
        "raising": "raise OSError('no luck')",
        "well": "",
    }
    variants = {name: Variant("mine", {"act": act}) for name, act in acts.items()}
    file = loose_file("mine", MODEL)
    records = bench([file], models=tuple(acts), variants=variants, settings={}, executor=processes(2))
    ended = {record["cell"]["name"]: record["error"] and record["error"]["message"] for record in records}
    assert "OSError: no luck" in ended.pop("raising")
    assert ended == {
        "killed": "worker process ended with signal 9 (SIGKILL)",
        "leaving": "worker process ended with exit code 3",
        "well": None,
    }
    assert [[epoch["epoch"] for epoch in record["epochs"]] for record in records] == [[1], [1], [1], [1, 2]]
    stored = [record for _, record in Store(tmp_path / "results", "default").records()]
    assert all(record in stored for record in records)


def test_an_error_outside_of_training_ends_the_run(bench, tmp_path):
    (tmp_path / "results").write_text("no folder")
    with pytest.raises(OSError, match="Not a directory") as caught:
        bench(models=("popularity",), executor=processes(1))
    assert "in a worker process" in caught.value.__notes__[0]


def test_a_process_that_cannot_start_is_said_in_one_line(bench, monkeypatch):
    monkeypatch.setattr(worker_process, "START", "raise SystemExit('no torch here')")
    with pytest.raises(CorecbenchError, match="ended with exit code 1 before it was ready: no torch here"):
        bench(models=("popularity",), executor=processes(2))


def test_an_interruption_ends_all_processes_at_once(bench, loose_file, make_diary, tmp_path):
    pid = tmp_path / "pid"
    with pytest.raises(KeyboardInterrupt):
        bench(
            [loose_file("mine", MODEL)],
            models=("mine", "popularity"),
            settings={"mine": {"act": note(pid)}},
            diary=make_diary(("epoch", "mine", "domain", 1)),
            executor=processes(2),
        )
    if until(pid.exists, seconds=1):
        assert until(lambda: not alive(int(pid.read_text())))


COMMAND = """
import sys
from corecbench.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["interrupted", "killed"]
)
def test_no_process_outlives_the_command(loose_file, toy_folder, tmp_path, ending, code):
    pid, file = tmp_path / "pid", loose_file("mine", MODEL)
    options = ["--models", "mine", "--datasets", toy_folder, "--plugin", file, "--results", tmp_path / "results"]
    options += ["--set", f"mine.act={note(pid)}"]
    command = [sys.executable, "-c", COMMAND, "run", *map(str, options)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert until(pid.exists)
        run.send_signal(ending)
        _, said = run.communicate(timeout=20)
    finally:
        run.kill()
    assert run.returncode == code
    assert until(lambda: not alive(int(pid.read_text())))
    assert not list((tmp_path / "results").rglob("result.json"))
    if code > 0:
        assert said.endswith("error: interrupted; the same command goes on where it stopped\n")


def test_what_a_process_writes_comes_to_stderr(bench, loose_file, capsys):
    settings = {"mine": {"act": "print('hello from the worker')"}}
    bench([loose_file("mine", MODEL)], models=("mine",), executor=processes(1), settings=settings)
    out, err = capsys.readouterr()
    assert out == ""
    assert "hello from the worker\n" in err


def test_libraries_of_a_process_are_told_the_threads_before_they_are_imported(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = worker_process.environment(2)
    assert (environment["OMP_NUM_THREADS"], environment["MKL_NUM_THREADS"]) == ("2", "2")
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert worker_process.environment(None)["OMP_NUM_THREADS"] == "7"
    assert "OMP_WAIT_POLICY" not in os.environ


def test_the_threads_of_a_cell_stand_in_its_record(bench):
    (record,) = bench(models=("popularity",), executor=processes(1, n_threads=2))
    assert record["machine"].endswith(", 2 threads")
