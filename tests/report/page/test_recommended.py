"""Lists of a few users on the page."""

import pytest

from corecbench.report.page.blocks import Grid, Heading, Text
from corecbench.report.page.render import WHO, lists, recommended_to_users, short
from corecbench.report.publish import gather, recommended
from corecbench.results.recommendation import Item, Past, Recommendation, Recommended, TopList

from .conftest import EVIL

HELD_OUT = Past("i9", "3 in a Row", "test")


@pytest.fixture
def found():
    """A user whose held-out item the pair puts first, and whose items have titles that begin with numbers."""
    old, new = Item("i1", "10 Old Things"), Item("i9", "3 in a Row")
    alone = TopList(
        "sasrec", "domain", "sasrec, alone", 7, 100, (Recommended("i1", old.title, 2.0, False, None, 0),), ()
    )
    items = (Recommended("i9", new.title, 3.0, True, "new", 0), Recommended("i2", EVIL, 2.0, False, "up", 4))
    pair = TopList("sasrec+llama+bdlm", "domain", "sasrec, with llama (bdlm)", 1, 100, items, (old,))
    history = (Past("i3", "A", "training"), Past("i4", EVIL, "validation"), HELD_OUT)
    return Recommendation("toys", "u1", "sasrec+llama+bdlm", 0, history, (alone, pair))


def test_lists_stand_side_by_side_with_ranks_and_changes(found):
    frame = lists(found).frame
    assert list(frame) == ["place", "sasrec, alone", "sasrec, with llama (bdlm)"]
    assert frame["place"].tolist() == ["", "1", "2"]
    assert frame["sasrec, alone"].tolist() == ["held-out item: 7 of 100", "10 Old Things", ""]
    assert frame["sasrec, with llama (bdlm)"].tolist()[:2] == ["held-out item: 1 of 100", "* new 3 in a Row"]
    assert frame["sasrec, with llama (bdlm)"].iloc[2].startswith("↑4 <script>")


def test_each_user_has_a_heading_a_history_and_a_table(found):
    made = list(recommended_to_users([found] * len(WHO)))
    assert [block.text for block in made if isinstance(block, Heading)] == [
        f"{who}: user u1" for who in WHO.values()
    ]
    assert "The latest of 2 items before the held-out one: A; " in next(b.text for b in made if isinstance(b, Text))
    assert sum(isinstance(block, Grid) for block in made) == len(WHO)


def test_titles_stay_text_and_are_not_sorted_as_numbers(found):
    (grid, *_) = (block for block in recommended_to_users([found] * len(WHO)) if isinstance(block, Grid))
    assert [head.is_number for head in grid.heads] == [True, False, False]
    markup = [field.markup for row in grid.rows for field in row]
    assert any("&lt;script&gt;" in text for text in markup)
    assert not any("<script" in text for text in markup)


def test_a_long_title_is_cut():
    assert short("a title") == "a title"
    assert len(short("words " * 50)) == 60


def test_results_without_lists_say_why(suite, host):
    store = suite.bench.store
    evidence = gather(host, store, list(store.records()), ["NDCG@10"])
    (reason, *_) = recommended(host, store, evidence).values()
    assert reason.startswith("Lists cannot be shown: ")
