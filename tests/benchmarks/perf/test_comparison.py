"""Sides run in turn; medians and ratios are taken over rounds; what fails is recorded."""

import sys
from pathlib import Path

import pytest
from measuring.comparison import Comparison, Target, measure, outcome, spread
from measuring.options import Options
from measuring.record import read, write
from measuring.sides import Side, SideError, run_side
from measuring.table import table

PROGRAM = """
import sys
from measuring.clock import Cost, report
with open(sys.argv[1], "a") as file:
    file.write(sys.argv[2])
report(Cost(float(sys.argv[3]), 1.0, 5), ("numpy",), batch=int(sys.argv[3]), remark="as asked")
"""


@pytest.fixture
def options(tmp_path):
    """Two rounds of one thread."""
    return Options(False, 2, 1, tmp_path / "out", tmp_path / "peers", False, "", False)


@pytest.fixture
def side(tmp_path):
    """Make a side that notes its name when it runs and says what it was told: `side("a", cpu_s=2)`."""

    def make(name, cpu_s):
        return Side(name, [sys.executable, "-c", PROGRAM, tmp_path / "order", name, str(cpu_s)])

    return make


def test_sides_run_in_turn(side, options, tmp_path):
    measure(Comparison("work", [side("a", 1), side("b", 2)]), options)
    assert (tmp_path / "order").read_text() == "abab"


def test_long_work_has_fewer_rounds(side, options, tmp_path):
    found = measure(Comparison("work", [side("a", 1)], most_rounds=1), options)
    assert found["sides"]["a"]["cpu_s"]["values"] == [1.0]


def test_a_check_sees_a_first_run_that_does_not_count(side, options, tmp_path):
    seen = []

    def check(first):
        seen.append(first["a"]["cpu_s"])
        return ["equal"]

    found = measure(Comparison("work", [side("a", 1)], check=check), options)
    assert seen == [1.0]
    assert found["checks"] == ["equal"]
    assert (tmp_path / "order").read_text() == "aaa"
    assert found["sides"]["a"]["cpu_s"]["values"] == [1.0, 1.0]


def test_a_ratio_is_one_of_medians(side, options):
    targets = [Target("b", "a", at_least=3), Target("b", "a", at_most=3, quantity="batch"), Target("b", at_most=4)]
    found = measure(Comparison("work", [side("a", 2), side("b", 5)], targets), options)["targets"]
    assert [target["value"] for target in found] == [2.5, 2.5, 5.0]
    assert [target["met"] for target in found] == [False, True, False]


def test_the_median_of_an_even_number_is_the_middle():
    assert spread([4, 1, 3, 2])["median"] == 5 / 2


def test_a_side_that_fails_is_recorded_and_stops_no_other(side, options):
    broken = Side("broken", [sys.executable, "-c", "raise SystemExit('no such thing')"])
    found = measure(Comparison("work", [broken, side("a", 1)], [Target("broken", "a")]), options)
    assert "no such thing" in found["sides"]["broken"]["failed"]
    assert found["sides"]["a"]["cpu_s"]["median"] == 1
    assert found["targets"][0]["value"] is None


def test_a_side_that_cannot_is_recorded(options):
    found = measure(Comparison("work", [Side("a", [], cannot="it has no ranks")], [Target("a", "a")]), options)
    assert found["sides"]["a"]["cannot"] == "it has no ranks"
    assert outcome(Target("a", "b"), found["sides"])["met"] is None


def test_the_error_of_a_program_is_shown():
    with pytest.raises(SideError, match=r"(?s)ended with exit code 1:\n.*ZeroDivisionError"):
        run_side(Side("a", [sys.executable, "-c", "1/0"]), 1)


def test_sides_have_so_many_threads():
    program = "import os\nfrom measuring.clock import *\nreport(Cost(1, 1, 1), n=os.environ['OMP_NUM_THREADS'])"
    assert run_side(Side("a", [sys.executable, "-c", program]), 3)["facts"]["n"] == "3"


def test_a_record_comes_back_and_is_shown(side, options):
    comparison = measure(Comparison("work", [side("a", 2), side("b", 4)], [Target("b", "a", at_least=3)]), options)
    record = {
        "name": "some",
        "started": "2026-01-02T03:04:05",
        "machine": "a processor",
        "threads": 1,
        "rounds": 2,
        "tiny": False,
        "busy": True,
        "versions": {"corecbench": "0.2", "torch": "2.13"},
        "comparisons": [comparison],
    }
    write(record, options.out)
    assert read(options.out) == [record]
    shown = table(read(options.out))
    assert "| some | 2026-01-02 | a processor | 2 | 0.2 | 2.13 | yes |" in shown
    assert "| some: work | b / a | CPU s 2 (at least 3, missed) |" in shown
    assert "|  | b (as asked) | 4 | 0 MiB |" in shown


def test_no_part_of_a_record_stays_behind(options):
    write({"name": "some"}, options.out)
    assert [path.name for path in Path(options.out).iterdir()] == ["some.json"]
