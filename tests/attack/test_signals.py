"""SIGTERM and SIGINT: the run ends within seconds, says how it goes on, and has lost next to nothing."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

SLOW = """
    import os, time

    class Model(Model):
        def train(self, mode=True):
            if mode:
                with open(os.environ["CORECBENCH_NOTES"], "a") as file:
                    print("epoch", file=file)
                time.sleep(0.3)
            return super().train(mode)
"""


def crowd():
    """Return how many processes want each processor, 1 at least: a run ends so much later."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_asked_to_end_writes_its_state_and_goes_on_there(
    tmp_path, toy_folder, domain_model, monkeypatch, number, code
):
    notes = tmp_path / "notes"
    monkeypatch.setenv("CORECBENCH_NOTES", str(notes))
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    settings = ["--set=mine.epochs=8", "--set=mine.patience=99", f"--plugin={domain_model(SLOW)}"]
    places = [f"--datasets={toy_folder}", f"--results={tmp_path / 'results'}"]
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import corecbench.__main__"
    command = [sys.executable, "-c", start, "run", "--no-references", "--models=mine", *settings, *places]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        end = time.monotonic() + 120
        while not (notes.exists() and notes.read_text().count("epoch") >= 3) and time.monotonic() < end:
            time.sleep(0.02)
        run.send_signal(number)
        asked = time.monotonic()
        _, said = run.communicate(timeout=60)
        assert time.monotonic() - asked < 5 * crowd()
    assert run.returncode == code
    assert re.search(r"error: (interrupted|asked to end); the same command goes on where it stopped\n\Z", said)
    hidden = {path.name.rpartition(".")[2] for path in (tmp_path / "results").rglob(".*")}
    assert hidden == {"state"}
    again = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert notes.read_text().count("epoch") == 8  # none was trained twice
    assert not list((tmp_path / "results").rglob(".*"))
