"""Every first-party component keeps the contract."""

import pandas as pd
import pytest

from corecbench.plugin.host import Host
from corecbench.plugin.kinds import KINDS
from corecbench.testing import conformance
from corecbench.testing.kit import checks, find, select
from corecbench.testing.toys import TITLES, circle
from corecbench.toolkit import word_vectors

SMALL = {"embedding_size": 16}

test_popularity = conformance("popularity")
test_text_knn = conformance("text-knn")
test_item_knn = conformance("item-knn")
test_sequence_knn = conformance("sequence-knn")
test_item_knn_words = conformance("item-knn-words")
test_sequence_knn_words = conformance("sequence-knn-words")
test_sequence_knn_lsa = conformance("sequence-knn-lsa")
test_closed_form_ease = conformance("ease", settings={"decay": 0.5})
test_sasrec = conformance("sasrec", settings=SMALL | {"inner_size": 16, "n_layers": 1, "n_heads": 1})
test_sasrec_over_sampled_items = conformance("sasrec", settings=SMALL | {"n_layers": 1, "negatives": 5})
test_esasrec = conformance("esasrec", settings=SMALL | {"inner_size": 16, "negatives": 5})
test_neumf = conformance(
    "neumf",
    settings={"parameters": {"mf_embedding_size": 8, "mlp_embedding_size": 8, "mlp_hidden_size": [8]}},
)
test_gru4rec = conformance("gru4rec", settings=SMALL | {"hidden_size": 16})
test_lightgcn = conformance("lightgcn", settings=SMALL)
test_lightgcn_by_cosines = conformance("lightgcn", settings=SMALL | {"negatives": 5, "temperature": 0.2})
test_bert4rec = conformance(
    "recbole:BERT4Rec",
    settings={"epochs": 30, "parameters": {"hidden_size": 16, "inner_size": 16, "n_layers": 1}},
)
test_bpr = conformance("recbole:BPR")
test_ease = conformance("recbole:EASE")
test_multivae = conformance("recbole:MultiVAE", settings={"parameters": {"mlp_hidden_size": [16]}})
test_none = conformance("none")
test_none_from_the_pretrained_model = conformance("none", settings={"start": "pretrained", "warm_up_epochs": 2})
test_bdlm = conformance("bdlm")
test_bdlm_from_the_pretrained_model = conformance("bdlm", settings={"start": "pretrained", "warm_up_epochs": 2})
test_bdlm_that_the_llm_only_reads = conformance("bdlm", settings={"llm_writes": False, "warm_up_epochs": 2})
test_collm = conformance("collm")
test_ctrl = conformance("ctrl", settings={"warm_up_epochs": 2})
test_ctrl_from_the_pretrained_model = conformance("ctrl", settings={"start": "pretrained", "warm_up_epochs": 2})
test_dllm2rec = conformance("dllm2rec")
test_robust_dllm2rec = conformance("dllm2rec", settings={"robust": 0.1})
test_dllm2rec_from_the_pretrained_model = conformance("dllm2rec", settings={"start": "pretrained"})
test_dllm2rec_without_embeddings = conformance("dllm2rec", settings={"embedding_weight": 0.0})
test_ensrec = conformance("ensrec")
test_llama4rec = conformance("llama4rec")
test_llm2rec = conformance("llm2rec")
test_llm2rec_over_frozen_vectors = conformance("llm2rec", settings={"llm_epochs": 0})
test_llmd4rec = conformance("llmd4rec", settings={"warm_up_epochs": 2})
test_llminit = conformance("llminit")
test_llmsrec = conformance("llmsrec")
test_alphafuse = conformance("alphafuse")
test_covering_alphafuse = conformance("alphafuse", settings={"cover": True})
test_rec_pca = conformance("rec-pca")
test_rlmrec = conformance("rlmrec")
test_generative_rlmrec = conformance("rlmrec", settings={"kind": "generative", "hidden": 0.5})
test_unisrec = conformance("unisrec")
test_inductive_unisrec = conformance("unisrec", settings={"rows": False})
test_hybrid = conformance("hybrid")
test_beside_texts = conformance("beside-texts")
test_beside_neighbours = conformance("beside-neighbours")
test_hybrid_neighbours = conformance("hybrid-neighbours")
test_beside_words = conformance("beside-texts", settings={"states": False})
test_shuffled_texts = conformance("shuffled-texts")
test_ciphered_texts = conformance("ciphered-texts")
test_bag_of_words = conformance("bag-of-words")
test_frozen_bag_of_words = conformance("frozen-bag-of-words")
test_untrained_llm = conformance("untrained-llm")
test_frozen_texts = conformance("frozen-texts")
test_own_teacher = conformance("own-teacher")
test_no_neighbours = conformance("no-neighbours")
test_no_mutual = conformance("no-mutual")
test_shuffled_vectors = conformance("shuffled-vectors")
test_random_vectors = conformance("random-vectors")
test_ml100k = conformance("ml-100k")
test_hit_rate = conformance("HR@10")
test_ndcg = conformance("NDCG@10")
test_mrr = conformance("MRR")
test_mrr_with_a_cutoff = conformance("MRR@10")
test_recall = conformance("recall@10")
test_precision = conformance("precision@10")
test_map = conformance("MAP")
test_average_popularity = conformance("average-popularity@10")
test_novelty = conformance("novelty@10")
test_tail_share = conformance("tail-share@10")
test_serendipity = conformance("serendipity@10")
test_coverage = conformance("coverage@10")
test_gini = conformance("Gini@10")
test_text = conformance("text")
test_markdown = conformance("markdown")
test_latex = conformance("latex")
test_html = conformance("html")
test_csv = conformance("csv", kind="reporter")
test_json = conformance("json")

