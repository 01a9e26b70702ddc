"""Several runs on one results folder: each cell is trained once, and one whose run dies is taken over."""

import os
import subprocess
import sys

import pytest

HELD = """
    import os, time
    from pathlib import Path

    NOTES = Path(os.environ["CORECBENCH_NOTES"])

    class Model(Model):
        def train(self, mode=True):
            if mode:
                with (NOTES / "trained").open("a") as file:
                    print(self.setup.seed, file=file)
                if self.setup.seed == 0 and not (NOTES / "held").exists():
                    (NOTES / "held").touch()
                    time.sleep(600)
            return super().train(mode)
"""


@pytest.fixture
def start(tmp_path, toy_folder, domain_model, monkeypatch):
    """Start a run of three seeds of one epoch; the first run to train seed 0 sleeps there."""
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv("CORECBENCH_NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    options = ["--models=mine", "--seeds=0-2", "--set=mine.epochs=1", f"--plugin={domain_model(HELD)}"]
    places = [f"--datasets={toy_folder}", f"--results={tmp_path / 'results'}", "--jobs=1"]

    def run():
        command = [sys.executable, "-m", "corecbench", "run", "--no-references", *options, *places]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return run


def test_each_cell_is_trained_once_and_that_of_a_run_that_dies_is_taken_over(tmp_path, start):
    with start() as first, start() as second:
        lines = {}
        for run in (first, second):
            for line in run.stderr:
                if "waiting" in line:
                    lines[run] = line
                    break
                if "seed 0: started" in line:
                    holder = run
                    break
        other = second if holder is first else first
        line = lines.get(other) or next(line for line in other.stderr if "waiting" in line)
        assert (
            line == f"waiting for mine, toy, seed 0, which process {holder.pid} on {os.uname().nodename} trains\n"
        )
        holder.kill()
        out, err = other.communicate(timeout=200)
    assert other.returncode == 0, err
    assert " 3 seeds" in out or "seed" in out
    assert sorted((tmp_path / "notes" / "trained").read_text().split()) == ["0", "0", "1", "2"]
    assert not list((tmp_path / "results").rglob(".*"))
