"""A side that was kept recommends what was stored, alone, without data, pickle or the other side."""

import json
import pickle
import shutil

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

import corecbench
from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.data.split import leave_one_out
from corecbench.keeping.items import Items
from corecbench.keeping.kept import KeptSide
from corecbench.keeping.loading import load_side, training_part
from corecbench.results.checksums import sealed
from corecbench.results.record import ResultsError
from corecbench.results.store import Store


@pytest.fixture
def folders(tmp_path):
    """Return cell name -> its folder, of the default store."""

    def read():
        return {
            record["cell"]["name"]: folder for folder, record in Store(tmp_path / "results", "default").records()
        }

    return read


def seal(folder):
    """Put the checksums of what lies in the folder of a cell now into its record."""
    file = folder / "result.json"
    record = json.loads(file.read_text())
    file.unlink()
    file.write_text(json.dumps(sealed(record, folder)))


def stored_lists(folder, side, tmp_path):
    """Return user id -> the stored best items."""
    top = Store(tmp_path / "results", "default").top(folder, side)
    return {user: list(rows.sort_values("position")["item_id"]) for user, rows in top.groupby("user_id")}


def histories(data):
    """Return user id -> the ids of all items before the test item."""
    catalog, held = data.catalog, leave_one_out(data).held["test"]
    known = held.known
    return {
        catalog.user_ids[user]: [catalog.item_ids[item] for item in known.items[start : start + length]]
        for user, start, length in zip(held.users, known.start, known.length, strict=True)
    }


def recommended(loaded, data):
    return {user: [item.item_id for item in loaded.recommend(history)] for user, history in histories(data).items()}


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn", "popularity", "recbole:FPMC", "recbole:BPR"])
def test_a_model_alone_recommends_what_was_stored(bench, folders, host, toy_data, tmp_path, quick, model):
    settings = quick | {"recbole": {"epochs": 1}}
    (record,) = bench(models=(model,), keep_models=True, settings=settings)
    assert record["status"] == "ok", record["error"]
    folder = folders()[model]
    loaded, expected = load_side(host, folder), stored_lists(folder, "domain", tmp_path)
    if loaded.knows_users:
        found = {user: [item.item_id for item in loaded.recommend_user(user)] for user in expected}
        assert found == expected
    if model in ("sasrec", "gru4rec", "popularity"):
        assert not loaded.knows_users
        assert recommended(loaded, toy_data) == expected


def test_the_times_of_a_training_part_that_a_model_fits_are_kept_as_they_are():
    user, item, time = (
        torch.tensor([1, 1]),
        torch.tensor([2, 3]),
        torch.tensor([1.5e9, 1.5e9 + 1], dtype=torch.float64),
    )
    part = training_part(KeptSide({}, {}, {"train_user": user, "train_item": item, "train_time": time}))
    assert (part.item.tolist(), part.time.tolist()) == ([2, 3], [1.5e9, 1.5e9 + 1])
    assert training_part(KeptSide({}, {}, {})).time is None


@pytest.fixture
def pair(bench, folders, tiny_llama):
    """Train a pair and its models, and return the folders."""
    llm = f"llama:{tiny_llama}"

    def run(module="bdlm", **options):
        chosen = {"models": ("sasrec",), "llms": (llm,), "sharing": (module,), "keep_models": True}
        records = bench(**chosen | options)
        assert all(record["status"] == "ok" for record in records), records
        return folders()[f"sasrec+{llm}+{module}"], folders()[llm]

    return run


@pytest.mark.parametrize("module", ["bdlm", "llm2rec"])
def test_both_sides_of_a_pair_recommend_what_was_stored_each_alone(pair, host, toy_data, tmp_path, module):
    both, alone = pair(module)
    for folder, side in ((both, "domain"), (both, "llm"), (alone, "llm")):
        copy = tmp_path / "copy"
        shutil.copytree(folder / "model" / side, copy / "model" / side)
        shutil.copy(folder / "model" / "items.json", copy / "model")
        loaded = load_side(host, copy)
        assert loaded.side == side
        assert recommended(loaded, toy_data) == stored_lists(folder, side, tmp_path)
        shutil.rmtree(copy)


def test_a_control_that_replaces_texts_is_loaded_with_these(pair, folders, toy_data, tmp_path, host):
    pair(controls=("shuffled-texts", "untrained-llm"))
    for control in ("shuffled-texts", "untrained-llm"):
        folder = next(folder for name, folder in folders().items() if name.endswith(control))
        for side in ("domain", "llm"):
            loaded = load_side(host, folder, side)
            assert recommended(loaded, toy_data) == stored_lists(folder, side, tmp_path)
        assert loaded.items.titles == toy_data.catalog.item_texts


