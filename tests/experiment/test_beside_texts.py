"""A pair that is not trained: any domain model as it is alone, beside what texts say."""

import json

import pytest
from pandas.testing import assert_frame_equal

import corecbench
from corecbench.results.store import Store

SHRUNK = "corecbench.training.weighing.shrunk"


@pytest.fixture
def run(bench, tiny_llama):
    """Run models under `beside-texts`, and return cell name without the LLM -> record."""
    llm = f"llama:{tiny_llama}"

    def go(*models, settings=None, **options):
        given = {"llms": (llm,), "sharing": ("beside-texts",), "models": models, "solo_llms": False} | options
        records = bench(**given, **({} if settings is None else {"settings": settings}))
        return {record["cell"]["name"].replace(f"+{llm}", ""): record for record in records}

    return go


@pytest.fixture
def always(monkeypatch):
    """Spread every content as far as the scores that it is added to."""
    monkeypatch.setattr(SHRUNK, lambda tried, values: tried[-1]._replace(share=1.0))


@pytest.fixture
def never(monkeypatch):
    """Shrink every content to nothing."""
    monkeypatch.setattr(SHRUNK, lambda tried, values: tried[0])


@pytest.mark.parametrize("model", ["popularity", "text-knn", "sasrec"])
def test_any_model_stands_beside_words_and_states(run, always, model):
    records = run(model)
    assert [record["status"] for record in records.values()] == ["ok", "ok"]
    alone, pair = records[model]["sides"], records[f"{model}+beside-texts"]["sides"]
    assert pair.keys() == {"domain"}  # no row of the LLM
    assert records[f"{model}+beside-texts"]["cell"]["trains"] is False
    assert pair["domain"]["chosen"].keys() - {"validation_without"} == {
        f"content_{chosen}" for chosen in ("weight", "share", "decay", "new", "version")
    }
    assert pair["domain"]["chosen"]["validation_without"] == pytest.approx(alone["domain"]["validation"])
    assert pair["domain"]["chosen"]["content_weight"] > 0
    assert pair["domain"]["predicts"] == "alone with texts"
    assert pair["domain"]["epochs"] == 0
    assert not records[f"{model}+beside-texts"]["epochs"]


@pytest.mark.parametrize("module", ["beside-neighbours", "hybrid-neighbours"])
def test_neighbours_have_a_say_before_texts(run, always, module):
    side = run("popularity", sharing=(module,))[f"popularity+{module}"]["sides"]["domain"]
    assert side["chosen"].keys() >= {"content_weight", "content_2_weight"}
    assert side["chosen"]["content_decay"] == 1.0  # they weigh the history themselves


@pytest.mark.parametrize("unhashable", [False, True])
def test_a_model_in_content_is_made_by_corecbench(run, loose_file, unhashable):
    own = OWN.format(more=", content=True").replace("self.content[0] = 0", "self.content = Other()")
    other = """
    class Other:
        def scores(self, batch):
            return batch.history
"""
    if unhashable:
        other += "        __hash__ = None\n"
    records = run("mine", files=[loose_file("mine", other + own)], llms=(), sharing=("bdlm",))
    assert "has to be made by `setup.build`" in records["mine"]["error"]["message"]


@pytest.mark.parametrize("model", ["popularity", "sasrec"])
def test_where_texts_are_not_better_it_is_the_model_alone(run, never, ranks, tiny_llama, model):
    records = run(model)
    side = records[f"{model}+beside-texts"]["sides"]["domain"]
    assert side["kept_alone"]
    assert side["chosen"]["content_share"] == 0
    assert_frame_equal(ranks(f"{model}+llama:{tiny_llama}+beside-texts"), ranks(model))


@pytest.mark.parametrize(
    ("settings", "n_said", "reads_llm"),
    [({"words": 0}, 1, True), ({"states": False}, 1, False), ({}, 1, True), ({"joined": False}, 2, True)],
)
def test_words_and_states_are_joined_or_one_after_another_or_alone(
    run, always, quick, monkeypatch, settings, n_said, reads_llm
):
    built = []
    build = "corecbench_plugins.hf_llm.backend.LlmRecommender.__init__"
    before = __import__("corecbench_plugins.hf_llm.backend", fromlist=["x"]).LlmRecommender.__init__
    monkeypatch.setattr(build, lambda self, *given: (built.append(given[-1]), before(self, *given))[1])
    records = run("popularity", settings=quick | {"beside-texts": settings})
    chosen = records["popularity+beside-texts"]["sides"]["domain"]["chosen"]
    assert len([name for name in chosen if name.endswith("weight")]) == n_said
    assert built == ([None] if reads_llm else [])  # without ids


def test_neither_is_refused(run, quick):
    with pytest.raises(corecbench.api.UsageError, match="neither words nor states have a say"):
        run("popularity", settings=quick | {"beside-texts": {"words": 0, "states": False}})


def test_it_does_not_depend_on_the_seed_but_for_the_model(run, ranks, always, tiny_llama):
    run("popularity", seeds=(0, 1))
    name = f"popularity+llama:{tiny_llama}+beside-texts"
    assert_frame_equal(ranks(name, seed=0), ranks(name, seed=1))


