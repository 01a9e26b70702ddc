"""Cells with other weights or other algorithms are other cells, and their rows share no table."""

import os
import shutil

import pytest

from corecbench.api import PluginError
from corecbench.experiment import algorithms
from corecbench.experiment.described import describe
from corecbench.experiment.plan import make_plan
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


@pytest.fixture
def model(folder, tmp_path, monkeypatch):
    """Return a copy of the tiny Llama, in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    (folder / "README.md").write_text("text")
    return folder


@pytest.fixture
def planned(toy_folder, tmp_path):
    """Plan and return the records of the cells as they are before training: `planned(files=(), models=...)`."""

    def plan(files=(), **options):
        config = RunConfig(datasets=(str(toy_folder),), references=False, **options)
        made = make_plan(config, Host.discover(files), Store(tmp_path / "results", "b"))
        return [describe(cell, made) for cell in made.cells]

    return plan


def hash_of_llm(planned, model):
    (record,) = planned(llms=(f"hf:{model.name}",))
    return record["hash"]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "second.safetensors"])
def test_another_file_of_the_same_model_folder_gives_another_cell(model, planned, name):
    before = hash_of_llm(planned, model)
    if name == "second.safetensors":
        shutil.copy(model / "model.safetensors", model / name)
    else:  # as a careless copy does: neither size nor time tells the files apart
        old, content = (model / name).stat(), bytearray((model / name).read_bytes())
        place = len(content) - 1 if name.endswith("safetensors") else content.index(b" ")
        content[place] = content[place] ^ 1 if name.endswith("safetensors") else ord("\n")
        (model / name).write_bytes(content)
        os.utime(model / name, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert before != hash_of_llm(planned, model)


def test_a_file_that_is_not_read_changes_nothing(model, planned):
    before = hash_of_llm(planned, model)
    (model / "README.md").write_text("other text")
    assert hash_of_llm(planned, model) == before


def test_the_record_names_the_checksums_of_weights_architecture_and_tokenizer(model, planned):
    (record,) = planned(llms=("hf:model",))
    assert {name: len(value) for name, value in record["fingerprints"]["hf:model"].items()} == {
        "weights": 64,
        "architecture": 64,
        "tokenizer": 64,
    }


def test_a_large_file_is_read_once(model, planned, monkeypatch):
    before = hash_of_llm(planned, model)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("read again"))
    assert hash_of_llm(planned, model) == before


def test_a_damaged_checksum_in_the_cache_is_computed_again(model, planned, tmp_path):
    before = hash_of_llm(planned, model)
    for kept in (tmp_path / "cache" / "checksums").iterdir():
        kept.write_text("damaged")
    assert hash_of_llm(planned, model) == before


def test_packaged_weights_are_known_before_they_are_downloaded(model, planned):
    (record,) = planned(llms=("llama",))
    assert record["fingerprints"]["llama"]["weights"] in algorithms.UNHASHED


def test_a_number_that_is_counted_up_changes_the_cells_that_use_the_algorithm(model, planned, monkeypatch):
    def hashes():
        options = {"models": ("sasrec", "popularity"), "llms": ("hf:model",), "controls": ("shuffled-texts",)}
        return {record["cell"]["name"]: record["hash"] for record in planned(**options)}

    before = hashes()

    def changed(name):
        with monkeypatch.context() as patch:
            patch.setattr(algorithms, "ALGORITHMS", {**algorithms.ALGORITHMS, name: 2})
            after = hashes()
        return {cell for cell, value in after.items() if value != before[cell]}

    pair, control = "sasrec+hf:model+bdlm", "sasrec+hf:model+bdlm+shuffled-texts"
    assert changed("full ranking") == {"sasrec", "popularity", "hf:model", pair, control}
    assert changed("training loop") == {"sasrec", "hf:model", pair, control}
    assert changed("item texts") == {"hf:model", pair, control}
    assert changed("pair training") == {pair, control}
    assert changed("pair controls") == {control}


def test_only_cells_with_texts_in_their_scores_use_that_algorithm(model, planned):
    options = {
        "models": ("sasrec", "popularity"),
        "llms": ("hf:model",),
        "sharing": ("bdlm", "hybrid", "beside-texts"),
    }
    said = {"sasrec+hf:model+hybrid", "sasrec+hf:model+beside-texts", "popularity+hf:model+beside-texts"}

    def using(**more):
        records = planned(**options, **more)
        return {each["cell"]["name"] for each in records if "texts in scores" in each["algorithms"]}

    assert using() == said
    assert using(settings={"bdlm": {"content": True}}) == {*said, "sasrec+hf:model+bdlm"}


PLUGIN = """
    from corecbench.api import DomainModelComponent, hookimpl
    from corecbench_plugins.popularity import Popularity

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Popularity, joint=False, {more})]
"""


@pytest.fixture
def of_mine(planned, loose_file, model):
    """Return the record of a plugin's model: `of_mine("algorithm=2")`."""

    def record(more, comment=""):
        (found,) = planned([loose_file("mine", PLUGIN.format(more=more) + comment)], models=("mine",))
        return found

    return record


def test_a_third_party_s_number_takes_the_place_of_its_version(of_mine):
    one, same, two = of_mine("algorithm=1"), of_mine("algorithm=1", "    # other text"), of_mine("algorithm=2")
    assert one["plugins"]["mine"]["version"] != same["plugins"]["mine"]["version"]
    assert one["hash"] == same["hash"] != two["hash"]
    assert (one["algorithms"]["mine"], two["algorithms"]["mine"]) == (1, 2)


def test_without_a_number_a_third_party_s_version_counts(of_mine):
    one, other = of_mine(""), of_mine("", "    # other text")
    assert one["hash"] != other["hash"]
    assert "mine" not in one["algorithms"]


def test_a_third_party_can_have_a_fingerprint(of_mine):
    one, other = (
        of_mine(f"fingerprint=lambda config, cache: {{'graph': '{graph}'}}, algorithm=1") for graph in "ab"
    )
    assert one["fingerprints"] == {"mine": {"graph": "a"}}
    assert one["hash"] != other["hash"]


def test_a_faulty_fingerprint_names_the_plugin(of_mine):
    with pytest.raises(PluginError, match=r"domain model 'mine' of plugin mine .*a mapping of names to texts"):
        of_mine("fingerprint=lambda config, cache: {'weights': 3}")


@pytest.mark.parametrize("number", ["0", "'1'", "True"])
def test_a_number_that_is_none_names_the_plugin(of_mine, number):
    with pytest.raises(PluginError, match="algorithm of component 'mine'"):
        of_mine(f"algorithm={number}")
