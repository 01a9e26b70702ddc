"""The whole command, in a process of its own, with the real weights on a slice of the real ml-100k."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer

from corecbench.api import Catalog, Setup, UsageError
from corecbench.data.dataset import load_dataset
from corecbench.results.frames import COLUMNS, COUNTS, SIMILARITY
from corecbench.results.store import Store
from corecbench.toolkit import cache_folder
from corecbench_plugins.controls.bag_of_words import BagOfWords
from corecbench_plugins.controls.ciphered_texts import CipheredTexts
from corecbench_plugins.controls.settings import BagOfWordsConfig
from corecbench_plugins.datasets.ml100k import find_ml100k
from corecbench_plugins.hf_llm.packaged_weights import PACKAGED, sha256, write_files
from corecbench_plugins.hf_llm.sentence_encoder import SentenceEncoder
from corecbench_plugins.hf_llm.settings import LlamaConfig, MiniLmConfig
from corecbench_plugins.hf_llm.weights import model_folder

N_USERS = 100
QUICK = (
    "sasrec.epochs=3",
    "sasrec.patience=0",
    "llama.epochs=2",
    "bdlm.warm_up_epochs=1",
    "bdlm.llm_epochs=2",
    "bdlm.domain_epochs=2",
)
CELLS = ("sasrec", "llama", "sasrec+llama+bdlm")

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def weights():
    """The real weights; fetched once, like in any run."""
    try:
        return model_folder(LlamaConfig().weights, cache_folder(), lambda *_: None)
    except UsageError as error:
        pytest.skip(f"the real weights cannot be had here: {error}")


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """The interactions of the first users of ml-100k, as a folder of atomic files."""
    folder = tmp_path_factory.mktemp("data") / "ml-slice"
    folder.mkdir()
    source = Path(find_ml100k())
    rows = (source / "ml-100k.inter").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows[1:] if int(row.split("\t")[0]) <= N_USERS]
    (folder / "ml-slice.inter").write_text("\n".join([rows[0], *kept]) + "\n", encoding="utf-8")
    (folder / "ml-slice.item").write_text((source / "ml-100k.item").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def run(results, data_folder, *more):
    sets = [argument for setting in QUICK for argument in ("--set", setting)]
    command = [sys.executable, "-m", "corecbench", "run", "--models", "sasrec", "--llm", "llama"]
    command += ["--datasets", str(data_folder), "--results", str(results), *sets, *more]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)


@pytest.fixture(scope="module")
def finished(weights, data_folder, tmp_path_factory):
    """Two runs of the same command, each into an empty folder."""
    del weights
    folders = [tmp_path_factory.mktemp("results") for _ in range(2)]
    return [(folder, run(folder, data_folder)) for folder in folders]


def folder_of(results, cell):
    return next((results / "default" / "ml-slice" / cell).glob("seed0-*"))


def test_the_command_trains_all_cells_and_prints_one_table(finished):
    results, done = finished[0]
    assert done.returncode == 0, done.stderr
    assert "plan: 10 cells, 0 done already" in done.stdout
    assert "sasrec + llama" in done.stdout
    for cell in CELLS:
        record = json.loads((folder_of(results, cell) / "result.json").read_text())
        assert record["status"] == "ok"
        assert record["peak_memory_bytes"] < 6 * 2**30


def test_both_sides_of_a_pair_are_ranked_for_every_user(finished):
    results, _ = finished[0]
    pair = folder_of(results, "sasrec+llama+bdlm")
    store = Store(results, "default")
    domain, llm = (store.ranks(pair, side) for side in ("domain", "llm"))
    assert list(domain.columns) == [*COLUMNS, *COUNTS, "target_is_tied", SIMILARITY]
    assert len(domain) == len(llm) == N_USERS
    assert domain["target_item_id"].equals(llm["target_item_id"])
    assert not domain["rank"].equals(llm["rank"])


def test_the_pair_was_trained_in_turns_after_the_domain_s_warm_up(finished):
    results, _ = finished[0]
    record = json.loads((folder_of(results, "sasrec+llama+bdlm") / "result.json").read_text())
    turns = {epoch["turn"]: epoch["side"] for epoch in record["epochs"]}
    assert turns == {1: "domain", 2: "llm", 3: "domain", 4: "llm", 5: "domain"}


def test_an_llm_that_reads_titles_ranks_better_than_chance(finished):
    results, _ = finished[0]
    ranks = Store(results, "default").ranks(folder_of(results, "llama"), "llm")
    assert (ranks["rank"] / ranks["n_candidates"]).median() < 1 / 3


def test_the_same_command_gives_the_same_ranks_bit_for_bit(finished):
    (first, _), (second, done) = finished
    assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(first) for path in first.rglob("ranks.parquet"))
    assert len(files) == 11
    for file in files:
        pd.testing.assert_frame_equal(
            pd.read_parquet(first / file), pd.read_parquet(second / file), check_exact=True
        )


def test_the_same_command_again_finds_everything_done(finished, data_folder):
    results, _ = finished[0]
    again = run(results, data_folder)
    assert again.returncode == 0
    assert "plan: 10 cells, 10 done already" in again.stdout
    assert "sasrec + llama" in again.stdout


# --- other backends -----------------------------------------------------------------------------------------------

TEXTS = ("", "a film about dogs", "a movie with puppies", "the tax law of Norway")


@pytest.fixture
def setup(tmp_path):
    catalog = Catalog("films", ("", "1"), ("", "1", "2", "3"), TEXTS)
    return Setup(catalog, max_history=8, seed=0, cache=tmp_path)


def test_a_gguf_file_gives_the_weights_of_the_folder_that_was_made_of_it(host, weights, setup, tmp_path):
    write_files(PACKAGED[LlamaConfig().weights], tmp_path / "files", lambda *_: None)
    (file,) = (tmp_path / "files").iterdir()
    model = host.build(host.select("llms", f"gguf:{file}", {}), setup, None)
    assert model.text.isfinite().all()
    (converted,) = (tmp_path / "models").glob("*/model.safetensors")
    assert sha256(converted) == sha256(weights / "model.safetensors")


def test_the_real_sentence_encoder_knows_what_is_alike(setup):
    try:
        folder = model_folder(MiniLmConfig().weights, cache_folder(), lambda *_: None)
    except UsageError as error:
        pytest.skip(f"the real weights cannot be had here: {error}")
    _, one, other, far = SentenceEncoder(folder, MiniLmConfig(), setup).summaries(TEXTS)["pooled"][:, 0]
    alike, different = (torch.cosine_similarity(one, text, dim=0) for text in (other, far))
    assert alike > different + 0.3


def test_ciphered_titles_are_as_many_tokens_for_the_real_tokenizer_as_real_ones(host, weights, data_folder):
    tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)
    catalog = load_dataset("ml-slice", host.build(host.select("datasets", str(data_folder), {}))).catalog
    ciphered = CipheredTexts(None).item_texts(catalog, seed=0)
    real, other = (
        sum(len(tokenizer(text)["input_ids"]) for text in texts) for texts in (catalog.item_texts, ciphered)
    )
    assert real == pytest.approx(other, rel=0.1)


def test_counted_words_stand_beside_the_states_of_the_real_llm_with_random_weights(host, weights, setup):
    del weights
    titles = ("", "Toy Story", "A Bug's Life", "Toy Soldiers", "Star Wars", "Star Trek", "The Story of Us")
    catalog = Catalog("toy", ("", "u"), tuple(map(str, range(len(titles)))), titles)
    untrained = replace(setup, catalog=catalog, cache=cache_folder(), untrained_llm=True)
    text = host.build(host.select("llms", "llama", {}), untrained, None).text
    rows = BagOfWords(BagOfWordsConfig()).text(catalog, 0, text)
    assert rows.dtype == text.dtype
    assert rows.shape[1] == 5 + text.shape[1]  # six titles differ in five directions
    assert (rows.any(dim=1) == torch.tensor([bool(title) for title in titles])).all()
