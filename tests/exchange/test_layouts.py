"""What stands in the files of a split: ids as they are, titles that a spreadsheet does not compute."""

from types import SimpleNamespace

import pandas as pd
import pytest

from corecbench.exchange.layouts import LAYOUTS

TITLES = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "Heat", "3-2=1"]


@pytest.mark.parametrize("layout", ["csv", "rectools"])
def test_a_title_that_a_spreadsheet_would_compute_gets_an_apostrophe_and_an_id_stays(tmp_path, layout):
    ids = [f"={number}" for number in range(len(TITLES))]
    rows = pd.DataFrame({"user_id": ids, "item_id": ids, "timestamp": 1.0})
    items = pd.DataFrame({"item_id": ids, "title": TITLES})
    LAYOUTS[layout].write(SimpleNamespace(tables={"train": rows, "items": items}), tmp_path)
    found = pd.read_csv(tmp_path / "items.csv", dtype=str)
    assert found["item_id"].tolist() == ids
    assert found["title"].tolist() == [*(f"'{title}" for title in TITLES[:5]), *TITLES[5:]]
    assert pd.read_csv(tmp_path / "train.csv", dtype=str)["user_id"].tolist() == ids
