"""`corecbench split`, `import` and `predictions` on toy data: the way out to another library and back."""

import hashlib
import json

import pandas as pd
import pytest
from click.testing import CliRunner

from corecbench.cli.exchange_verbs import FORMATS
from corecbench.cli.main import main
from corecbench.exchange.layouts import LAYOUTS
from corecbench.results.store import Store

ALL = ("--candidates", "all")
"""Says that lists with every held-out item come from ranking all items."""


@pytest.fixture
def corecbench(tmp_path, monkeypatch, cache):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))

    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def ok(corecbench):
    """The same for what must work; return what is printed."""

    def invoke(*arguments):
        result = corecbench(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def lists_of(split, best_first=True, length=4):
    """Return lists of candidates as another library would make them from the split: each item by its popularity."""
    train, validation, test, items = (
        pd.read_csv(split / f"{part}.csv", dtype=str) for part in ("train", "validation", "test", "items")
    )
    seen = pd.concat([train, validation]).groupby("user_id")["item_id"].agg(set)
    rows = []
    for user, target in zip(test["user_id"], test["item_id"], strict=True):
        others = [item for item in items["item_id"] if item not in seen[user] and item != target]
        own = [target, *others] if best_first else [*others, target]
        rows += [(user, item, 10 - place) for place, item in enumerate(own[:length])]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "score"])


def record_of(root, cell):
    (found,) = (record for _, record in Store(root, "default").records() if record["cell"]["name"] == cell)
    return found


def test_a_model_trained_on_the_split_stands_in_the_table_beside_one_trained_here(ok, toy_folder, tmp_path):
    ok("split", toy_folder, "--out", "split")
    lists_of(tmp_path / "split", best_first=False).to_csv("base.csv", index=False)
    lists_of(tmp_path / "split").to_csv("better.csv", index=False)
    ok("run", "--no-references", "--models", "popularity", "--datasets", toy_folder)
    shown = ok("import", "base.csv", "--dataset", toy_folder, "--name", "theirs", "--seed", 0)
    assert "theirs on toy, seed 0: lists of 60 users, at least 4 items each, or all" in shown
    assert "HR@5: no value; the imported lists of 60 of 60 users end" in shown
    shown = ok(
        "import", "better.csv", "--dataset", toy_folder, "--name", "llm", "--solo", "theirs", "--seed", 0, *ALL
    )
    assert "HR@5: 1.0000" in shown
    assert "MRR: 1.0000" in shown
    table = pd.DataFrame(json.loads(ok("report", "--metrics", "HR@4,NDCG@4", "--format", "json"))["rows"])
    assert list(table["model"]) == ["popularity", "theirs", "theirs"]
    assert list(table["sharing"].fillna("-")) == ["-", "-", "llm"]
    assert list(table["HR@4"])[1:] == [0.0, 1.0]
    assert list(table["notes"])[2] == "imported from better.csv"
    caption = " ".join(ok("report", "--metrics", "HR@4,MRR").split())
    digest = hashlib.sha256((tmp_path / "base.csv").read_bytes()).hexdigest()
    assert f"Imported, not trained here: theirs on toy, seed 0 (base.csv, sha256 {digest[:8]})" in caption
    assert "what a model was trained on, and how much of a history it read, is not" in caption
    assert "No MRR of theirs on toy: the imported lists of 60 of 60 users end before the rank" in caption


def test_everything_that_reads_results_reads_imported_ones(ok, toy_folder, tmp_path):
    ok("split", toy_folder, "--out", "split")
    users = pd.read_csv("split/test.csv")["user_id"]
    for name, rank in (("base", 3), ("more", 1)):
        pd.DataFrame({"user_id": users, "rank": rank}).to_csv(f"{name}.csv", index=False)
    ok("import", "base.csv", "--dataset", toy_folder, "--name", "theirs", "--seed", 0)
    ok("import", "more.csv", "--dataset", toy_folder, "--name", "more", "--solo", "theirs", "--seed", 0, *ALL)
    view = ["--metrics", "MRR,coverage@5", "--out", "view"]
    shown = ok("report", "--html", "--plots", "--set=report.cost=true", "--effects", *view)
    assert "in all columns of costs: the result is imported" in " ".join(shown.split())
    page = (tmp_path / "view" / "report.html").read_text(encoding="utf-8")
    assert "more.csv" in page
    assert "through None" not in page
    assert ok("report", "--slices").count("theirs") > 3
    assert "theirs" in ok("board")
    assert "theirs+more" in ok("compare", "results", "--baseline", "theirs")


def test_lists_that_go_out_and_come_back_give_the_same_metrics(ok, toy_folder, tmp_path):
    options = ["--set", "sasrec.epochs=1", "--set", "sasrec.embedding_size=16", "--set", "sasrec.n_layers=1"]
    ok("run", "--no-references", "--models", "sasrec", "--datasets", toy_folder, "--set", "run.top_k=5", *options)
    first = record_of(tmp_path / "results", "sasrec")
    for suffix in ("csv", "parquet", "trec"):
        told = ok("results", "predictions", "results", "--cell", "sasrec", "--out", f"out/lists.{suffix}")
        assert told == f"out/lists.{suffix}: 300 items of 60 users, at most 5 each\n"
        ok("import", f"out/lists.{suffix}", "--dataset", toy_folder, "--name", f"from-{suffix}", "--seed", 0)
        again = record_of(tmp_path / "results", f"from-{suffix}")
        known = again["sides"]["domain"]["metrics"]
        assert {"HR@5", "NDCG@5", "MRR@5"} <= known.keys()
        assert known == {name: first["sides"]["domain"]["metrics"][name] for name in known}
        assert again["protocol"] == first["protocol"]
        assert again["data"]["split_fingerprint"] == first["data"]["split_fingerprint"]


