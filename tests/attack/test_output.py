"""An output that nobody reads, that is closed, or whose disk is full: the work goes on; the exit code says it."""

import os
import sys

import pytest
from in_process import InProcess

from corecbench.cli.main import main
from corecbench.experiment.execution.schedule import run
from corecbench.experiment.session import Steps

IN_PROCESS = Steps(run_plan=lambda *of_run: run(*of_run, InProcess(*of_run)))


def unread():
    """Return the end of a pipe whose other end is closed, as that of `head` is when it has enough."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full():
    """Return a file on a full disk."""
    return open("/dev/full", "w")


def closed():
    """Return what Python makes of a stream that the shell has closed, as by `>&-`."""


OUTPUTS = [(unread, 1, ""), (full, 1, "warning: nothing more can be written to stdout (No space left on device)\n")]


@pytest.fixture
def ends(monkeypatch, capfd):
    """Return exit code and stderr of a verb whose stdout is another one."""

    def call(stdout, *args):
        monkeypatch.setattr("sys.stdout", stdout())
        with pytest.raises(SystemExit) as ended:
            main(args, obj=IN_PROCESS)
        sys.stdout.close()
        return ended.value.code, capfd.readouterr().err

    return call


@pytest.mark.parametrize(("stdout", "code", "said"), [*OUTPUTS, (closed, 0, "")])
def test_a_run_is_stored_whoever_reads_what_it_prints(ends, toy_folder, tmp_path, stdout, code, said):
    of_run = ["--models=popularity", "--no-references", f"--datasets={toy_folder}", f"--results={tmp_path}"]
    assert ends(stdout, "run", "--quiet", *of_run)[0] == code
    assert (tmp_path / "default" / "table.txt").exists()
    assert ends(stdout, "run", "--plan", *of_run) == (code, said)


@pytest.mark.parametrize(("stdout", "code", "said"), [*OUTPUTS, (closed, 0, "")])
def test_a_list_that_nobody_reads_ends_without_a_traceback(ends, stdout, code, said):
    assert ends(stdout, "describe", "metrics") == (code, said)


def test_an_error_that_cannot_be_said_keeps_its_exit_code(monkeypatch):
    with full() as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        with pytest.raises(SystemExit) as ended:
            main(["nonsense"])
    assert ended.value.code == 2
