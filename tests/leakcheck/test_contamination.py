"""An LLM that knows titles is told from one that does not; a gain is sliced by what it knows."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from stored_cells import store_cell, toy_ranks

from corecbench.api import Catalog, DataError, LlmComponent, UsageError, hookimpl
from corecbench.cli.main import main
from corecbench.leakcheck.contamination import Reader, Titles, judge, likelihoods
from corecbench.leakcheck.known_targets import by_knowledge, joint_row, targets
from corecbench.plugin.host import Host
from corecbench.report.evidence.reading import read
from corecbench.results.store import Store
from corecbench.testing.bench import ReciprocalRank
from corecbench.testing.records import toy_record
from corecbench.testing.toys import ToySource, write_atomic

WORDS = ["amber", "birch", "cobalt", "dune", "ember", "fjord", "glade", "heron", "iris", "jade", "kelp", "lotus"]


def catalog_of(n_items=60, name="toy", seed=0):
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, 6, replace=False)) for _ in range(n_items)]
    return Catalog(name, ("",), ("", *(f"i{item}" for item in range(n_items))), ("", *texts))


def llm(knows, name="mine"):
    """An LLM to which words of texts that it knows have likelihood .9, in their order, and others .01."""

    def likely(config, setup, texts):
        return [np.log(np.full(len(text.split()), 0.9 if text in knows else 0.01)) for text in texts]

    return LlmComponent(name, lambda *_: None, likelihoods=likely)


def reader_of(component):
    """Ask an LLM beside the installed plugins."""
    host = Host.discover()
    host.register(type("Plugin", (), {"corecbench_llms": staticmethod(hookimpl(lambda: [component]))}), "mine")
    return Reader(host, host.select("llms", component.name, {}))


# --- what is known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "well known"), (0.0, "no sign"), (0.05, "cannot tell")])
def test_the_share_of_completed_titles_decides(share, verdict):
    catalog = catalog_of(200)
    known = set(catalog.item_texts[1 : 1 + int(200 * share)])
    found = judge("mine", reader_of(llm(known)).titles(catalog, 0))
    assert found.verdict == verdict
    assert found.completed.value == pytest.approx(share)
    ends = stats.binomtest(int(200 * share), 200).proportion_ci(0.95, method="wilson")
    assert (found.completed.low, found.completed.high) == pytest.approx((ends.low, ends.high))


def test_a_title_that_is_as_likely_in_other_words_is_not_known():
    catalog = catalog_of()
    reader = reader_of(llm(set(catalog.item_texts) | set(reader_of(llm(())).twins(catalog))))
    found = judge("mine", reader.titles(catalog, 0))
    assert found.verdict != "well known"
    assert found.completed.value == 0


def test_twins_are_in_other_words_of_the_same_catalogue():
    catalog = catalog_of()
    twins = reader_of(llm(())).twins(catalog)
    assert {word for text in twins for word in text.split()} == set(WORDS)
    assert not any(own == twin for own, twin in zip(catalog.item_texts[1:], twins[1:], strict=True))


def test_halves_are_of_tokens_and_short_titles_are_left_out():
    values = {"a b c d": [-1.0, -2.0, -3.0, -5.0], "e f g": [-1.0] * 3}
    catalog = Catalog("toy", ("",), ("", "x", "y"), ("", *values))
    component = LlmComponent(
        "mine",
        lambda *_: None,
        likelihoods=lambda config, setup, texts: [values.get(text, [-8.0] * len(text.split())) for text in texts],
    )
    titles = reader_of(component).titles(catalog, 0)
    assert (titles.texts, titles.n_short, titles.n_all) == (("a b c d",), 1, 2)
    assert titles.whole.tolist() == [[-11 / 4, -8.0]]
    assert titles.second.tolist() == [[-4.0, -8.0]]
    assert titles.beyond_twins.tolist() == [4.0]


def test_titles_are_drawn_the_same_each_time_and_each_text_once():
    catalog = catalog_of(50)
    doubled = Catalog("toy", ("",), (*catalog.item_ids, "again"), (*catalog.item_texts, catalog.item_texts[1]))
    reader = reader_of(llm(()))
    assert reader.titles(doubled, 0).n_all == len(set(catalog.item_texts[1:]))
    one, two = (reader.titles(catalog, 10).texts for _ in range(2))
    assert one == two
    assert len(one) == 10
    assert set(reader.titles(catalog, 0, of=[3, 3, 5]).texts) == {catalog.item_texts[3], catalog.item_texts[5]}


def test_other_data_sets_are_compared_by_welch():
    def titles(name, gaps):
        second = np.column_stack([np.zeros(len(gaps)), -np.array(gaps)])
        return Titles(name, len(gaps), 0, ("",) * len(gaps), second, second)

    one, other = [2.0, 3.0, 4.0], [1.0, 1.0, 2.0, 0.0]
    mean = judge("mine", titles("one", one), [titles("other", other)]).others["other"]
    ends = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    assert mean.value == pytest.approx(2.0)
    assert (mean.low, mean.high) == pytest.approx((ends.low, ends.high))


def test_faults_end_in_one_line():
    catalog = catalog_of()
    mute = reader_of(LlmComponent("mute", lambda *_: None))
    with pytest.raises(UsageError, match="mute gives no likelihoods of texts"):
        mute.titles(catalog, 0)
    untitled = Catalog("toy", ("",), ("", "x"), ("", ""))
    with pytest.raises(UsageError, match="no item has a text"):
        reader_of(llm(())).titles(untitled, 0)
    with pytest.raises(UsageError, match="no control here replaces the words"):
        Reader(Host(), SimpleNamespace(component=llm(()))).titles(catalog, 0)


def test_a_causal_lm_gives_likelihoods_and_an_encoder_none(host, tiny_llama, quick, cache):
    from corecbench.api import Setup

    catalog = catalog_of()
    setup = Setup(catalog, 1, 0, cache=cache)
    selected = host.select("llms", f"llama:{tiny_llama}", quick)
    values = likelihoods(selected, setup, ["", "red apple red", "red"])
    assert list(map(len, values)) == [0, 3, 1]
    assert values[1][0] == pytest.approx(values[2][0], abs=1e-5)
    with pytest.raises(UsageError, match="minilm gives no likelihoods"):
        likelihoods(host.select("llms", "minilm", {}), setup, ["red"])


# --- the gain by what is known ------------------------------------------------------------------------------------


@pytest.fixture
def evidence(tmp_path):
    """Forty users, each with a target of its own; the pair gains for the first twenty."""
    store, n_users = Store(tmp_path, "default"), 40
    users = [f"u{user:02}" for user in range(n_users)]
    random = np.random.default_rng(0)
    for seed in range(3):
        alone = random.integers(2, 9, n_users)
        pair = np.where(np.arange(n_users) < n_users // 2, 1, alone)
        for parts, ranks in (
            (("sasrec", None, None), {"domain": alone}),
            ((None, "mine", None), {"llm": alone}),
            (("sasrec", "mine", "bdlm"), {"domain": pair, "llm": pair}),
        ):
            frames = {side: toy_ranks(rank, users, target_item_id="-") for side, rank in ranks.items()}
            record = toy_record(*parts, seed=seed)
            for side in record["sides"]:
                record["sides"][side]["n_users"] = n_users
            store_cell(store, record, frames)
    return read(store.sound(), store, {"MRR": ReciprocalRank()}, "MRR")


def split_of(catalog, fingerprint="s"):
    """Return a data set whose users have the items as targets."""
    n_users = catalog.n_items
    users = ("", *(f"u{user:02}" for user in range(n_users)))
    held = SimpleNamespace(users=np.arange(1, n_users + 1), target=np.arange(1, n_users + 1))
    split = SimpleNamespace(fingerprint=fingerprint, held={"test": held})
    catalog = Catalog("toy", users, catalog.item_ids, catalog.item_texts)
    dataset = SimpleNamespace(fingerprint="f", catalog=catalog)
    return SimpleNamespace(dataset=dataset, catalog=catalog, split=split, name="toy")


def titles_of(catalog, known):
    texts = catalog.item_texts[1:]
    second = np.array([[-0.1 if text in known else -4.0, -4.1] for text in texts])
    return Titles("toy", len(texts), 0, texts, second, second)


def test_the_gain_is_that_of_users_with_better_known_targets(evidence):
    catalog = catalog_of(40)
    key = joint_row(evidence, "sasrec+mine+bdlm:domain")
    assert targets(evidence, key, split_of(catalog)).tolist() == list(range(1, 41))
    found = by_knowledge(evidence, key, titles_of(catalog, set(catalog.item_texts[1:21])), split_of(catalog))
    better, others = found.halves
    assert (better.n_users, others.n_users) == (20, 20)
    assert better.difference > 0.5
    assert others.difference == 0
    assert found.more.value == pytest.approx(better.difference)
    assert found.more.low > 0
    assert "better known targets gain more: +" in list(found.lines())[-1]


def test_a_gain_that_has_nothing_to_do_with_it_is_said_to_be_no_more(evidence):
    catalog = catalog_of(40)
    known = set(catalog.item_texts[1:41:2])
    found = by_knowledge(
        evidence, joint_row(evidence, "sasrec+mine+bdlm:domain"), titles_of(catalog, known), split_of(catalog)
    )
    assert "gain no more or less that is significant" in list(found.lines())[-1]


@pytest.mark.parametrize(
    ("name", "fault"),
    [("sasrec+mine+bdlm", "has several sides; name one"), ("sasrec", "unknown pair with its model alone 'sasrec'")],
)
def test_a_row_must_be_one_side_of_a_pair(evidence, name, fault):
    with pytest.raises(UsageError, match=fault):
        joint_row(evidence, name)


def test_a_row_of_another_split_is_refused(evidence):
    with pytest.raises(DataError, match="is not what the cell was run on: its split fingerprint is other"):
        targets(evidence, joint_row(evidence, "sasrec+mine+bdlm:domain"), split_of(catalog_of(40), "other"))


def test_too_few_users_are_refused(evidence):
    catalog = catalog_of(40)
    titles = titles_of(Catalog("toy", ("",), catalog.item_ids[:3], catalog.item_texts[:3]), set())
    with pytest.raises(UsageError, match="2 users have a target among the titles"):
        by_knowledge(evidence, joint_row(evidence, "sasrec+mine+bdlm:domain"), titles, split_of(catalog))


def run(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def test_the_verb_says_it_in_words_and_as_json(tmp_path, capsys, tiny_llama):
    rows = [(f"u{user}", f"i{item}", 100 * user + item) for user in range(4) for item in range(8)]
    titles = {f"i{item}": " ".join(np.random.default_rng(item).permutation(WORDS)) for item in range(8)}
    one, other = (str(write_atomic(ToySource(rows, titles), tmp_path / name)) for name in ("one", "other"))
    arguments = ["audit", "titles", "--llm", f"llama:{tiny_llama}", "--dataset", one, "--against", other]
    run(arguments)
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("on one: 8 of 8 titles")
    assert "less that on other" in said[4]
    assert said[-1].startswith("verdict: cannot tell; 8 titles are too few")
    run([*arguments, "--json", "--items", "5"])
    facts = json.loads(capsys.readouterr().out)
    assert (facts["verdict"], facts["titles"]) == ("cannot tell", {"all": 8, "read": 5, "short": 0})
