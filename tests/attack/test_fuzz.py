"""Inputs that were good before something was changed: a clean refusal or a valid reading, for each of many.

`python tests/attack/run.py fuzz` tries more of the same.
"""

import random
import time

import pytest
from fuzzing.inputs import Kind, kinds
from fuzzing.mutations import in_any_way, in_bytes
from fuzzing.running import HangError, limited, run

from corecbench.api import DataError

INPUTS = {"result.json": 60, "ranks.parquet": 60, "top.parquet": 60, "items.parquet": 60}
KINDS = {kind.name: kind for kind in kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_input_is_refused_in_a_line_or_read_as_another(name):
    count = run(KINDS[name], INPUTS.get(name, 150))
    assert count.faults == []
    assert count.refused > count.inputs / 3
    assert count.inputs == count.refused + count.equal + count.different


def test_the_same_seed_makes_the_same_inputs():
    changed = [in_any_way(b"a,b\n1,2\n", random.Random("7")) for _ in range(2)]
    assert changed[0] == changed[1]
    assert in_bytes(b"abc", random.Random("1")) != in_bytes(b"abc", random.Random("2"))


def planted(read, has_checksum=False):
    """Return a kind of input with a reader that has a fault."""

    def make(folder):
        path = folder / "toy.txt"
        path.write_text("good")
        return path

    return Kind("planted", make, lambda data, draw: b"bad" + bytes([draw.randrange(5)]), read, has_checksum)


def raise_if_bad(error):
    def read(path):
        if path.read_bytes() != b"good":
            raise error
        return "good"

    return read


@pytest.mark.parametrize(
    ("read", "has_checksum", "fault"),
    [
        (raise_if_bad(KeyError("x")), False, "KeyError"),
        (raise_if_bad(DataError("two\nlines")), False, "message of"),
        (raise_if_bad(SystemExit()), False, "SystemExit"),
        (lambda path: path.read_bytes(), True, "a checksum must tell"),
        (lambda path: "good", True, ""),
        (lambda path: path.read_bytes(), False, ""),
        (raise_if_bad(DataError("one line")), True, ""),
    ],
)
def test_a_fault_of_a_reader_is_found(read, has_checksum, fault):
    count = run(planted(read, has_checksum), 3)
    assert len(count.faults) == (3 if fault else 0)
    assert all(fault in each for each in count.faults)


def test_a_reader_that_hangs_is_stopped():
    with pytest.raises(HangError, match="more than 0 s"), limited(0.01):
        time.sleep(5)
