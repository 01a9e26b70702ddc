"""Each measuring script runs once on tiny sizes, without thresholds and without installing peers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import evaluation
import pytest

FOLDER = Path(evaluation.__file__).parent


@pytest.fixture(scope="module")
def record_of(tmp_path_factory, cache):
    """Run a script once on tiny sizes, and return its record: `record_of("evaluation")`."""
    records = {}

    def record(name):
        if name not in records:
            out = tmp_path_factory.mktemp(name)
            command = [
                sys.executable,
                FOLDER / f"{name}.py",
                "--tiny",
                "--no-install",
                "--peers",
                out,
                "--out",
                out,
            ]
            environment = {**os.environ, "CORECBENCH_CACHE": str(cache)}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr
            assert f"\n| {name} | " in done.stdout
            records[name] = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        return records[name]

    return record


def sides_of(record):
    return {name: side for comparison in record["comparisons"] for name, side in comparison["sides"].items()}


@pytest.mark.parametrize("name", ["evaluation", "domain_training", "models", "encoding"])
def test_a_script_measures_every_side_or_says_why_not(record_of, name):
    record = record_of(name)
    assert record["tiny"]
    for side, measured in sides_of(record).items():
        assert "failed" not in measured, side
        assert "cannot" in measured or measured["cpu_s"]["median"] >= 0


def test_peers_that_are_not_there_are_not_left_out_silently(record_of):
    sides = sides_of(record_of("evaluation"))
    assert sides["RecBole, its default batch"]["cannot"].startswith("its environment is not there")


def test_both_sides_of_encoding_have_the_same_states(record_of):
    (comparison,) = record_of("encoding")["comparisons"]
    assert comparison["checks"][0].startswith("mean states of a title differ by at most ")
