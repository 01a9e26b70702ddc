import io

import pandas as pd
import pytest
from rich.console import Console

from corecbench.api import DataError
from corecbench.cli.recommendation_text import layout, table
from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.results.recommendation import Item, Past, check_data, recommend
from corecbench.results.stored_lists import RankedSide, StoredLists
from corecbench.testing.toys import ToySource

TITLES = {"a": "Alien", "b": "Brazil", "c": "Casablanca", "d": "Dune", "e": "", "f": "Fargo", "g": "Gandhi"}
HOSTILE = "[bold]\x1b[31mRed\x1b[0m\r\nnew\u202e line\x9b2J <script>"


@pytest.fixture
def data():
    """Ann has seen a, b and c and is asked for d; Bob is asked for c."""
    return make_data(TITLES)


def make_data(titles):
    rows = [
        (user, item, time)
        for user, items in (("ann", "abcd"), ("bob", "gfeabdc"))
        for time, item in enumerate(items)
    ]
    dataset = load_dataset("toy", ToySource(rows, titles))
    return dataset, leave_one_out(dataset)


def make_row(items, rank=1, alone=None, side="domain"):
    """Make a row in which ann's best items are given, such as "efg", and bob has none but a."""
    users, places = ["bob", *["ann"] * len(items)], [1, *range(1, len(items) + 1)]
    top = pd.DataFrame({"user_id": users, "position": places, "item_id": ["a", *items], "score": 0.5})
    ranks = pd.DataFrame({"target_item_id": ["d", "c"], "rank": rank, "n_candidates": 4}, index=["ann", "bob"])
    name = "sasrec, with llama (bdlm)" if alone else "sasrec, alone"
    return RankedSide("sasrec+llama+bdlm" if alone else "sasrec", side, name, ranks, top, alone)


def make_stored(*rows):
    cell = {"name": "sasrec+llama+bdlm", "dataset": "toy", "seed": 3}
    return StoredLists({"cell": cell}, "domain", rows)


@pytest.fixture
def found(data):
    """A pair against sasrec alone: g is new, f moved up two places, e down one, d is dropped."""
    alone = make_row("edf", rank=2)
    return recommend(make_stored(alone, make_row("feg", rank=4, alone=alone)), *data, "ann")


def shown(found, width=80, n_history=10):
    """Return the lines as a terminal of that width shows them."""
    console = Console(file=io.StringIO(), width=width)
    console.print(layout(found, width, n_history))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_history_ends_with_the_validation_item_and_the_held_out_one(found):
    assert found.history == (
        Past("a", "Alien", "training"),
        Past("b", "Brazil", "training"),
        Past("c", "Casablanca", "validation"),
        Past("d", "Dune", "test"),
    )
    assert found.held_out.item_id == "d"


def test_a_list_says_what_became_of_each_item_of_the_model_alone(found):
    alone, pair = found.lists
    assert [(item.item_id, item.change, item.places, item.is_held_out) for item in pair.items] == [
        ("f", "up", 2, False),
        ("e", "down", 1, False),
        ("g", "new", 0, False),
    ]
    assert pair.dropped == (Item("d", "Dune"),)
    assert [(item.item_id, item.change, item.is_held_out) for item in alone.items] == [
        ("e", None, False),
        ("d", None, True),
        ("f", None, False),
    ]
    assert alone.dropped == ()


def test_a_list_has_the_rank_of_the_held_out_item(found):
    assert [(of.name, of.rank, of.n_candidates) for of in found.lists] == [
        ("sasrec, alone", 2, 4),
        ("sasrec, with llama (bdlm)", 4, 4),
    ]


def test_an_item_that_stays_is_the_same(data):
    alone = make_row("edf")
    pair = recommend(make_stored(alone, make_row("edg", alone=alone)), *data, "ann").lists[1]
    assert [item.change for item in pair.items] == ["same", "same", "new"]


