"""The parts of a split in which interactions have equal times."""

import pytest

from corecbench.data.dataset import load_dataset
from corecbench.data.loaded import SplitDataset
from corecbench.data.split import leave_one_out
from corecbench.exchange.layouts import sequences
from corecbench.exchange.parts import Parts
from corecbench.testing.toys import ToySource

ROWS = [("a", "u", 1), ("a", "v", 2), ("a", "w", 2), ("a", "x", 3), *(("b", item, 1) for item in "uvw")]


@pytest.fixture
def parts():
    """Return the parts under a rule: a's validation item is v or w, and all that b did has one time."""

    def make(ties):
        dataset = load_dataset("toy", ToySource(ROWS, {}))
        return Parts(SplitDataset(None, dataset, leave_one_out(dataset, ties)), max_history=5)

    return make


def rows(table):
    return sorted(zip(table["user_id"], table["item_id"], strict=True))


def test_what_no_part_holds_because_of_equal_times_is_a_table_of_its_own(parts):
    tables = parts("random").tables
    ((_, validation),) = rows(tables["validation"])
    (beside,) = {"v", "w"} - {validation}
    assert rows(tables["left_out"]) == [("a", beside)]
    assert rows(tables["test"]) == [("a", "x")]
    assert rows(tables["train"]) == [("a", "u"), ("b", "u"), ("b", "v"), ("b", "w")]


def test_where_the_file_decides_every_interaction_is_in_a_part(parts):
    tables = parts("file").tables
    assert "left_out" not in tables
    assert [rows(tables[part]) for part in ("validation", "test")] == [
        [("a", "w"), ("b", "v")],
        [("a", "x"), ("b", "w")],
    ]


def test_histories_end_before_the_time_of_the_item_that_follows(parts):
    found = sequences(parts("random"))
    ((_, history, _),) = found["valid"].to_numpy().tolist()
    assert history == "u"
    ((_, history, item),) = found["test"].to_numpy().tolist()
    assert (sorted(history.split()), item) == (["u", "v", "w"], "x")
