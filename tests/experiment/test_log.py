"""What happens in a run is written to a file, and nothing of it stays in the process."""

import logging
import warnings
from pathlib import Path

import pytest

from corecbench.experiment.log import LOG, RunFile, logged
from corecbench.plugin.host import Host
from corecbench.results.store import Store

CELL = {"name": "sasrec", "dataset": "toys", "seed": 3, "hash": "0a1b2c3d", "settings": {"sasrec": {"epochs": 1}}}
EPOCH = {"side": "domain", "turn": 0, "epoch": 1, "loss": 1.5, "validation": 0.25, "duration_s": 2.0}
FAILED = {"status": "failed", "error": {"message": "no good", "traceback": "line 1\nline 2"}, "sides": {}}


@pytest.fixture
def log(tmp_path):
    """Log to a file; `log(act)` acts on a host meanwhile and returns what was written."""

    def written(act):
        host = Host()
        with logged(host, Store(tmp_path, "default")) as path:
            act(host)
        assert path.parent == tmp_path / "default"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    return written


def test_cells_and_epochs_are_logged(log):
    def act(host):
        host.notify("corecbench_cell_started", cell=CELL)
        host.notify("corecbench_epoch_finished", cell=CELL, record=EPOCH)
        host.notify("corecbench_cell_finished", cell=CELL, result=FAILED)

    lines = [line.partition(" INFO corecbench: ")[2] for line in log(act).splitlines()]
    assert lines[:4] == [
        "sasrec, toys, seed 3: started, hash 0a1b2c3d, settings {'sasrec': {'epochs': 1}}",
        "sasrec, toys, seed 3: domain, turn 0, epoch 1, loss 1.500000, validation NDCG@10 0.250000, 2.0 s",
        "sasrec, toys, seed 3: failed: no good",
        "line 1",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_full_disk_ends_the_log_with_one_line_and_not_the_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("corecbench.experiment.log.RunFile", lambda path, **named: RunFile("/dev/full", **named))
    with logged(Host(), Store(tmp_path, "default")):
        for _ in range(3):
            LOG.info("an epoch")
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == "/dev/full: the log cannot be written any further ([Errno 28] No space left on device)"


def test_warnings_are_logged_and_shown_as_before(log, monkeypatch):
    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda *args: shown.append(args))
    text = log(lambda host: warnings.showwarning("mind that", UserWarning, "file.py", 7))
    assert "file.py:7: UserWarning: mind that" in text
    assert shown == [("mind that", UserWarning, "file.py", 7)]


def test_what_libraries_log_is_there_too(log):
    assert "WARNING some.library: old weights" in log(
        lambda host: logging.getLogger("some.library").warning("old weights")
    )


def test_a_worker_process_is_heard(log):
    assert "corecbench.worker: it said this" in log(
        lambda host: logging.getLogger("corecbench.worker").info("it said this")
    )


def test_the_process_is_as_it_was_afterwards(log):
    before = list(logging.getLogger().handlers), LOG.level, warnings.showwarning
    log(lambda host: None)
    assert (list(logging.getLogger().handlers), LOG.level, warnings.showwarning) == before
