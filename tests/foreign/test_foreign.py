"""Public methods, each written with `corecbench.api` alone, run beside a tiny Llama and pass the checks."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.data.split import leave_one_out
from corecbench.keeping.loading import load_side
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.testing.toys import ToySource, write_atomic

PLUGINS = Path(__file__).parent / "plugins"
LINES = 85
NAMES = sorted(path.stem for path in PLUGINS.glob("*.py"))


@pytest.fixture
def joined(bench, tiny_llama):
    """Run a pair of foreign methods, and return its record."""

    def run(plugins, model, sharing, control=()):
        files = [PLUGINS / f"{plugin}.py" for plugin in plugins]
        given = {"models": (model,), "llms": (f"llama:{tiny_llama}",), "sharing": (sharing,), "controls": control}
        records = {record["cell"]["name"]: record for record in bench(files, solo_llms=False, **given)}
        assert {record["status"] for record in records.values()} == {"ok"}
        return records

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_method_is_short_and_needs_the_contract_alone(name):
    source = (PLUGINS / f"{name}.py").read_text(encoding="utf-8")
    assert source.count("\n") <= LINES
    imported = {line.split()[1] for line in source.splitlines() if line.startswith("from corecbench")}
    assert imported <= {"corecbench.api", "corecbench.toolkit"}


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_method_passes_all_checks(name):
    found = CliRunner().invoke(main, ["--plugin", str(PLUGINS / f"{name}.py"), "check", name])
    assert found.exit_code == 0, found.output


def test_frozen_texts_are_heard_without_a_turn_of_the_llm(joined):
    """RLMRec: under the control that leaves out turns of the LLM its losses are still called."""
    records = joined(["aligned"], "sasrec", "aligned", control=("frozen-texts", "no-mutual"))
    pair, frozen, without = (
        next(record for name, record in records.items() if name.endswith(end))
        for end in ("+aligned", "+frozen-texts", "+no-mutual")
    )
    losses = [[epoch["loss"] for epoch in record["epochs"]] for record in (pair, frozen, without)]
    assert losses[0] == losses[1] != losses[2]
    assert [record["sides"]["domain"]["coupled"] for record in (pair, frozen, without)] == [True, True, False]


def test_popular_items_and_means_of_users_are_known(joined):
    """LLMInit: it looks at the training part."""
    records = joined(["popular"], "lightgcn", "popular")
    assert any(name.endswith("+popular") for name in records)


def test_items_of_codes_of_their_texts_differ_from_the_model_alone(joined):
    """Semantic ids: the model is told the texts in a pair, and has none alone."""
    records = joined(["semantic"], "semantic", "none")
    losses = {name: record["epochs"][0]["loss"] for name, record in records.items()}
    assert len(set(losses.values())) == len(losses) == 2


def test_a_model_that_read_texts_is_loaded_with_them(bench, tiny_llama, quick, toy_data, tmp_path):
    files, settings = [PLUGINS / "semantic.py"], quick | {"none": quick["none"] | {"alone_unless_better": False}}
    given = {"models": ("semantic",), "llms": (f"llama:{tiny_llama}",), "sharing": ("none",), "settings": settings}
    bench(files, solo_llms=False, keep_models=True, **given)
    store = Store(tmp_path / "results", "default")
    (pair,) = (folder for folder, record in store.records() if record["cell"]["llm"])
    loaded = load_side(Host.discover(files), pair)
    assert loaded.model.codes.any()
    top = store.top(pair, "domain")
    known, catalog = leave_one_out(toy_data).held["test"], toy_data.catalog
    user, start, length = known.users[0], known.known.start[0], known.known.length[0]
    history = [catalog.item_ids[item] for item in known.known.items[start : start + length]]
    expected = top[top["user_id"] == catalog.user_ids[user]].sort_values("position")["item_id"]
    assert [item.item_id for item in loaded.recommend(history)] == list(expected)


@pytest.mark.parametrize("model", ["sasrec", "lightgcn"])
def test_the_llm_reads_states_of_the_recommender(joined, model):
    """CoLLM: rows after propagation, and the states of each sample's own history."""
    records = joined(["collaborative"], model, "collaborative")
    (pair,) = (record for name, record in records.items() if name.endswith("+collaborative"))
    assert pair["sides"]["llm"]["coupled"]
    assert pair["sides"]["domain"]["epochs"] == 0


@pytest.mark.parametrize("split", ["leave-one-out", "time"])
def test_a_model_is_told_when_the_items_of_a_history_happened(bench, tmp_path, split, monkeypatch):
    """STAN: the same items in the same order at other times are another history."""
    monkeypatch.setenv("CORECBENCH_PRECISION", "float32")  # in which the first loss shows it
    losses = set()
    for pause in (0, 40):
        days = [(user, step, step + pause * (step > 5)) for user in range(60) for step in range(12)]
        rows = [(f"u{user}", f"i{(3 * user + step) % 20}", 10**9 + 86_400 * day + user) for user, step, day in days]
        toy = ToySource(rows, {f"i{item}": f"title {item}" for item in range(20)})
        folder = write_atomic(toy, tmp_path / str(pause) / "toy")
        given = {"models": ("paced",), "datasets": (str(folder),), "split": split}
        (record,) = bench([PLUGINS / "paced.py"], root=f"results-{pause}", **given)
        losses.add(record["epochs"][0]["loss"])
    assert len(losses) == 2