def test_lists_are_compared_over_as_many_places_as_both_have(data):
    alone = make_row("ed")
    pair = recommend(make_stored(alone, make_row("fed", alone=alone)), *data, "ann").lists[1]
    assert [item.item_id for item in pair.items] == ["f", "e"]
    assert [item.item_id for item in pair.dropped] == ["d"]  # it is third, and alone it might be, too


def test_of_long_lists_as_many_items_are_taken_as_asked_for(data):
    (of,) = recommend(make_stored(make_row("defg")), *data, "ann", most=2).lists
    assert [item.item_id for item in of.items] == ["d", "e"]


@pytest.mark.parametrize("name", ["fingerprint", "split_fingerprint"])
def test_another_data_set_than_the_one_of_the_result_is_refused_in_one_line(data, name):
    dataset, split = data
    own = {"fingerprint": dataset.fingerprint, "split_fingerprint": split.fingerprint}
    check_data(dataset, split, {"data": own})
    with pytest.raises(DataError, match=f"'toy' is not what the cell was run on: its {name.replace('_', ' ')} is"):
        check_data(dataset, split, {"data": own | {name: "0123456789abcdef"}})


# --- as text ------------------------------------------------------------------------------------------------------


def test_the_text_shows_the_history_and_the_lists_side_by_side(found):
    assert shown(found, width=64) == [
        "user ann of toy, seed 3 of sasrec+llama+bdlm",
        "3 items before the held-out one:",
        "  Alien      training",
        "  Brazil     training",
        "  Casablanca validation",
        "* Dune       held out",
        "",
        "  sasrec, alone                  sasrec, with llama (bdlm)",
        "  held-out item: 2 of 4          held-out item: 4 of 4",
        "1   item e                       ↑2    Fargo",
        "2 * Dune                         ↓1    item e",
        "3   Fargo                        new   Gandhi",
        "",
        "dropped by sasrec, with llama (bdlm):",
        "  Dune",
        "",
        "*: the held-out item; new, ↑, ↓ and =: against the same model",
        "alone",
    ]


def test_of_a_long_history_the_latest_items_are_shown(found):
    lines = shown(found, n_history=1)
    assert lines[1:4] == [
        "3 items before the held-out one, the last 1:",
        "  Casablanca validation",
        "* Dune       held out",
    ]
    assert shown(found, n_history=0)[2] == "* Dune held out"


@pytest.mark.parametrize("width", [20, 30, 52, 80, 110])
def test_no_line_is_longer_than_the_terminal_is_wide(data, width):
    alone, llm = make_row("edf"), make_row("gef", side="llm")
    rows = alone, make_row("feg", alone=alone), llm, make_row("deg", alone=llm, side="llm")
    lines = shown(recommend(make_stored(*rows), *data, "ann"), width)
    assert max(map(len, lines)) <= width
    blocks = sum("held-out item: 1 of 4" in line for line in lines)
    assert blocks == {20: 0, 30: 4, 52: 2, 80: 2, 110: 1}[width]  # under 24 characters that breaks into two lines


def test_a_title_can_neither_control_the_terminal_nor_be_markup(data):
    data = make_data(TITLES | {"f": HOSTILE, "c": HOSTILE, "d": HOSTILE})
    alone = make_row("edf")
    text = "\n".join(shown(recommend(make_stored(alone, make_row("feg", alone=alone)), *data, "ann"), 200))
    assert (
        text.count("[bold] [31mRed [0m new line 2J <script>") == 6
    )  # twice in the history, thrice in lists, dropped
    assert all(character.isprintable() or character == "\n" for character in text)


# --- as a table ---------------------------------------------------------------------------------------------------


def test_the_table_holds_a_row_for_each_item_of_each_list(found):
    report = table(found)
    assert report.values.iloc[1].to_dict() == {
        "list": "sasrec, alone",
        "place": 2,
        "item": "d",
        "title": "Dune",
        "change": "",
        "held out": "*",
    }
    assert report.frame["change"].tolist() == ["", "", "", "↑2", "↓1", "new"]
    assert "The held-out item is Dune. sasrec, alone: held-out item: 2 of 4." in report.caption