def test_sides_with_texts_in_their_scores_recommend_what_was_stored(
    pair, quick, monkeypatch, toy_data, tmp_path, host
):
    monkeypatch.setattr("corecbench.training.weighing.shrunk", lambda tried, values: tried[-1]._replace(share=1.0))
    settings = quick | {"bdlm": quick["bdlm"] | {"content": True, "alone_unless_better": False}}
    both, _ = pair(settings=settings)
    record = json.loads((both / "result.json").read_text())
    for side in ("domain", "llm"):
        assert record["sides"][side]["chosen"]["content_weight"] > 0
        assert recommended(load_side(host, both, side), toy_data) == stored_lists(both, side, tmp_path)


@pytest.mark.parametrize("module", ["beside-neighbours", "hybrid-neighbours"])
def test_a_model_beside_neighbours_recommends_what_was_stored(
    bench, folders, monkeypatch, toy_data, tmp_path, host, tiny_llama, module
):
    monkeypatch.setattr("corecbench.training.weighing.shrunk", lambda tried, values: tried[-1]._replace(share=1.0))
    records = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=(module,), keep_models=True)
    assert [record["error"] for record in records] == [None] * len(records)
    folder = folders()[f"sasrec+llama:{tiny_llama}+{module}"]
    facts = json.loads((folder / "model" / "domain" / "side.json").read_text())
    assert [each.get("model") for each in facts["content"]] == ["sequence-knn", None]  # texts come after neighbours
    assert recommended(load_side(host, folder, "domain"), toy_data) == stored_lists(folder, "domain", tmp_path)


def test_a_model_alone_in_a_control_of_an_ensemble_is_loaded_with_the_texts_that_it_read(
    bench, folders, toy_data, tmp_path, host, tiny_llama
):
    given = {"models": ("text-knn",), "llms": (f"llama:{tiny_llama}",), "sharing": ("llama4rec",)}
    records = bench(**given, controls=("shuffled-texts",), keep_models=True)
    assert [record["error"] for record in records] == [None] * len(records)
    folder = next(folder for name, folder in folders().items() if name.endswith("shuffled-texts"))
    assert recommended(load_side(host, folder, "domain"), toy_data) == stored_lists(folder, "domain", tmp_path)


def test_a_side_that_stayed_the_model_alone_is_kept_as_that(pair, folders, quick, toy_data, tmp_path, host):
    alone = {"sasrec": quick["sasrec"] | {"epochs": 20}}
    bad = {"bdlm": {"start": "new", "warm_up_epochs": 0, "domain_epochs": 0, "llm_epochs": 1}}
    both, _ = pair(settings=quick | alone | bad, in_pairs={"sasrec": {"epochs": 3}})
    record = json.loads((both / "result.json").read_text())
    assert record["sides"]["domain"]["kept_alone"]
    loaded = load_side(host, both, "domain")
    assert recommended(loaded, toy_data) == stored_lists(both, "domain", tmp_path)
    assert loaded.items.item_ids == toy_data.catalog.item_ids


def test_averaged_weights_are_what_is_kept(pair, quick, toy_data, tmp_path, host):
    averaged = {name: quick[name] | {"averaging": 0.9} for name in ("sasrec", "llama")}
    both, _ = pair(settings=quick | averaged)
    for side in ("domain", "llm"):
        assert recommended(load_side(host, both, side), toy_data) == stored_lists(both, side, tmp_path)


def test_neither_pickle_nor_the_data_set_is_needed(bench, folders, toy_data, monkeypatch):
    bench(models=("lightgcn",), keep_models=True)
    folder = folders()["lightgcn"]

    def refuse(*arguments, **options):
        raise AssertionError("it is unpickled, or the data set is read")

    for owner, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(owner, name, refuse)
    monkeypatch.setattr("corecbench.data.dataset.load_dataset", refuse)
    user_id = toy_data.catalog.user_ids[1]
    loaded = corecbench.load_model(folder)
    assert len(loaded.recommend_user(user_id, k=3)) == 3
    assert len(loaded.recommend(["red apple", "i5"], k=2)) == 2  # a new user of LightGCN is a new node of its graph


def test_what_the_files_are(bench, folders, tiny_llama, pair):
    both, _ = pair()
    model = both / "model"
    files = sorted(str(path.relative_to(model)) for path in model.rglob("*") if path.is_file())
    assert files == [
        "domain/side.json",
        "domain/weights.safetensors",
        "items.json",
        "llm/side.json",
        "llm/weights.safetensors",
        "sharing.safetensors",
    ]
    llm = json.loads((model / "llm" / "side.json").read_text())
    assert llm["component"]["settings"]["weights"] == str(tiny_llama)
    assert len(llm["frozen_weights"]) == 64


# --- what is said by hand -----------------------------------------------------------------------------------------


@pytest.fixture
def loaded(bench, folders, host):
    bench(models=("sasrec",), keep_models=True)
    return load_side(host, folders()["sasrec"])


