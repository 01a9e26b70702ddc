"""Bundles of results: what is in them, and that the same cells give the same file."""

import json
import os
import zipfile

import pytest
from stored_cells import reseal, store_cell, toy_ranks

from corecbench.results.bundle import pack
from corecbench.results.copying import put_copy
from corecbench.results.folders import stores
from corecbench.results.merge import merge
from corecbench.results.packed import bundle_at
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

RANKS = toy_ranks([1, 2])
LISTS = [["a"], ["b"]]


@pytest.fixture
def store(tmp_path):
    """Store a model alone with a checkpoint and kept models, and a pair."""
    store = Store(tmp_path / "results", "default")
    record = toy_record(versions={"torch": "2.0"})
    folder = store.folder("sasrec", "toy", 0, "0123abcd")
    files = {"checkpoint.safetensors": lambda path: path.write_bytes(b"weights"), "model": write_model}
    store.write(folder, record, {"domain": RANKS}, files)
    store_cell(store, toy_record("sasrec", "llama"), {"domain": RANKS, "llm": RANKS}, LISTS, {"i": 1})
    return store


def write_model(folder):
    folder.mkdir()
    (folder / "items.json").write_text("{}")


def names(bundle):
    return sorted(bundle_at(bundle).entries)


def test_a_bundle_has_records_ranks_lists_and_items_but_no_models(store, tmp_path):
    packed = pack([store], tmp_path / "b.zip")
    pair, alone = "default/toy/sasrec+llama+bdlm/seed0-0123abcd", "default/toy/sasrec/seed0-0123abcd"
    tables = [f"{side}/{name}.parquet" for side in ("domain", "llm") for name in ("ranks", "top")]
    shared = [path.relative_to(store.root).as_posix() for path in store.own_folder.glob("*/*.parquet")]
    expected = [
        "MANIFEST.json",
        "README.txt",
        "records.json",
        *(f"{pair}/{name}" for name in [*tables, "result.json"]),
    ]
    expected += [f"{alone}/ranks.parquet", f"{alone}/result.json", *shared]
    assert [name.split("/")[-1].partition("-")[0] for name in sorted(shared)] == ["items", "users"]
    assert names(packed_file := tmp_path / "b.zip") == sorted(expected)
    assert (packed.n_cells, packed.n_files) == (2, len(expected) - 2)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    whole = pack([store], tmp_path / "whole.zip", with_models=True)
    assert {f"{alone}/checkpoint.safetensors", f"{alone}/model/items.json"} <= set(names(tmp_path / "whole.zip"))
    assert whole.n_files == packed.n_files + 2
    assert packed_file.stat().st_size < (tmp_path / "whole.zip").stat().st_size


def test_a_cell_without_its_models_is_sealed_anew_and_reads_as_before(store, tmp_path):
    pack([store], tmp_path / "b.zip")
    (packed,) = stores(tmp_path / "b.zip")
    cells = {record["cell"]["name"]: record for _, record in packed.records()}
    assert all(packed.is_done(place) for place in packed.folders())
    whole = {record["cell"]["name"]: record for _, record in store.records()}
    assert cells["sasrec+llama+bdlm"] == whole["sasrec+llama+bdlm"]
    assert set(cells["sasrec"]["files"]) == {"ranks.parquet", "users.parquet"}