CHECKED = {
    *(
        "popularity",
        "text-knn",
        "item-knn",
        "sequence-knn",
        "item-knn-words",
        "sequence-knn-words",
        "sequence-knn-lsa",
        "ease",
    ),
    *("sasrec", "esasrec", "gru4rec", "lightgcn", "neumf", "recbole", "none", "bdlm", "ml-100k"),
    *(
        "alphafuse",
        "beside-neighbours",
        "beside-texts",
        "collm",
        "ctrl",
        "dllm2rec",
        "ensrec",
        "hybrid",
        "hybrid-neighbours",
        "llama4rec",
        "llmd4rec",
    ),
    *("llm2rec", "llminit", "llmsrec", "rec-pca", "rlmrec", "unisrec"),
    *("shuffled-texts", "ciphered-texts", "bag-of-words", "frozen-bag-of-words", "untrained-llm"),
    *("shuffled-vectors", "random-vectors", "frozen-texts", "own-teacher", "no-neighbours", "no-mutual"),
    *("vectors", "alpharec"),
    *("folder", "csv", "parquet", "hub"),
    *("HR", "NDCG", "MRR", "recall", "precision", "MAP", "average-popularity", "novelty", "tail-share"),
    *("serendipity", "coverage", "Gini", "text", "markdown", "latex", "html", "csv", "json"),
    *("mlflow", "wandb", "tensorboard"),
}
FETCHED = {"ml-1m", "amazon-beauty", "amazon-beauty-timed", "amazon-games", "amazon-toys-games"}


LLMS = {
    "llama": "llama",
    "qwen": "qwen3",
    "gemma3": "gemma3_text",
    "hf": "qwen2",
    "minilm": "bert",
}
"""backend -> the type of the tiny model that it is checked with."""
AS_OTHERS = {"gemma": "gemma3 with another default", "gguf": "hf with a file, which tests/test_real.py reads"}
"""backend -> why it needs no checks of its own."""


@pytest.mark.parametrize(("name", "layout"), [*((name, "item-tokens") for name in LLMS), ("llama", "titles")])
def test_an_llm(host, tiny, quick, name, layout):
    few = {key: value for key, value in quick["llama"].items() if key not in ("epochs", "batch_size")}
    label = f"{name}:{tiny(LLMS[name])}"
    selected = select(host, "llms", label, few | {"layout": layout, "dropout": 0.0, "epochs": 3})
    failed = {
        outcome.name: outcome.reason
        for outcome in (check.outcome() for check in checks(host, selected))
        if outcome.status != "ok"
    }
    encodes = {"likelihoods are those of each text alone": "it gives no likelihoods"} if name == "minilm" else {}
    assert failed == {"texts that it reads change what it says": "it has no method `read_texts`", **encodes}


@pytest.mark.parametrize(("kind", "name"), [("llms", "vectors"), ("models", "alpharec")])
def test_a_model_over_vectors(host, tmp_path, kind, name):
    path = tmp_path / "toy.csv"
    rows = word_vectors(TITLES).toarray()
    pd.DataFrame(rows, index=pd.Index([f"i{item}" for item in range(len(rows))], name="item_id")).to_csv(path)
    outcomes = [check.outcome() for check in checks(host, select(host, kind, f"{name}:{path}", {}))]
    assert [each for each in outcomes if each.status == "failed"] == []


@pytest.mark.parametrize(
    ("name", "settings"),
    [("mlflow", {"uri": "./mlruns"}), ("wandb", {"mode": "offline"}), ("tensorboard", {})],
)
def test_a_tracker(host, monkeypatch, name, settings):
    package = pytest.importorskip(name)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    outcomes = [check.outcome() for check in checks(host, select(host, "trackers", name, settings))]
    if name == "wandb":
        package.teardown()
    assert {outcome.status for outcome in outcomes} == {"ok"}, outcomes


@pytest.mark.parametrize("kind", ["csv", "parquet", "hub"])
def test_a_table_of_the_user_s_own(host, tmp_path, monkeypatch, kind):
    if kind == "hub":
        datasets = pytest.importorskip("datasets")
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    toy = circle()
    rows = toy.interactions().merge(toy.items(), on="item_id")
    file = tmp_path / "toy" / ("toy.csv" if kind == "csv" else "toy.parquet")
    file.parent.mkdir()
    rows.to_csv(file, index=False) if kind == "csv" else rows.to_parquet(file)
    name = f"{kind}:{file.parent if kind == 'hub' else file}"
    outcomes = [check.outcome() for check in checks(host, select(host, "datasets", name, {}))]
    assert {outcome.status for outcome in outcomes} == {"ok"}, outcomes


def test_a_folder(host, toy_folder):
    selected = select(host, find(host, str(toy_folder)), str(toy_folder), {})
    outcomes = [check.outcome() for check in checks(host, selected)]
    assert {outcome.status for outcome in outcomes} == {"ok"}, outcomes


@pytest.mark.parametrize("name", sorted(FETCHED))
def test_a_published_data_set_where_it_is_here(host, name):
    from corecbench.toolkit import dataset_places

    if not any(place.is_dir() for place in dataset_places(name)):
        pytest.skip(f"{name} is not here")
    outcomes = [check.outcome() for check in checks(host, select(host, "datasets", name, {}))]
    assert {outcome.status for outcome in outcomes if outcome.reason != "it has no settings"} == {"ok"}, outcomes


def test_no_first_party_component_is_left_out():
    host = Host.discover()
    offered = {component.name for kind in KINDS for component, _ in host.list(kind)}
    assert offered == CHECKED | FETCHED | LLMS.keys() | AS_OTHERS.keys()