def test_items_are_named_by_id_or_by_title_and_seen_ones_are_left_out(loaded):
    by_id = loaded.recommend(["i0", "i1"], k=20)
    assert by_id == loaded.recommend(["red apple", "Blue APPLE"], k=20)
    assert len(by_id) == 18
    assert {"i0", "i1"}.isdisjoint(item.item_id for item in by_id)
    again = loaded.recommend(["i0", "i1"], k=20, with_seen=True)
    assert len(again) == 20
    assert sorted(again, key=lambda item: -item.score) == again


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (["red aple"], "no item has the id or the title 'red aple'; close are: 'red apple'"),
        ([], "history is empty; give at least one item"),
        ("i0", "history is the text 'i0'; give a list of item ids or titles"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused(loaded, history, message):
    with pytest.raises(UsageError) as error:
        loaded.recommend(history)
    assert message in str(error.value)


def test_a_title_that_several_items_have_needs_an_id():
    items = Items(("", "1", "2", "3"), ("", "Heat", "Heat", "heat"))
    with pytest.raises(LookupError, match="2 items have the title 'Heat'; give one of their ids: 1, 2"):
        items.find("Heat")
    assert items.find("heat") == 3


def test_a_side_that_knows_only_histories_says_so(loaded):
    with pytest.raises(UsageError, match="sasrec knows no users, only histories; give one by recommend"):
        loaded.recommend_user("u1")


def test_a_side_that_knows_only_its_users_says_so(bench, folders, host):
    bench(models=("recbole:BPR",), keep_models=True, settings={"recbole": {"epochs": 1}})
    loaded = load_side(host, folders()["recbole:BPR"])
    with pytest.raises(UsageError, match="recbole:BPR knows only the users that it was trained on"):
        loaded.recommend(["i0"])
    with pytest.raises(UsageError, match="unknown user 'nobody'"):
        loaded.recommend_user("nobody")


# --- what cannot be loaded ----------------------------------------------------------------------------------------


def test_a_cell_without_models_says_how_to_get_them(bench, folders, host, tmp_path):
    bench(models=("popularity",))
    with pytest.raises(ResultsError, match="no model was kept with this cell; run it again with --keep-models"):
        load_side(host, folders()["popularity"])
    with pytest.raises(ResultsError, match="no folder of a cell"):
        load_side(host, tmp_path)


def test_a_done_cell_without_models_is_trained_again_for_them(bench, folders, make_diary):
    bench(models=("popularity",))
    diary = make_diary()
    bench(models=("popularity",), keep_models=True, diary=diary)
    assert ("started", "popularity") in diary.entries
    assert (folders()["popularity"] / "model").is_dir()
    again = make_diary()
    bench(models=("popularity",), keep_models=True, diary=again)
    assert again.entries == []


def test_another_llm_is_refused(pair, tiny, host):
    _, alone = pair()
    file = alone / "model" / "llm" / "side.json"
    side = json.loads(file.read_text())
    side["frozen_weights"] = "0" * 64
    file.write_text(json.dumps(side))
    seal(alone)
    with pytest.raises(UsageError, match="are not those that the cell was trained with"):
        load_side(host, alone)


@pytest.mark.parametrize("name", ["side.json", "weights.safetensors"])
def test_a_damaged_file_is_one_line(bench, folders, host, name):
    bench(models=("sasrec",), keep_models=True)
    folder = folders()["sasrec"]
    (folder / "model" / "domain" / name).write_bytes(b"{")
    with pytest.raises(ResultsError, match=f"{name}: its sha256 is not the one in result.json, so it was changed"):
        load_side(host, folder)
    (folder / "result.json").unlink()  # without a record nothing says what was stored
    with pytest.raises(ResultsError, match=f"{name}: cannot be read"):
        load_side(host, folder)


def test_weights_that_were_shuffled_are_refused_where_they_are_used(bench, folders):
    bench(models=("sasrec",), keep_models=True)
    file = folders()["sasrec"] / "model" / "domain" / "weights.safetensors"
    tensors = load_file(file)
    save_file({name: tensor.flatten().flip(0).reshape(tensor.shape) for name, tensor in tensors.items()}, file)
    with pytest.raises(ResultsError, match=r"weights\.safetensors: its sha256 is not the one in result\.json"):
        corecbench.load_model(folders()["sasrec"])
    cell = str(file.parents[2])
    result = CliRunner().invoke(main, ["recommend", "--cell", cell, "--history", "i0"])
    assert result.exit_code == 5
    assert "weights.safetensors: its sha256 is not the one in result.json" in result.stderr


def test_a_side_that_is_not_there_is_named(loaded, folders, host):
    with pytest.raises(UsageError, match="no llm side was kept; have: domain"):
        load_side(host, folders()["sasrec"], "llm")
