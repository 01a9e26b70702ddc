"""Numbers that are known from elsewhere, found again in the real files."""

import os
from pathlib import Path

import pytest

from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench_plugins.datasets.atomic_folder import open_folder
from corecbench_plugins.datasets.ml100k import open_ml100k
from corecbench_plugins.datasets.settings import Folder

FOLDERS = Path(os.environ.get("CORECBENCH_DATA", "no-such-folder"))

# From each set's PROVENANCE.md: users, items, interactions, without text, too short, last two tie, repeated pairs,
# never used. All interactions stay, as there.
KNOWN = {
    "amazon-beauty": (22_363, 12_101, 198_502, 7, 0, 0, 0, 0),
    "amazon-toys-games": (19_124, 11_758, 165_247, 0, 0, 9_381, 0, 0),
    "awkward-ml-tags": (61, 689, 1_296, 0, 22, 10, 524, 0),
    "awkward-toys-untitled": (608, 200, 1_594, 39, 387, 0, 0, 0),
    "ml-1m": (6_040, 3_416, 999_611, 0, 0, 2_544, 0, 0),
    "ml-latest-small": (671, 9_066, 100_004, 0, 0, 127, 0, 59),
}
FACTS = (
    "n_users",
    "n_items",
    "n_interactions",
    "items_without_text",
    "users_too_short",
    "users_last_two_tie",
    "repeated_pairs",
    "items_never_used",
)


@pytest.fixture(scope="module")
def ml100k():
    return load_dataset("ml-100k", open_ml100k())


def test_ml100k_has_its_published_size(ml100k):
    assert [ml100k.facts[name] for name in FACTS] == [943, 1_682, 100_000, 0, 0, 415, 0, 0]
    assert ml100k.facts["sparsity"] == pytest.approx(1 - 100_000 / (943 * 1_682))


def test_ml100k_titles_read_as_people_say_them(ml100k):
    text = dict(zip(ml100k.catalog.item_ids, ml100k.catalog.item_texts, strict=True))
    assert text["1"] == "Toy Story"
    assert text["12"] == "The Usual Suspects"
    assert text["1005"] == "La Double vie de Véronique (The Double Life of Veronique)"
    assert "unkonwn" in ml100k.catalog.item_texts
    assert not [title for title in text.values() if title.endswith((", The", ", A", ", An", ", Le", ", L'"))]
    titles = ml100k.catalog.item_texts[1:]
    assert len({title for title in titles if titles.count(title) > 1}) == 22


def test_every_user_of_ml100k_is_tested_on_the_last_rating(ml100k):
    split = leave_one_out(ml100k, "file")
    users, test = split.held["test"].users, split.held["test"].target
    assert users.tolist() == list(range(1, 944))
    assert len(split.train.user) == 100_000 - 2 * 943
    latest: dict[str, tuple[int, str]] = {}
    for line in open_ml100k().inter.read_text().splitlines()[1:]:
        user_id, item_id, _, timestamp = line.split("\t")
        if user_id not in latest or int(timestamp) >= latest[user_id][0]:
            latest[user_id] = (int(timestamp), item_id)
    ids = ml100k.catalog
    assert {ids.user_ids[user]: ids.item_ids[item] for user, item in zip(users, test, strict=True)} == {
        user_id: item_id for user_id, (_, item_id) in latest.items()
    }


@pytest.mark.parametrize("name", KNOWN)
def test_a_set_beside_the_project_has_its_known_numbers(name):
    if not (FOLDERS / name).is_dir():
        pytest.skip(f"{name} is not here; CORECBENCH_DATA names the folder that has it")
    dataset = load_dataset(name, open_folder(Folder(str(FOLDERS / name))), repeats="all")
    assert tuple(dataset.facts[fact] for fact in FACTS) == KNOWN[name]
    split = leave_one_out(dataset, "file")
    assert len(split.held["test"].users) == dataset.facts["n_users"] - dataset.facts["users_too_short"]


@pytest.mark.parametrize("name", ["amazon-beauty", "amazon-toys-games", "ml-1m"])
def test_a_5_core_of_a_set_that_is_one_changes_nothing(name):
    if not (FOLDERS / name).is_dir():
        pytest.skip(f"{name} is not here; CORECBENCH_DATA names the folder that has it")
    source = open_folder(Folder(str(FOLDERS / name)))
    before, after = (load_dataset(name, source, k_core=k_core) for k_core in (0, 5))
    assert after.fingerprint == before.fingerprint
    assert after.facts == {**before.facts, "k_core": 5}