def test_a_cell_with_two_sides_needs_the_name_of_one(ok, corecbench, toy_folder, tmp_path):
    ok("split", toy_folder, "--out", "split")
    lists_of(tmp_path / "split").to_csv("lists.csv", index=False)
    ok("import", "lists.csv", "--dataset", toy_folder, "--name", "theirs", "--seed", 0, *ALL)
    assert "4 items" not in ok("results", "predictions", "results", "--cell", "theirs:domain", "--out", "a.csv")
    result = corecbench("results", "predictions", "results", "--cell", "theirs:llm", "--out", "a.csv")
    assert result.exit_code == 2
    assert "unknown cell 'theirs:llm'" in result.stderr


def test_lists_of_sampled_candidates_share_no_table_with_full_ranking(ok, corecbench, toy_folder, tmp_path):
    ok("split", toy_folder, "--out", "split")
    lists_of(tmp_path / "split").to_csv("lists.csv", index=False)
    ok("run", "--no-references", "--models", "popularity", "--datasets", toy_folder)
    arguments = ["import", "lists.csv", "--dataset", toy_folder, "--name", "theirs", "--seed", 0]
    refused = corecbench(*arguments)
    assert refused.exit_code == 4
    assert "--candidates sampled, which shares no table with full ranking" in refused.stderr
    ok(*arguments, "--candidates", "sampled")
    report = corecbench("report")
    assert report.exit_code == 5
    assert "at most 4 sampled by another library" in " ".join(report.stderr.split())


def test_the_same_file_again_changes_nothing_and_another_one_needs_to_replace(ok, corecbench, toy_folder, tmp_path):
    ok("split", toy_folder, "--out", "split")
    lists_of(tmp_path / "split").to_csv("lists.csv", index=False)
    arguments = ["import", "lists.csv", "--dataset", toy_folder, "--name", "theirs", "--seed", 0, *ALL]
    assert ok(*arguments) == ok(*arguments)
    lists_of(tmp_path / "split", length=3).to_csv("lists.csv", index=False)
    result = corecbench(*arguments)
    assert result.exit_code == 2
    assert "theirs with seed 0 was imported before, from lists.csv; give --replace" in result.stderr
    ok(*arguments, "--replace")
    assert record_of(tmp_path / "results", "theirs")["imported"]["list_depth"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "sasrec"], "name 'sasrec' is that of a component"),
        (["--name", "a+b"], "name 'a+b' is no name of a model"),
        (["--name", "theirs", "--solo", "nobody"], "unknown model alone on toy in benchmark 'default' 'nobody'"),
        (["--name", "theirs", "--format", "xml"], "unknown format 'xml'; have: csv, parquet, trec"),
        (["--name", "theirs", "--set", "run.k_core=-1"], "k_core is -1, must be at least 0"),
    ],
)
def test_names_and_options_that_cannot_be_are_refused(corecbench, toy_folder, arguments, message):
    result = corecbench("import", "lists.csv", "--dataset", toy_folder, "--seed", 0, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


# --- split --------------------------------------------------------------------------------------------------------


def test_formats_are_those_that_there_are():
    assert tuple(LAYOUTS) == FORMATS


@pytest.mark.parametrize("format_", FORMATS)
def test_a_split_says_how_to_read_it_and_what_it_is(ok, toy_folder, tmp_path, format_):
    told = ok("split", toy_folder, "--out", "split", "--format", format_)
    manifest = json.loads((tmp_path / "split" / "manifest.json").read_text())
    assert f"split {manifest['split_fingerprint'][:12]}" in told
    assert manifest["training_interactions"] == 600
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "split" / name).read_bytes()).hexdigest() == digest
    readme = (tmp_path / "split" / "README.txt").read_text()
    assert "corecbench import lists.csv" in readme
    assert "{" not in readme.replace("{'user_id': str, 'item_id': str}", "")


def test_the_parts_are_those_that_models_are_trained_and_tested_on(ok, toy_folder, split_of_toy):
    ok("split", toy_folder, "--out", "split")
    parts = {part: pd.read_csv(f"split/{part}.csv", dtype=str) for part in ("train", "validation", "test")}
    ids, split = split_of_toy
    expected = {"train": split.train.item, **{stage: held.target for stage, held in split.held.items()}}
    assert {part: list(rows["item_id"]) for part, rows in parts.items()} == {
        part: [ids[item] for item in items] for part, items in expected.items()
    }


@pytest.fixture
def split_of_toy(toy_data):
    from corecbench.data.split import leave_one_out

    return toy_data.catalog.item_ids, leave_one_out(toy_data)


def test_histories_for_recbole_end_before_the_item_that_follows(ok, toy_folder):
    ok("split", toy_folder, "--out", "split", "--format", "recbole", "--set", "run.max_history=3")
    path = "split/toy-histories/toy-histories.{}.inter"
    test, train = (pd.read_csv(path.format(part), sep="\t") for part in ("test", "train"))
    first = test.set_index("user_id:token").loc["u0"]
    assert (first["item_id_list:token_seq"], first["item_id:token"]) == ("i8 i9 i10", "i11")
    assert len(train) == 60 * 9  # of 10 training items all but the first follow another one


def test_a_folder_that_holds_something_is_left_alone(ok, corecbench, toy_folder, tmp_path):
    (tmp_path / "split").mkdir()
    (tmp_path / "split" / "mine.txt").write_text("mine")
    result = corecbench("split", toy_folder, "--out", "split")
    assert result.exit_code == 2
    assert "split: not an empty folder" in result.stderr
