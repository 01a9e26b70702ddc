"""The controls that move texts or leave a part out; the others have files of their own."""

from collections import Counter

import pytest

from corecbench.api import Catalog, Turn
from corecbench_plugins.controls.bag_of_words import FrozenBagOfWords
from corecbench_plugins.controls.parts_left_out import FrozenTexts, NoMutual, NoNeighbours, OwnTeacher
from corecbench_plugins.controls.settings import BagOfWordsConfig
from corecbench_plugins.controls.shuffled_texts import ShuffledTexts

TEXTS = ("", "A", "B", "", "C", "D", "", "E")


def shuffled(texts=TEXTS, name="toy", seed=0):
    catalog = Catalog(name, ("", "u"), tuple(map(str, range(len(texts)))), tuple(texts))
    return ShuffledTexts(None).item_texts(catalog, seed)


@pytest.mark.parametrize("seed", range(9))
def test_every_item_gets_the_text_of_another_one_and_an_item_without_text_stays_without(seed):
    moved = shuffled(seed=seed)
    assert Counter(moved) == Counter(TEXTS)
    assert all((old == new) == (old == "") for old, new in zip(TEXTS, moved, strict=True))


def test_the_seed_and_the_data_set_decide_the_order():
    texts = ("", *map(str, range(30)))
    assert shuffled(texts) == shuffled(texts)
    assert shuffled(texts, seed=1) != shuffled(texts)
    assert shuffled(texts, "other") != shuffled(texts)


def test_the_order_is_the_one_of_stored_results():
    assert shuffled() == ["", "E", "A", "", "B", "C", "", "D"]


@pytest.mark.parametrize("texts", [("",), ("", "A"), ("", "", "")])
def test_where_there_are_no_two_texts_nothing_moves(texts):
    assert tuple(shuffled(texts)) == texts


@pytest.mark.parametrize("control", [FrozenTexts(None), FrozenBagOfWords(BagOfWordsConfig())])
def test_the_llm_has_no_turn_where_texts_or_words_are_frozen(control):
    turns = [Turn("domain", 3), Turn("llm", 2), Turn("domain", 1)]
    assert control.turns(turns) == [Turn("domain", 3), Turn("domain", 1)]


def test_parts_are_left_out_by_name():
    assert NoNeighbours(None).sharing_settings == {"neighbours": 0}
    assert NoMutual(None).teacher == "none"
    assert OwnTeacher(None).teacher == "self"


# --- whole pairs --------------------------------------------------------------------------------------------------


ALL = (
    "shuffled-texts",
    "ciphered-texts",
    "bag-of-words",
    "frozen-bag-of-words",
    "untrained-llm",
    "frozen-texts",
    "own-teacher",
    "no-neighbours",
    "no-mutual",
)


@pytest.fixture
def trained(bench, quick):
    """Train a pair under all controls: `trained(llm)` gives the records and the cell of the pair."""

    def train(llm, **options):
        backend = llm.partition(":")[0]
        settings = quick | {backend: quick["llama"]}
        settings["bdlm"] = quick["bdlm"] | {"start": "new", "warm_up_epochs": 1}
        records = bench(models=("sasrec",), llms=(llm,), controls=ALL, settings=settings, **options)
        return {record["cell"]["control"]: record for record in records[2:]}

    return train


@pytest.mark.parametrize(
    ("backend", "family"),
    [("llama", "llama"), ("gemma3", "gemma3_text"), ("hf", "qwen3"), ("minilm", "bert")],
)
def test_a_pair_of_every_backend_has_every_control(trained, ranks, tiny, backend, family):
    llm = f"{backend}:{tiny(family)}"
    records = trained(llm)
    assert [(name, record["error"]) for name, record in records.items()] == [(name, None) for name in (None, *ALL)]
    pair = f"sasrec+{llm}+bdlm"
    for control in ("untrained-llm", "ciphered-texts", "shuffled-texts", "bag-of-words"):
        assert not ranks(f"{pair}+{control}", "llm")["rank"].equals(ranks(pair, "llm")["rank"]), control


def test_frozen_texts_train_the_domain_side_alone_and_rank_the_llm_as_it_starts(trained, tiny_llama):
    record = trained(f"llama:{tiny_llama}")["frozen-texts"]
    assert [epoch["side"] for epoch in record["epochs"]] == ["domain", "domain"]
    assert (record["sides"]["llm"]["epochs"], record["sides"]["llm"]["best_epoch"]) == (0, 0)
    assert record["sides"]["llm"]["n_users"] == 60


def test_a_bag_of_words_without_turns_begins_as_the_one_with_them(trained, tiny_llama):
    records = trained(f"llama:{tiny_llama}")
    frozen, turning = (records[control]["epochs"] for control in ("frozen-bag-of-words", "bag-of-words"))
    assert [epoch["side"] for epoch in frozen] == ["domain", "domain"]
    assert frozen[0] == turning[0] | {"planned_epochs": frozen[0]["planned_epochs"]}


def test_a_model_that_teaches_itself_begins_as_with_frozen_texts_and_is_then_coupled(trained, tiny_llama):
    records = trained(f"llama:{tiny_llama}")
    frozen, own = (records[control]["epochs"] for control in ("frozen-texts", "own-teacher"))
    assert [epoch["side"] for epoch in own] == ["domain", "domain"]
    assert own[0]["loss"] == frozen[0]["loss"]
    assert own[1]["loss"] > frozen[1]["loss"]


def test_a_control_with_settings_has_them_and_its_version_in_the_record(trained, tiny_llama):
    records = trained(f"llama:{tiny_llama}")
    assert records["bag-of-words"]["settings"]["bag-of-words"] == {"dimensions": 384}
    assert records["bag-of-words"]["plugins"]["bag-of-words"]["distribution"] == "corecbench"
    assert "no-mutual" not in records["no-mutual"]["settings"]