def test_the_same_cells_give_the_same_bundle_whatever_the_dates_of_their_files(store, tmp_path):
    first = pack([store], tmp_path / "a.zip")
    for path in store.root.rglob("*"):
        os.utime(path, (1, 1))
    assert pack([store], tmp_path / "b.zip").sha256 == first.sha256
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_manifest_counts_cells_and_says_versions(store, tmp_path):
    pack([store], tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as opened_zip:
        manifest = json.loads(opened_zip.read("MANIFEST.json"))
        text = opened_zip.read("README.txt").decode()
    assert (manifest["cells"], manifest["versions"]) == ({"default": 2}, {"torch": ["2.0"]})
    assert "corecbench results verify FILE.zip" in text
    assert len(manifest["files"]) == len(names(tmp_path / "b.zip")) - 3  # itself, and two records


def test_what_is_private_in_an_old_record_does_not_get_into_a_bundle(store, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    folder = store_cell(store, toy_record("gru4rec"), {"domain": RANKS})
    reseal(folder, machine="/home/somebody/x")
    pack([store], tmp_path / "b.zip")
    assert b"somebody" not in (tmp_path / "b.zip").read_bytes()


def test_a_damaged_cell_is_left_out_and_a_bundle_of_nothing_refused(store, tmp_path):
    folders = store.folders()
    (folders[0] / "ranks.parquet").write_bytes(b"")
    assert pack([store], tmp_path / "b.zip").n_cells == 1
    assert list(store.damaged) == [folders[0]]
    (folders[1] / "result.json").write_bytes(b"")
    with pytest.raises(ResultsError, match="no cell that can be packed"):
        pack([store], tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()


def test_a_copy_of_a_cell_without_some_files_takes_its_place_at_once(store):
    folder = store.folder("sasrec", "toy", 0, "0123abcd")
    put_copy(folder, folder, without=("model",))
    assert store.is_done(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.safetensors",
        "ranks.parquet",
        "result.json",
    ]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def rewritten(bundle, change):
    """Write a bundle again with a manifest that was changed."""
    with zipfile.ZipFile(bundle) as opened_zip:
        contents = {name: opened_zip.read(name) for name in opened_zip.namelist()}
    manifest = json.loads(contents["MANIFEST.json"])
    change(manifest)
    contents["MANIFEST.json"] = json.dumps(manifest).encode()
    target = bundle.with_name("again.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened_zip:
        for name, content in contents.items():
            opened_zip.writestr(name, content)
    return target


def test_files_with_the_same_contents_are_stored_once_and_read_as_before(store, tmp_path):
    pack([store], tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as opened_zip:
        held = [name for name in opened_zip.namelist() if name.endswith("ranks.parquet")]
    assert len(held) == 1
    (packed,) = stores(tmp_path / "b.zip")
    found = [packed.ranks(folder, side) for folder, record in packed.records() for side in record["sides"]]
    assert len(found) == 3
    assert all(ranks.equals(found[0]) for ranks in found)
    merge(stores(tmp_path / "b.zip"), tmp_path / "merged")
    assert len(list((tmp_path / "merged").rglob("ranks.parquet"))) == 3


def test_a_bundle_of_another_format_is_refused(store, tmp_path):
    pack([store], tmp_path / "b.zip")
    again = rewritten(tmp_path / "b.zip", lambda manifest: manifest.update(format=2))
    with pytest.raises(ResultsError, match="a bundle of format 2, and this corecbench reads 3"):
        stores(again)


def test_the_records_of_a_bundle_stand_together_by_their_paths(store, tmp_path):
    pack([store], tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as opened_zip:
        assert not any(name.endswith("result.json") for name in opened_zip.namelist())
        records = json.loads(opened_zip.read("records.json"))
    assert records == {
        f"{folder.relative_to(store.root).as_posix()}/result.json": record for folder, record in store.records()
    } | {name: records[name] for name in records if "/sasrec/" in name}  # sealed anew, without its models
    assert all(bundle_at(tmp_path / "b.zip").contents(name) for name in records)


@pytest.mark.parametrize("name", ["../x/ranks.parquet", "/x", "a/.b", "a//b", "default/toy", "c:/x", "a\\b", ""])
def test_a_manifest_cannot_name_what_no_entry_may_be_called(store, tmp_path, name):
    pack([store], tmp_path / "b.zip")

    def add(manifest):
        manifest["files"][name] = manifest["files"]["README.txt"]

    with pytest.raises(ResultsError):
        bundle_at(rewritten(tmp_path / "b.zip", add)).entries  # noqa: B018


def test_a_manifest_cannot_make_a_bundle_larger_than_one_may_be(store, tmp_path):
    pack([store], tmp_path / "b.zip")

    def add(manifest):
        of = next(digest for name, digest in manifest["files"].items() if name.endswith("ranks.parquet"))
        manifest["files"].update({f"default/toy/x/seed0-{number}": of for number in range(20_000)})

    with pytest.raises(ResultsError, match="bytes unpacked"):
        bundle_at(rewritten(tmp_path / "b.zip", add)).entries  # noqa: B018
