"""Cells in worker processes: ranks as one by one, and what becomes of a process that dies."""

import os
import signal
import subprocess
import sys

import pytest
from pandas.testing import assert_frame_equal

from corecbench.api import CorecbenchError, hookimpl
from corecbench.experiment.execution import worker_process
from corecbench.results.store import Store
from corecbench.settings.config import Variant


def test_ranks_are_those_of_one_cell_after_another(bench, ranks, tiny_llama, quick, one_thread, processes):
    llm = f"llama:{tiny_llama}"
    settings = quick | {"none": quick["none"] | {"start": "new", "warm_up_epochs": 1}}
    command = {"models": ("sasrec", "lightgcn"), "llms": (llm,), "sharing": ("bdlm", "none"), "settings": settings}
    here = bench(**command, root="here")
    for slots in (1, 2):
        records = bench(**command, root=f"{slots}", runs_in=processes(slots))
        assert [(each["cell"], each["status"]) for each in records] == [(each["cell"], "ok") for each in here]
        for mine, other in zip(records, here, strict=True):
            assert [epoch["loss"] for epoch in mine["epochs"]] == [epoch["loss"] for epoch in other["epochs"]]
            assert mine["machine"] == other["machine"]
            for side in mine["sides"]:
                name = mine["cell"]["name"]
                assert_frame_equal(ranks(name, side, f"{slots}"), ranks(name, side, "here"))


def test_a_pair_that_ends_before_its_model_alone_is_run_again_from_there(
    bench, ranks, acting_model, tiny_llama, quick, one_thread, processes, tmp_path
):
    root, llm, told = tmp_path / "waited", f"llama:{tiny_llama}", []
    seen = f"'costs.json' in str([*os.walk({str(root)!r})])"  # what another process removes meanwhile is left out
    waits = f"import os\nwhile not {seen}: time.sleep(0.05)"
    command = {"models": ("mine",), "llms": (llm,), "sharing": ("none",), "in_pairs": {"mine": {"act": "1"}}}
    unless = {"start": "new", "alone_unless_better": True, "warm_up_epochs": 1, "domain_epochs": 1, "llm_epochs": 1}

    class Listener:
        @hookimpl
        def corecbench_epoch_finished(self, cell, record):
            told.append((cell["name"], record["side"], record["epoch"]))

    def run(root, act, **options):
        settings = quick | {"mine": {"act": act, "epochs": 3}, "none": unless}
        return bench([acting_model], root=root, settings=settings, **command, **options)

    here = run("here", "1")
    waited = run("waited", waits, diary=Listener(), runs_in=processes(2))
    assert [record["status"] for record in waited] == ["ok"] * len(here)
    assert sorted(told) == sorted(set(told))
    for mine, other in zip(waited, here, strict=True):
        assert [epoch["loss"] for epoch in mine["epochs"]] == [epoch["loss"] for epoch in other["epochs"]]
        assert mine["duration_s"] > sum(epoch["duration_s"] for epoch in mine["epochs"])
        for side in mine["sides"]:
            name = mine["cell"]["name"]
            assert_frame_equal(ranks(name, side, "waited"), ranks(name, side, "here"))
    assert not list(root.rglob("costs.json"))


def test_trackers_of_this_process_hear_of_each_cell_in_order(bench, make_diary, acting_model, processes):
    diary = make_diary()
    models = ("mine", "popularity")
    bench([acting_model], models=models, settings={}, diary=diary, runs_in=processes(2))
    for name, n_epochs in (("mine", 2), ("popularity", 0)):
        assert [entry for entry in diary.entries if entry[1] == name] == [
            ("started", name),
            *(("epoch", name, "domain", epoch) for epoch in range(1, n_epochs + 1)),
            ("finished", name, "ok"),
        ]


def test_long_work_outside_the_epochs_is_told(bench, tiny_llama, tmp_path, monkeypatch, processes):
    told = []

    class Listener:
        @hookimpl
        def corecbench_progress(self, cell, what, done, total):
            told.append((what, done, total))

    monkeypatch.setattr("corecbench.experiment.plan.cache_folder", lambda: tmp_path / "empty-cache")
    bench(llms=(f"llama:{tiny_llama}",), diary=Listener(), runs_in=processes(1))
    assert ("encoding item texts", 20, 20) in told


