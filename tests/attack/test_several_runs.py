"""Several runs on one results folder: each cell is trained once, and one whose run dies is taken over."""

import os
import subprocess
import sys

import pytest

MODEL = """
    import os, time
    from pathlib import Path

    import torch

    from corecbench.api import DomainModelComponent, States, Training, hookimpl

    NOTES = Path(os.environ["CORECBENCH_NOTES"])

    class Model(torch.nn.Module):
        examples = "pairs"

        def __init__(self, config, setup, ids):
            super().__init__()
            tables = ids(8)
            self.user, self.item, self.seed = tables.user, tables.item, setup.seed

        def train(self, mode=True):
            if mode:
                with (NOTES / "trained").open("a") as file:
                    print(self.seed, file=file)
                if self.seed == 0 and not (NOTES / "held").exists():
                    (NOTES / "held").touch()
                    time.sleep(600)
            return super().train(mode)

        def states(self, batch):
            return States(self.user(batch.user), self.item.weight)

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Model, Training)]
"""


@pytest.fixture
def start(tmp_path, toy_folder, loose_file, monkeypatch):
    """Start a run of three seeds of one epoch; the first run to train seed 0 sleeps there."""
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv("CORECBENCH_NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    options = ["--models=mine", "--seeds=0-2", "--set=mine.epochs=1", f"--plugin={loose_file('mine', MODEL)}"]
    places = [f"--datasets={toy_folder}", f"--results={tmp_path / 'results'}", "--jobs=1"]

    def run():
        command = [sys.executable, "-m", "corecbench", "run", *options, *places]
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
