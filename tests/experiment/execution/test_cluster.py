"""Cells on a Dask cluster: a real scheduler with real worker processes, some of which die or come late."""

import functools
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest
from distributed import Client
from pandas.testing import assert_frame_equal

from corecbench.api import CorecbenchError, UsageError
from corecbench.experiment.execution import cluster
from corecbench.experiment.execution.cluster import Cluster
from corecbench.settings.config import Variant

COMMAND = "import sys; from corecbench.cli.main import main; main(sys.argv[1:])"
on_cluster = functools.partial(Cluster, slots=4, n_threads=1)


class Machines:
    """A scheduler, and workers in processes of their own, each with one thread."""

    def __init__(self, folder):
        self.file, self.folder, self.started = folder / "scheduler.json", folder, []
        self.start(
            "dask_scheduler", "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", str(self.file)
        )

    def start(self, module, *options):
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1", *options]
        with (self.folder / f"{len(self.started)}.log").open("w") as log:
            self.started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    def add_workers(self, n, *options):
        for _ in range(n):
            given = ["--scheduler-file", str(self.file), "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            self.start("dask_worker", *given, "--local-directory", str(self.folder), *options)

    def close(self):
        for process in reversed(self.started):
            process.kill()
            process.wait()


@pytest.fixture
def machines(tmp_path, until):
    folder = tmp_path / "machines"
    folder.mkdir()
    made = Machines(folder)
    assert until(made.file.exists)
    yield made
    made.close()


@pytest.fixture
def run(bench, acting_model, machines):
    """Run variants of the model that acts: `run({"a": "code"}, root="results")`."""

    def go(acts, **options):
        variants = {name: Variant("mine", {"act": act}) for name, act in acts.items()}
        options = {"settings": {}, "runs_in": on_cluster} | options
        if options["runs_in"] is on_cluster:
            options |= {"executor": "dask", "scheduler": str(machines.file)}
        return bench([acting_model], models=tuple(acts), variants=variants, **options)

    return go


def in_background(function):
    """Call a function in a thread; return what waits for its value."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()), daemon=True)
    thread.start()

    def value():
        thread.join(timeout=180)
        return found[0]

    return value


def test_the_cell_of_a_worker_that_is_killed_goes_on_elsewhere_with_the_same_ranks(
    run, ranks, machines, tmp_path, pid_of, parent_of, alive, until, one_thread, make_diary
):
    from in_process import InProcess

    pid, log = tmp_path / "pid", tmp_path / "log"
    once = f"if not os.path.exists({str(pid)!r}): write({str(pid)!r}, str(os.getpid())); time.sleep(600)"
    held = f"with open({str(log)!r}, 'a') as file: file.write('x')\n{once}"
    acts, diary = {"held": held, "a": "pass", "b": "1", "c": "2"}, make_diary()
    machines.add_workers(4)
    records = in_background(lambda: run(acts, diary=diary, checkpoint_minutes=0))
    number = pid_of(pid)
    os.kill(parent_of(number), signal.SIGKILL)
    assert [record["status"] for record in records()] == ["ok"] * 4
    assert until(lambda: not alive(number))
    assert [entry for entry in diary.entries if entry[1] == "held"] == [
        ("started", "held"),
        ("epoch", "held", "domain", 1),
        ("epoch", "held", "domain", 2),
        ("finished", "held", "ok"),
    ]
    assert log.read_text() == "x"  # the second epoch was begun from the state after the first
    run(acts, runs_in=InProcess, root="here")
    for name in acts:
        assert_frame_equal(ranks(name), ranks(name, root="here"))


def test_a_worker_that_comes_late_takes_over_cells_that_wait(run, machines, tmp_path, until):
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    meet = {"a": f"write({a!r}, ''); wait_for({b!r})", "b": f"write({b!r}, ''); wait_for({a!r})"}
    machines.add_workers(1)
    records = in_background(lambda: run(meet))
    assert until(lambda: os.path.exists(a) or os.path.exists(b))
    machines.add_workers(1)
    assert [record["status"] for record in records()] == ["ok", "ok"]


def test_a_client_that_comes_back_follows_what_goes_on(command, machines, tmp_path, until, pid_of, alive):
    log, pid, go = tmp_path / "log", tmp_path / "pid", tmp_path / "go"
    act = f"print(1, file=open({str(log)!r}, 'a')); write({str(pid)!r}, str(os.getpid())); wait_for({str(go)!r})"
    arguments = command(act, "--set=run.executor=dask", f"--set=run.scheduler={machines.file}", "--seeds", "0-1")
    start = functools.partial(
        subprocess.Popen, [sys.executable, "-c", COMMAND, *arguments], stderr=subprocess.PIPE, text=True
    )
    machines.add_workers(1)
    with start(stdout=subprocess.DEVNULL) as first:
        number = pid_of(pid)
        first.kill()
    with start(stdout=subprocess.PIPE) as second:
        first_line = second.stderr.readline()
        assert "mine, toy, seed 0: started" in first_line
        assert alive(number)
        go.touch()
        out, err = second.communicate(timeout=180)
    assert second.returncode == 0, err
    assert "2 cells, 0 done" in out
    assert log.read_text() == "1\n" * 2  # each seed was trained once
    assert err.count("done in") == 2


def test_without_a_client_cells_that_were_handed_over_end_and_are_found_done(
    command, machines, tmp_path, pid_of, until
):
    pid, go = tmp_path / "pid", tmp_path / "go"
    arguments = command(f"write({str(pid)!r}, str(os.getpid())); wait_for({str(go)!r})", "--seeds", "0-1")
    arguments += ["--set=run.executor=dask", f"--set=run.scheduler={machines.file}"]
    machines.add_workers(1)
    with subprocess.Popen([sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.DEVNULL) as client:
        pid_of(pid)
        client.kill()
    go.touch()
    assert until(lambda: len(list((tmp_path / "results").rglob("result.json"))) == 2)
    plan = subprocess.run([sys.executable, "-c", COMMAND, *arguments, "--plan"], capture_output=True, text=True)
    assert plan.stdout.startswith("plan: 2 cells, 2 done already")


def test_an_interruption_takes_back_what_has_not_begun(run, machines, tmp_path, pid_of, until, impatient):
    pid, go = tmp_path / "pid", tmp_path / "go"

    machines.add_workers(1)
    with pytest.raises(KeyboardInterrupt):
        run(
            {"a": f"write({str(pid)!r}, str(os.getpid())); wait_for({str(go)!r})", "b": "pass"},
            diary=impatient(pid),
        )
    with Client(scheduler_file=str(machines.file), set_as_default=False) as client:
        assert until(lambda: client.run(lambda dask_worker: len(dask_worker.state.tasks)).popitem()[1] == 1)
    go.touch()
    assert until(lambda: list((tmp_path / "results").rglob("result.json")))
    assert not until(lambda: len(list((tmp_path / "results").rglob("result.json"))) > 1, seconds=3)


def test_a_scheduler_that_is_lost_ends_the_run_in_one_line(run, machines, tmp_path, pid_of, alive, until):
    pid = tmp_path / "pid"
    machines.add_workers(1)

    def lose():
        with pytest.raises(CorecbenchError) as caught:
            run({"a": f"write({str(pid)!r}, str(os.getpid())); time.sleep(600)"})
        return str(caught.value)

    message = in_background(lose)
    number = pid_of(pid)
    machines.started[0].kill()
    assert message() == cluster.GONE
    machines.started[1].wait(timeout=90)
    assert until(lambda: not alive(number))


def test_a_cell_goes_to_a_worker_that_has_the_resource(run, machines, tmp_path, pid_of, parent_of):
    pid = tmp_path / "pid"
    machines.add_workers(1)
    machines.add_workers(1, "--resources", "GPU=1")
    act = f"write({str(pid)!r}, str(os.getppid()))"
    run({"a": act, "b": f"{act} or 1"}, resources={"GPU": 1})
    assert pid_of(pid) == machines.started[-1].pid


# --- without a cluster elsewhere ----------------------------------------------------------------------------------


def test_without_an_address_the_cluster_is_on_this_machine(bench, acting_model, ranks, one_thread):
    options = {"models": ("mine", "popularity"), "settings": {}}
    bench([acting_model], root="here", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        records = bench([acting_model], executor="dask", resources={"GPU": 1}, runs_in=on_cluster, **options)
    assert [record["status"] for record in records] == ["ok", "ok"]
    for name in options["models"]:
        assert_frame_equal(ranks(name), ranks(name, root="here"))


def test_a_cell_whose_process_is_killed_twice_fails_there_too(bench, acting_model):
    settings = {"mine": {"act": "os.kill(os.getpid(), signal.SIGKILL)"}}
    options = {"models": ("mine", "popularity"), "settings": settings, "executor": "dask"}
    records = bench([acting_model], runs_in=on_cluster, **options)
    assert [record["status"] for record in records] == ["failed", "ok"]
    assert records[0]["error"]["message"] == "worker process ended with signal 9 (SIGKILL)"


@pytest.mark.parametrize("resources", [{}, {"MEMORY": 5e9}])
def test_a_cell_whose_process_is_killed_goes_on_once_from_its_state_with_what_it_had_named(
    bench, acting_model, tmp_path, resources
):
    log = tmp_path / "log"
    act = f"open({str(log)!r}, 'a').write('x'); os.path.getsize({str(log)!r}) == 1 and os.kill(os.getpid(), 9)"
    options = {"models": ("mine",), "settings": {"mine": {"act": act, "epochs": 3}}, "checkpoint_minutes": 0}
    (record,) = bench([acting_model], runs_in=on_cluster, executor="dask", resources=resources, **options)
    assert (record["status"], [epoch["epoch"] for epoch in record["epochs"]]) == ("ok", [1, 2, 3])
    assert log.read_text() == "xx"  # in the second epoch, which was killed, and in the third


def test_an_interruption_ends_the_processes_of_a_cluster_on_this_machine(
    bench, acting_model, tmp_path, impatient, pid_of, alive, until
):
    pid = tmp_path / "pid"

    settings = {"mine": {"act": f"write({str(pid)!r}, str(os.getpid())); time.sleep(600)"}}
    options = {"models": ("mine",), "settings": settings, "executor": "dask"}
    with pytest.raises(KeyboardInterrupt):
        bench([acting_model], runs_in=on_cluster, diary=impatient(pid), **options)
    assert until(lambda: not alive(pid_of(pid)), seconds=5)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address", "missing.json"])
def test_a_scheduler_that_does_not_answer_is_said_in_one_line(bench, monkeypatch, address):
    monkeypatch.setattr(cluster, "TIMEOUT_S", 1)
    options = {"models": ("popularity",), "executor": "dask", "scheduler": address}
    with pytest.raises(UsageError, match=f"no Dask scheduler answers at {address} within 1 s"):
        bench(runs_in=on_cluster, **options)


def test_without_dask_the_command_that_installs_it_is_said(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CorecbenchError, match=r"install it by `pip install 'corecbench\[dask\]'`"):
        bench(runs_in=on_cluster, models=("popularity",), executor="dask")
