"""The data sets that are fetched: where they are looked for, and how their files are read."""

import os
from pathlib import Path

import pytest

from corecbench.api import DataError
from corecbench.data.dataset import load_dataset

NAMES = ("ml-1m", "amazon-beauty", "amazon-toys-games", "amazon-beauty-timed", "amazon-games")
REAL = Path(os.environ.get("CORECBENCH_DATA", "no-such-folder"))
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
ROWS = [f"u{user}\ti{item}\t5.0\t{time}.0\n" for user in range(5) for time, item in enumerate(range(5))]
FILM_HEADER = "item_id:token\tmovie_title:token_seq\trelease_year:token\tgenre:token_seq\n"
PRODUCT_COLUMNS = ["item_id:token", "title:token", "sales_type:token", "sales_rank:float", "categories:token_seq"]
PRODUCT_HEADER = "\t".join([*PRODUCT_COLUMNS, "price:float", "brand:token\n"])


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A data folder and a cache, both empty, in which data sets are looked for."""
    monkeypatch.setenv("CORECBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data", tmp_path / "cache" / "datasets"


def build(host, name, **settings):
    return host.build(host.select("datasets", name, {name: settings}))


def write(folder, name, inter, item):
    (folder / name).mkdir(parents=True)
    (folder / name / f"{name}.inter").write_text(INTER + "".join(inter))
    (folder / name / f"{name}.item").write_text(item)


def films(*titles):
    return FILM_HEADER + "".join(f"i{item}\t{title}\t1995\tDrama\n" for item, title in enumerate(titles))


def products(*titles):
    return PRODUCT_HEADER + "".join(
        f"i{item}\t{title}\tBeauty\t7.0\t['x']\tnan\tnan\n" for item, title in enumerate(titles)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_set_that_is_not_here_is_an_error_with_the_places_and_the_command(host, places, name):
    with pytest.raises(DataError) as error:
        build(host, name)
    data, cache = places
    assert str(error.value) == (
        f"data set '{name}' is not here; looked for {data / name}, {cache / name}; "
        f"get it: corecbench datasets fetch {name}"
    )


def test_without_a_data_folder_only_the_cache_is_looked_into(host, places, monkeypatch):
    monkeypatch.delenv("CORECBENCH_DATA")
    with pytest.raises(DataError, match=f"looked for {places[1] / 'ml-1m'}; get it"):
        build(host, "ml-1m")


def test_the_data_folder_comes_before_the_cache(host, places):
    data, cache = places
    write(cache, "ml-1m", ROWS, films(*"abcde"))
    assert build(host, "ml-1m").inter.parent == cache / "ml-1m"
    write(data, "ml-1m", ROWS, films(*"abcde"))
    assert build(host, "ml-1m").inter.parent == data / "ml-1m"


def test_film_titles_have_their_article_in_front(host, places):
    write(places[0], "ml-1m", ROWS, films("Usual Suspects, The", "Big Night (1996)", "Enfer, L'", "d", "e"))
    assert build(host, "ml-1m").items()["title"].tolist() == [
        "The Usual Suspects",
        "Big Night (1996)",
        "L'Enfer",
        "d",
        "e",
    ]


def test_a_product_without_title_or_metadata_has_no_text(host, places):
    write(places[0], "amazon-beauty", ROWS, products("nan", "Soap &amp; Co", "", "nan nan"))
    dataset = load_dataset("amazon-beauty", build(host, "amazon-beauty"))
    assert dataset.catalog.item_texts == ("", "", "Soap & Co", "", "nan nan", "")
    assert dataset.facts["items_without_text"] == 3


def test_a_film_that_is_not_listed_is_an_error(host, places):
    write(places[0], "ml-1m", ROWS, films(*"abcd"))
    with pytest.raises(DataError, match=r"'i4' is not in ml-1m\.item"):
        build(host, "ml-1m").interactions()


# Beside five users who have five items each there is one with four, and an item that only he has.
FEW = [f"few\ti{item}\t5.0\t{item}.0\n" for item in (0, 1, 2, 9)]


@pytest.mark.parametrize(
    ("settings", "k_core", "n_users"), [({}, 5, 5), ({"k_core": 4}, 4, 5), ({"k_core": 0}, 0, 6)]
)
def test_of_an_amazon_set_the_5_core_is_used_unless_settings_say_otherwise(host, places, settings, k_core, n_users):
    write(places[0], "amazon-toys-games", ROWS + FEW, products(*"abcde"))
    facts = load_dataset("toys", build(host, "amazon-toys-games", **settings)).facts
    assert (facts["k_core"], facts["n_users"], facts["removed_users"]) == (k_core, n_users, 6 - n_users)
    assert facts["removed_interactions"] == (0 if n_users == 6 else 4)


def test_of_a_film_set_everything_is_used_unless_settings_say_otherwise(host, places):
    write(places[0], "ml-1m", ROWS + FEW[:3], films(*"abcde"))
    assert load_dataset("ml-1m", build(host, "ml-1m")).facts["n_users"] == 6
    assert load_dataset("ml-1m", build(host, "ml-1m", k_core=5)).facts["n_users"] == 5


# From each set's PROVENANCE.md: users, items, interactions without repeated pairs, items without text.
KNOWN = {
    "ml-1m": (6_040, 3_416, 999_611, 0),
    "amazon-beauty": (22_363, 12_101, 198_502, 7),
    "amazon-toys-games": (19_124, 11_758, 165_247, 0),
    "amazon-beauty-timed": (22_332, 12_086, 198_215, 0),
    "amazon-games": (50_597, 16_874, 453_637 - 390, 0),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_real_set_is_found_in_the_data_folder_and_has_its_known_size(host, monkeypatch, name):
    if not (REAL / name).is_dir():
        pytest.skip(f"{name} is not here; CORECBENCH_DATA names the folder that has it")
    monkeypatch.setenv("CORECBENCH_DATA", str(REAL))
    dataset = load_dataset(name, build(host, name))
    facts = dataset.facts
    assert (facts["n_users"], facts["n_items"], facts["n_interactions"], facts["items_without_text"]) == KNOWN[name]
    assert (facts["removed_users"], facts["removed_items"], facts["removed_interactions"]) == (0, 0, 0)
    texts = dataset.catalog.item_texts[1:]
    assert not [text for text in texts if any(entity in text for entity in ("&amp;", "&quot;", "&reg;", "&#39;"))]
