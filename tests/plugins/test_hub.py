"""The hub's own library reads a local folder as it reads a data set of the hub."""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corecbench.api import DataError, UsageError
from corecbench_plugins.datasets.hub import open_hub
from corecbench_plugins.datasets.settings import Hub

CARD = """\
---
configs:
- config_name: reviews
  data_files:
  - split: full
    path: reviews.parquet
- config_name: meta
  data_files:
  - split: full
    path: meta.parquet
---
"""
SUBSETS = {"subset": "reviews", "split": "full", "items": "meta", "items_split": "full"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make a folder like that of a data set with two subsets; what `datasets` caches goes beside it."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "films"
    made.mkdir()
    (made / "README.md").write_text(CARD)
    reviews = {"user_id": ["b", "a", "a"], "parent": ["x", "y", "x"], "timestamp": [9, 7, 5]}
    pq.write_table(pa.table(reviews), made / "reviews.parquet")
    pq.write_table(pa.table({"parent": ["x", "y"], "title": ["Ex", None]}), made / "meta.parquet")
    return made


def test_interactions_and_titles_are_two_subsets(folder):
    source = open_hub(Hub("./films", item="parent", **SUBSETS))
    assert source.interactions().to_dict("list") == {
        "user_id": ["b", "a", "a"],
        "item_id": ["x", "y", "x"],
        "timestamp": [9, 7, 5],
    }
    assert source.items().to_dict("list") == {"item_id": ["x", "y"], "title": ["Ex", ""]}


@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        ({"path": "./no-films"}, "hub:./no-films:train: "),
        ({"path": "./films", "subset": "review"}, "hub:./films:review:train: "),
        ({"path": "./films", "subset": "reviews", "split": "test"}, "hub:./films:reviews:test: "),
    ],
)
def test_what_is_not_there_is_one_line(folder, settings, beginning):
    with pytest.raises(DataError) as error:
        open_hub(Hub(**settings)).interactions()
    assert str(error.value).startswith(beginning)
    assert "\n" not in str(error.value)


def test_a_column_is_looked_for_by_the_name_in_the_settings(folder):
    with pytest.raises(DataError) as error:
        open_hub(Hub("./films", **SUBSETS)).interactions()
    assert str(error.value) == "hub:./films:reviews:full: column item_id: missing; have: user_id, parent, timestamp"


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match=r"pip install 'corecbench\[hub\]'"):
        open_hub(Hub("films")).interactions()