ALL = (
    "ciphered-texts",
    "shuffled-texts",
    "untrained-llm",
    "bag-of-words",
    "frozen-texts",
    "own-teacher",
    "no-mutual",
)


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, ALL[:4]), ({"words": 0}, ALL[:4]), ({"states": False}, ALL[:2])]
)
def test_it_has_the_controls_of_texts(run, quick, settings, expected):
    records = run("popularity", controls=ALL, settings=quick | {"beside-texts": settings})
    assert {record["cell"].get("control") for record in records.values()} - {None} == set(expected)
    assert {record["status"] for record in records.values()} == {"ok"}


def counted(run, monkeypatch, settings):
    """Return the texts whose words are counted, in the pair and under shuffled texts, and those of text-knn."""
    seen = {}

    def counting(texts, *given, module):
        from corecbench.toolkit.words import kept_word_summaries

        seen.setdefault(module, []).append(tuple(texts))
        return kept_word_summaries(texts, *given)

    monkeypatch.setattr(
        "corecbench_plugins.sharing.beside_texts.kept_word_summaries",
        lambda *given: counting(*given, module="module"),
    )
    monkeypatch.setattr("corecbench.toolkit.kept_word_summaries", lambda *given: counting(*given, module="model"))
    run("text-knn", controls=("shuffled-texts",), settings=settings)
    return seen


@pytest.mark.parametrize(
    ("settings", "replaced"), [({}, False), ({"controlled_words": True}, True), ({"states": False}, True)]
)
def test_a_control_replaces_what_the_llm_reads_and_words_only_where_they_are_alone_or_are_to_be(
    run, quick, monkeypatch, toy_data, settings, replaced
):
    seen = counted(run, monkeypatch, quick | {"beside-texts": settings})
    plain = toy_data.catalog.item_texts
    assert [texts == plain for texts in seen["module"]] == [True, not replaced]
    assert set(seen["model"]) == {plain}  # the model is the one that is trained alone


def test_a_table_has_one_row_of_it(run, tmp_path, always):
    run("popularity", controls=("shuffled-texts",))
    table = corecbench.table(tmp_path / "results" / "default")
    rows = table[table["sharing"] == "beside-texts"]
    assert set(rows["side"]) == {"domain"}
    assert len(rows) == 2
    assert "notes" not in table  # that the model stays as it is alone is what the row is


OWN = """
    import torch
    from corecbench.api import DomainModelComponent, hookimpl

    class Model:
        examples = "windows"

        def __init__(self, config, setup, ids):
            self.n_items = setup.catalog.n_items
            row = torch.eye(self.n_items + 1)
            self.content = row + row.roll(1, dims=0)  # an item is near the one before it
            self.content[0] = 0

        def scores(self, batch):
            return torch.arange(self.n_items + 1).float().expand(len(batch.user), -1)

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Model, joint=False{more})]
"""


def test_a_model_alone_may_have_texts_of_its_own(run, loose_file, always, ranks, tiny_llama):
    file = loose_file("mine", OWN.format(more=", content=True"))
    records = run("mine", files=[file])
    alone, pair = (records[name]["sides"]["domain"] for name in ("mine", "mine+beside-texts"))
    assert alone["chosen"]["content_weight"] > 0
    assert alone["chosen"]["validation_without"] != alone["validation"]
    assert "predicts" not in alone
    assert pair["chosen"].items() > alone["chosen"].items()
    assert "content_2_weight" in pair["chosen"]
    assert records["mine"]["algorithms"]["texts in scores"] == 3


def test_texts_that_are_not_announced_are_an_error(run, loose_file):
    records = run("mine", files=[loose_file("mine", OWN.format(more=""))], llms=(), sharing=("bdlm",))
    assert "its component needs content=True" in records["mine"]["error"]["message"]


def test_kept_models_recommend_what_was_stored(run, tmp_path, always, host, quick):
    from corecbench.keeping.loading import load_side

    apart = quick | {"beside-texts": {"joined": False}}
    run("text-knn", "popularity", controls=("shuffled-texts",), keep_models=True, settings=apart)
    store = Store(tmp_path / "results", "default")
    for folder, record in store.records():
        loaded, top = load_side(host, folder), store.top(folder, "domain")
        history = top[top["position"] == 1]["item_id"].head(3).tolist()
        assert len(loaded.recommend(history, k=3)) == 3
        if record["cell"]["sharing"]:
            facts = json.loads((folder / "model" / "domain" / "side.json").read_text())
            assert (facts["format"], len(facts["content"])) == (4, 2)


@pytest.mark.parametrize(
    ("module", "settings", "rows"),
    [
        ("bdlm", {"llama": {"epochs": 0}}, {"domain"}),
        ("bdlm", {"bdlm": {"llm_epochs": 0, "warm_up_epochs": 1}}, {"domain"}),
        ("alphafuse", {}, {"domain"}),
        ("llama4rec", {"llama": {"epochs": 0}}, {"domain", "llm", "ensemble"}),
    ],
)
def test_an_llm_that_is_only_read_has_no_row_unless_its_scores_count(run, module, settings, rows):
    records = run("sasrec", sharing=(module,), settings={"sasrec": {"epochs": 1}} | settings)
    assert records[f"sasrec+{module}"]["sides"].keys() == rows
    assert records[f"sasrec+{module}"]["status"] == "ok"
    assert ("llm_parameters" in records[f"sasrec+{module}"]) == ("llm" not in rows)
