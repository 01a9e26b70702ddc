"""Several processes that need the same thing compute it once."""

import subprocess
import sys

WORK = """
import sys, time
from pathlib import Path
from corecbench_plugins.hf_llm.locks import only_one

path, log = Path(sys.argv[1]), Path(sys.argv[2])
if not path.exists():
    with only_one(path):
        if not path.exists():
            with log.open("a") as file:
                file.write("computed\\n")
            time.sleep(0.2)
            path.write_text("whole")
assert path.read_text() == "whole"
"""


def test_one_process_computes_and_the_others_find_it(tmp_path):
    path, log = tmp_path / "new" / "states", tmp_path / "log"
    command = [sys.executable, "-c", WORK, str(path), str(log)]
    started = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert log.read_text() == "computed\n"


def test_a_process_that_ends_leaves_nothing_locked(tmp_path):
    path = tmp_path / "states"
    dying = "import os, sys; from pathlib import Path; from corecbench_plugins.hf_llm.locks import only_one\n"
    dying += "with only_one(Path(sys.argv[1])): os._exit(1)"
    assert subprocess.run([sys.executable, "-c", dying, str(path)], check=False).returncode == 1
    log = tmp_path / "log"
    assert subprocess.run([sys.executable, "-c", WORK, str(path), str(log)], check=False).returncode == 0