def test_a_process_that_dies_costs_its_cell_only(bench, acting_model, tmp_path, processes):
    acts = {
        "killed": "os.kill(os.getpid(), signal.SIGKILL)",
        "leaving": "os._exit(3)",
        "raising": "raise OSError('no luck')",
        "well": "",
    }
    variants = {name: Variant("mine", {"act": act}) for name, act in acts.items()}
    records = bench([acting_model], models=tuple(acts), variants=variants, settings={}, runs_in=processes(2))
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


def test_a_cell_whose_process_was_killed_goes_on_once_from_its_state(bench, acting_model, tmp_path, processes):
    log = tmp_path / "log"
    act = f"open({str(log)!r}, 'a').write('x'); os.path.getsize({str(log)!r}) == 1 and os.kill(os.getpid(), 9)"
    settings = {"mine": {"act": act, "epochs": 3}}
    (record,) = bench(
        [acting_model], models=("mine",), settings=settings, checkpoint_minutes=0, runs_in=processes(1)
    )
    assert (record["status"], [epoch["epoch"] for epoch in record["epochs"]]) == ("ok", [1, 2, 3])
    assert log.read_text() == "xx"  # in the second epoch, which was killed, and in the third


def test_an_error_outside_of_training_ends_the_run(bench, acting_model, processes):
    act = "from corecbench.results.store import Store; Store.write = lambda *_, **__: 1 / 0"
    with pytest.raises(ZeroDivisionError) as caught:
        bench([acting_model], models=("mine",), settings={"mine": {"act": act}}, runs_in=processes(1))
    assert "in a worker process" in caught.value.__notes__[0]


def test_a_process_that_cannot_start_is_said_in_one_line(bench, monkeypatch, processes):
    monkeypatch.setattr(worker_process, "START", "raise SystemExit('no torch here')")
    with pytest.raises(CorecbenchError, match="ended with exit code 1 before it was ready: no torch here"):
        bench(models=("popularity",), runs_in=processes(2))


def test_an_interruption_ends_all_processes_at_once(
    bench, acting_model, tmp_path, processes, impatient, until, alive, pid_of
):
    pid = tmp_path / "pid"

    settings = {"mine": {"act": f"write({str(pid)!r}, str(os.getpid())); time.sleep(600)"}}
    models = ("mine", "popularity")
    with pytest.raises(KeyboardInterrupt):
        bench(
            [acting_model],
            models=models,
            settings=settings,
            diary=impatient(pid),
            runs_in=processes(2),
        )
    assert until(lambda: not alive(pid_of(pid)), seconds=5)


FORGETS = """
from corecbench.experiment.execution.worker_process import WorkerProcess
worker = WorkerProcess(1)
while not worker.ready:
    worker.hear(print)
"""


def test_a_process_that_leaves_ends_the_workers_that_it_forgot():
    assert subprocess.run([sys.executable, "-c", FORGETS], timeout=120, check=False).returncode == 0


COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it runs in the background ignore it
from corecbench.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "asked to end"), (signal.SIGKILL, -9, None)],
    ids=["interrupted", "asked to end", "killed"],
)
def test_no_process_outlives_the_command(command, tmp_path, ending, code, said, until, alive, pid_of):
    pid = tmp_path / "pid"
    arguments = command(f"write({str(pid)!r}, str(os.getpid())); time.sleep(600)")
    run = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        number = pid_of(pid)
        run.send_signal(ending)
        _, stderr = run.communicate(timeout=20)
    finally:
        run.kill()
    assert run.returncode == code
    assert until(lambda: not alive(number), seconds=5)
    assert not list((tmp_path / "results").rglob("result.json"))
    if said:
        assert stderr.endswith(f"error: {said}; the same command goes on where it stopped\n")
        assert not list((tmp_path / "results").rglob("*.lease"))


def test_what_a_process_writes_comes_to_stderr(bench, acting_model, capsys, processes):
    settings = {"mine": {"act": "print('hello from the worker')"}}
    bench([acting_model], models=("mine",), runs_in=processes(1), settings=settings)
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


def test_the_threads_of_a_cell_stand_in_its_record(bench, processes):
    (record,) = bench(models=("popularity",), runs_in=processes(1, n_threads=2))
    assert record["machine"].endswith(", 2 threads")
