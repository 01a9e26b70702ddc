"""Every kind of data set gives the further columns of its items."""

import pandas as pd
import pytest

from corecbench.data.dataset import load_dataset
from corecbench.data.loaded import read_datasets
from corecbench.settings.config import PerDataset, RunConfig
from corecbench.testing.toys import circle, write_atomic
from corecbench_plugins.datasets.csv_file import open_csv
from corecbench_plugins.datasets.ml100k import open_ml100k
from corecbench_plugins.datasets.parquet_file import open_parquet
from corecbench_plugins.datasets.published import AmazonReviews
from corecbench_plugins.datasets.settings import Columns, Csv


@pytest.fixture
def tables(tmp_path):
    """Two tables in files, as CSV and as Parquet; the title of an item has another name."""
    interactions = circle().interactions()
    items = circle().items().rename(columns={"title": "name"})
    items = items.assign(maker="Q&amp;A ", year=1990, price=0.5, title="no title")
    for name, table in (("ratings", interactions), ("things", items)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        table.to_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def columns(tables, suffix):
    return {"path": str(tables / f"ratings{suffix}"), "items": str(tables / f"things{suffix}"), "title": "name"}


def test_a_csv_file_of_items_gives_all_its_columns(tables):
    items = open_csv(Csv(**columns(tables, ".csv"))).items()
    assert items.iloc[0].to_dict() == {
        "item_id": "i0",
        "title": "red apple",
        "name": "red apple",
        "maker": "Q&A",
        "year": "1990",
        "price": "0.5",
    }


def test_a_parquet_file_of_items_gives_its_columns_of_text_and_integers(tables):
    items = open_parquet(Columns(**columns(tables, ".parquet"))).items()
    assert items.iloc[0].to_dict() == {
        "item_id": "i0",
        "title": "red apple",
        "name": "red apple",
        "maker": "Q&A",
        "year": "1990",
    }


def test_titles_among_the_interactions_are_the_only_field(tmp_path):
    circle().interactions().assign(title="a title", rating=5).to_csv(tmp_path / "ratings.csv", index=False)
    assert list(open_csv(Csv(str(tmp_path / "ratings.csv"))).items()) == ["item_id", "title"]


def test_an_atomic_file_gives_all_its_columns(tmp_path, host):
    folder = write_atomic(circle(), tmp_path / "toy")
    lines = (folder / "toy.item").read_text().splitlines()
    more = ["\tcategories:token_seq\tprice:float", *["\tTools &amp; toys\tnan"] * (len(lines) - 1)]
    text = "".join(f"{line}{fields}\n" for line, fields in zip(lines, more, strict=True))
    (folder / "toy.item").write_text(text)
    source = host.build(host.select("datasets", str(folder), {}))
    assert source.items().iloc[0].to_dict() == {
        "item_id": "i0",
        "title": "red apple",
        "categories": "Tools & toys",
        "price": "nan",
    }
    assert load_dataset("toy", source, item_text="{title}: {categories}").catalog.item_texts[1] == (
        "red apple: Tools & toys"
    )
    assert AmazonReviews(folder).items()["price"].tolist() == [""] * 20


def test_ml_100k_has_genres():
    items = open_ml100k().items()
    assert items.iloc[0].to_dict() == {
        "item_id": "1",
        "title": "Toy Story",
        "release_year": "1995",
        "class": "Animation Children's Comedy",
    }


def test_a_data_set_may_have_a_text_of_its_own(host, toy_folder):
    config = RunConfig(
        datasets=("ml-100k", str(toy_folder)),
        item_text="{title}",
        per_dataset={"ml-100k": PerDataset(item_text="{title} ({release_year}); {class}")},
    )
    films, toys = read_datasets(config, host)
    assert "Toy Story (1995); Animation Children's Comedy" in films.catalog.item_texts
    assert toys.catalog.item_texts[1] == "red apple"
    assert isinstance(films.dataset.facts["items_without_text"], int)
    assert pd.Series(films.catalog.item_texts[1:]).str.endswith("; ").sum() == 0
