"""Tables that fit a terminal."""

import pandas as pd

from corecbench.api import Report
from corecbench.cli.tables import fit, width_of
from corecbench_plugins.reporters.text_markdown import Text

FRAME = pd.DataFrame(
    {
        "model": ["sasrec", "sasrec + llama"],
        "HR@10": [".1000", ".2000"],
        "MRR": [".0500", ".0600"],
        "p": ["-", ".020"],
        "users": ["943", "943"],
        "notes": ["", "kept the model alone, not clearly worse on validation: seed 0"],
    }
)
REPORT = Report("table", FRAME, FRAME, "A caption.", {(1, "p"): ["significant"]}, {}, {"HR@10": True, "MRR": True})


def text_of(width):
    return fit(REPORT, width, Text().render)


def test_a_table_that_fits_is_not_changed():
    assert text_of(200) == Text().render(REPORT)


def test_notes_move_below_the_table_first():
    text = text_of(70)
    assert width_of(text) <= 70
    assert "note on sasrec + llama: kept the model alone, not clearly worse on validation: seed 0" in text
    assert "users" in text
    assert "left out" not in text


def test_columns_are_left_out_in_a_fixed_order_and_named():
    text = text_of(40)
    assert width_of(text) <= 40
    assert text.endswith(
        "left out to fit 40 columns: users, p (`corecbench report --set report.wide=true` shows all)\n"
    )
    assert "MRR" in text.split("\n\n")[0]


def test_the_tested_metric_stays():
    frame = FRAME.rename(columns={"p": "MRR vs solo"})
    report = Report("table", frame, frame, "A caption.", {}, {}, REPORT.higher_is_better)
    table = fit(report, 5, Text().render).split("\n\n")[0]
    assert ".0600" in table
    assert "HR@10" not in table


def test_what_a_row_is_and_the_first_metric_stay():
    table = text_of(5).split("\n\n")[0]
    assert "sasrec + llama" in table
    assert ".2000" in table
    assert "MRR" not in table
