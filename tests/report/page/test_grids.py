import pandas as pd
import pytest

from corecbench.api import Report
from corecbench.report.page.blocks import grid, on


@pytest.fixture
def report():
    frame = pd.DataFrame(
        {
            "data set": ["a", "b", "a"],
            "model": ["x<y", "x", "z"],
            "MRR": [".5000", "-", ".2500"],
            "95% interval": ["[-.0100, +.0200]", "-", "[+.1000, +.2000]"],
            "control": ["-", "c", "-"],
            "notes": ["", "failed", ""],
        }
    )
    values = pd.DataFrame({"data set": ["a", "b", "a"], "model": ["x<y", "x", "z"], "MRR": [1 / 2, None, 1 / 4]})
    values["control"], values["notes"] = frame["control"], frame["notes"]
    marks = {(0, "MRR"): ["best"], (2, "MRR"): ["second", "significant"]}
    return Report("toy", frame, values.astype(object), "", marks, {}, {"MRR": True, "95% interval": True})


def column(found, number):
    return [row[number] for row in found.rows]


def test_text_is_escaped_and_marks_are_not(report):
    found = grid(report, "toys")
    assert [field.markup for field in column(found, 1)] == ["x&lt;y", "x", "z"]
    assert [field.markup for field in column(found, 2)] == [
        "<strong>.5000</strong>",
        "-",
        "<u>.2500</u><sup>*</sup>",
    ]


def test_numbers_are_sorted_by_what_is_not_rounded_and_intervals_by_their_low_end(report):
    found = grid(report, "toys")
    assert [head.is_number for head in found.heads] == [False, False, True, True, False, False]
    assert [field.order for field in column(found, 2)] == [1, None, 0]
    assert [field.order for field in column(found, 3)] == [0, None, 1]
    assert [field.order for field in column(found, 5)] == [None, None, None]


def test_what_is_rounded_to_the_same_number_is_sorted_exactly(report):
    report.values.loc[2, "MRR"] = 0.50001
    report.frame.loc[2, "MRR"] = ".5000"
    assert [field.order for field in column(grid(report, "toys"), 2)] == [0, None, 1]


def test_sorting_begins_with_the_best_of_a_metric(report):
    assert [head.descends for head in grid(report, "toys").heads] == [False, False, True, True, False, False]


def test_the_part_on_a_data_set_has_neither_its_name_nor_empty_columns(report):
    assert list(on(report, "a").frame) == ["model", "MRR", "95% interval"]
    assert list(on(report, "b").frame) == ["model", "MRR", "95% interval", "control", "notes"]
    assert on(report, "a").marks == {(0, "MRR"): ["best"], (1, "MRR"): ["second", "significant"]}
