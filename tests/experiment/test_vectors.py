"""Vectors from a file stand in for the LLM that they were written of."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pandas.testing import assert_frame_equal

from corecbench.cli.main import main
from corecbench.exchange.encoding import provenance

FROZEN = [
    "alphafuse",
    "bdlm",
    "collm",
    "ctrl",
    "dllm2rec",
    "ensrec",
    "llama4rec",
    "llm2rec",
    "llmd4rec",
    "llminit",
    "llmsrec",
    "rec-pca",
    "rlmrec",
    "unisrec",
    "hybrid",
    "none",
]
SHRUNK = "corecbench.training.weighing.shrunk"


@pytest.fixture
def file(tmp_path):
    """Write vectors of the toy data set's items."""
    path = tmp_path / "toy.parquet"
    vectors = list(np.eye(20, dtype=np.float32))
    pd.DataFrame({"item_id": [f"i{item}" for item in range(20)], "vector": vectors}).to_parquet(path)
    return path


def test_every_sharing_module_takes_vectors_in_a_frozen_pair(bench, quick, file):
    settings = quick | {name: quick.get(name, {}) | {"llm_epochs": 0} for name in FROZEN}
    records = bench(
        models=("sasrec",),
        llms=(f"vectors:{file}",),
        sharing=(*FROZEN, "beside-texts"),
        solo_llms=False,
        settings=settings | {"vectors": {"embedding_size": 16, "epochs": 1}},
    )
    assert [record["error"] for record in records] == [None] * (len(FROZEN) + 2)
    assert {record["cell"]["name"] for record in records} == {
        "sasrec",
        *(f"sasrec+vectors:toy+{name}" for name in (*FROZEN, "beside-texts")),
    }


def test_alone_they_are_a_sequence_model(bench, quick, file):
    settings = quick | {"vectors": {"embedding_size": 16, "epochs": 20, "batch_size": 16, "learning_rate": 0.01}}
    (record,) = bench(models=(), llms=(f"vectors:{file}",), settings=settings)
    assert record["fingerprints"]["vectors:toy"].keys() == {"vectors"}
    assert record["sides"]["llm"]["metrics"]["NDCG@10"] > 0.8  # the next item is the next of a circle


@pytest.fixture
def encoded(tmp_path, cache, monkeypatch, tiny_llama, toy_folder):
    """Encode the toy data set by the tiny LLM, and return the file."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    out = tmp_path / "tiny.parquet"
    given = ["encode", "--llm", f"llama:{tiny_llama}", "--dataset", str(toy_folder), "--out", str(out)]
    done = CliRunner().invoke(main, [*given, "--set", "llama.lora_layers=2", "--set", "llama.dtype=float32"])
    assert done.exit_code == 0, done.output
    assert (
        "20 of 20 items of toy, mean of tokens at depth 0.2 (32), mean of tokens at depth 0.4 (32)" in done.stdout
    )
    return out


def test_an_encoded_file_ranks_as_its_llm(bench, ranks, monkeypatch, tiny_llama, encoded):
    monkeypatch.setattr(SHRUNK, lambda tried, values: tried[-1]._replace(share=1.0))
    llms = (f"llama:{tiny_llama}", f"vectors:{encoded}")
    records = bench(models=("popularity",), llms=llms, sharing=("beside-texts",), solo_llms=False)
    assert [record["error"] for record in records] == [None] * 3
    own, given = (ranks(f"popularity+{name}+beside-texts") for name in (f"llama:{tiny_llama}", "vectors:tiny"))
    assert_frame_equal(own, given)


def test_the_file_says_where_its_vectors_come_from(encoded, tiny_llama):
    facts = provenance(encoded)
    assert facts["llm"] == f"llama:{tiny_llama}"
    assert facts["settings"]["text_depths"] == [0.2, 0.4]
    assert facts["fingerprint"].keys() >= {"weights", "tokenizer"}
    assert (facts["dataset"], facts["items"], len(facts["texts"])) == ("toy", 20, 64)


def test_encode_writes_parquet_and_replaces_only_what_it_wrote(encoded, toy_folder, tiny_llama, file):
    given = ["encode", "--llm", f"vectors:{encoded}", "--dataset", str(toy_folder), "--out"]
    refused = CliRunner().invoke(main, [*given, str(file)])
    assert refused.exit_code == 2
    assert refused.stderr.endswith(
        "toy.parquet is there and was not written by `corecbench encode`; give another --out\n"
    )
    other = CliRunner().invoke(main, [*given, str(encoded.with_suffix(".csv"))])
    assert other.exit_code == 2
    assert other.stderr.endswith(
        "tiny.csv: vectors are written as Parquet; give an --out that ends in .parquet or .pq\n"
    )
    again = CliRunner().invoke(main, [*given, str(encoded)])
    assert again.exit_code == 0, again.output
    assert provenance(encoded)["llm"] == "vectors:tiny"
