"""`corecbench recommend` on ml-100k, with a pair that was trained for a moment."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import corecbench
from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.results.recommendation import read_data
from corecbench.results.store import Store
from corecbench_plugins.datasets.ml100k import find_ml100k

RUN = """
models = ["sasrec"]
llms = ["tiny"]
max_history = 5
ties = "file"
[settings.sasrec]
embedding_size = 16
inner_size = 16
n_layers = 1
n_heads = 1
epochs = 1
max_examples = 4096
[variants.tiny]
of = "llama:{llm}"
embedding_size = 16
lora_layers = 2
lora_rank = 2
dtype = "float32"
epochs = 1
batch_size = 64
max_examples = 64
[settings.bdlm]
start = "pretrained"
warm_up_epochs = 0
rounds = 1
domain_epochs = 1
llm_epochs = 1
"""

SHOP = [f"u{user},i{(user + step) % 9},item {(user + step) % 9},{step}" for user in range(12) for step in range(5)]


@pytest.fixture(scope="module")
def run(tmp_path_factory, cache, tiny_llama):
    """A store of a pair and its models alone on ml-100k, and the name of the pair."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.toml").write_text(RUN.format(llm=tiny_llama))
    arguments = [
        "run",
        "--no-references",
        "--config",
        str(folder / "run.toml"),
        "--results",
        str(folder / "results"),
    ]
    done = CliRunner(env={"CORECBENCH_CACHE": str(cache)}).invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return Store(folder / "results", "default"), "sasrec+tiny+bdlm"


@pytest.fixture
def recommend(run):
    """Run the verb: `recommend("--user", "13")` shows the lists of the pair."""

    def invoke(*arguments, cell=run[1], results=run[0].root, columns=80):
        runner = CliRunner(env={"COLUMNS": str(columns)})
        return runner.invoke(main, ["recommend", str(results), "--cell", cell, *arguments])

    return invoke


def found(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def folder_of(run, cell):
    (folder,) = (folder for folder, record in run[0].records() if record["cell"]["name"] == cell)
    return folder


def interactions():
    """Return the rows of ml-100k in the order of time, then of the file."""
    rows = pd.read_csv(Path(find_ml100k()) / "ml-100k.inter", sep="\t", dtype=str)
    rows.columns = [name.split(":")[0] for name in rows]
    return rows.assign(time=rows["timestamp"].astype(float)).sort_values("time", kind="stable")


def test_the_history_is_what_the_user_did_and_the_lists_are_what_is_stored(run, recommend):
    shown = found(recommend("--user", "13", "--format", "json"))
    rows = interactions()
    assert [past["item_id"] for past in shown["history"]] == rows[rows["user_id"] == "13"]["item_id"].tolist()
    assert [past["part"] for past in shown["history"][-3:]] == ["training", "validation", "test"]
    llm = run[1].split("+")[1]
    cells = [("sasrec", "domain"), (run[1], "domain"), (llm, "llm"), (run[1], "llm")]
    assert [(of["cell"], of["side"]) for of in shown["lists"]] == cells
    for of, (cell, side) in zip(shown["lists"], cells, strict=True):
        top = run[0].top(folder_of(run, cell), side)
        assert [item["item_id"] for item in of["items"]] == top[top["user_id"] == "13"]["item_id"].tolist()
        rank = run[0].ranks(folder_of(run, cell), side).set_index("user_id").loc["13"]
        assert (of["rank"], of["n_candidates"]) == (rank["rank"], rank["n_candidates"])
        assert shown["history"][-1]["item_id"] == rank["target_item_id"]


def test_what_the_llm_changed_is_the_difference_of_the_two_lists(recommend):
    alone, pair = found(recommend("--user", "13", "--format", "json"))["lists"][:2]
    before, after = ([item["item_id"] for item in of["items"]] for of in (alone, pair))
    for place, item in enumerate(pair["items"]):
        if item["change"] == "new":
            assert item["item_id"] not in before
        else:
            moved = before.index(item["item_id"]) - place
            expected = "up" if moved > 0 else "down" if moved < 0 else "same"
            assert (item["change"], item["places"]) == (expected, abs(moved))
    assert [item["item_id"] for item in pair["dropped"]] == [item for item in before if item not in after]


@pytest.mark.parametrize("side", ["domain", "llm"])
def test_the_best_user_is_the_one_with_the_largest_gain_in_ndcg(run, recommend, side):
    def ndcg(cell):
        rank = run[0].ranks(folder_of(run, cell), side).set_index("user_id")["rank"]
        return (1 / np.log2(1 + rank)).where(rank <= 10, 0)

    gain = ndcg(run[1]) - ndcg(run[1].split("+")[("domain", "llm").index(side)])
    best = min(gain[gain == gain.max()].index)
    assert found(recommend("--user", "best", "--format", "json", cell=f"{run[1]}:{side}"))["user_id"] == best


def test_the_coldest_user_has_the_shortest_history(recommend):
    counts = interactions().groupby("user_id").size()
    shown = found(recommend("--user", "coldest", "--format", "json"))
    assert shown["user_id"] == min(counts[counts == counts.min()].index)
    assert len(shown["history"]) == counts.min()


def test_the_text_has_titles_and_fits_the_terminal(recommend):
    result = recommend("--user", "13", "--history", "3", columns=60)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1] == "635 items before the held-out one, the last 3:"
    assert lines[5].split() == ["*", "Lost", "in", "Space", "held", "out"]
    assert max(map(len, lines)) <= 60
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("format_", ["markdown", "latex", "html", "csv"])
def test_every_reporter_writes_the_lists(recommend, format_):
    result = recommend("--user", "13", "--format", format_)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("sasrec, alone") >= 10


def test_a_model_alone_has_one_list(recommend):
    (of,) = found(recommend("--user", "13", "--format", "json", cell="sasrec"))["lists"]
    assert {item["change"] for item in of["items"]} == {None}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--user", "0"], "error: user '0' is none of the 943 tested users of ml-100k; allowed are", 2),
        (["--user", "13", "--seed", "7"], "not stored with seed 7; have: 0", 2),
        (["--user", "13", "--dataset", "ml-1m"], "did you mean 'ml-100k'? have: ml-100k", 2),
        (["--user", "13", "--format", "pdf"], "unknown reporter 'pdf'", 2),
        (["--user", "13", "--history", "-1"], "invalid value for '--history'", 2),
        ([], "missing option '--user'", 2),
    ],
)
def test_what_does_not_fit_is_one_line(recommend, arguments, message, code):
    result = recommend(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_data_set_that_changed_since_is_refused(run, recommend, tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    for suffix in ("inter", "item"):
        rows = (Path(find_ml100k()) / f"ml-100k.{suffix}").read_text(encoding="utf-8").splitlines()
        (folder / f"ml-100k.{suffix}").write_text("\n".join(rows[: -1 if suffix == "inter" else None]) + "\n")
    result = recommend("--user", "13", "--dataset", str(folder))
    assert result.exit_code == 4
    assert "error: data set 'ml-100k' is not what the cell was run on: its fingerprint is " in result.stderr


def test_an_earlier_version_did_not_store_where_a_folder_was(recommend, toy_folder, tmp_path, host):
    options = ["--models", "popularity", "--datasets", str(toy_folder), "--results", str(tmp_path)]
    assert CliRunner().invoke(main, ["run", "--no-references", *options]).exit_code == 0
    asked = {"cell": "popularity", "results": tmp_path}
    ((_, record),) = Store(tmp_path, "default").records()
    record.pop("run", None)  # as an earlier version stored it
    with pytest.raises(
        UsageError, match="data set 'toy' was a folder of files; say where it is by --dataset FOLDER"
    ):
        read_data(host, record, None, ())
    shown = found(recommend("--user", "u3", "--dataset", str(toy_folder), "--format", "json", **asked))
    assert shown["history"][-1]["title"] == "red apple"


def test_a_file_is_read_again_from_where_the_record_says_and_by_its_settings(tmp_path, host):
    file = tmp_path / "shop.csv"
    file.write_text("\n".join(["who,what,name,when", *SHOP]) + "\n")
    columns = {"user": "who", "item": "what", "title": "name", "timestamp": "when"}
    sets = [f"--set=csv.{key}={value}" for key, value in columns.items()]
    options = ["--models", "popularity", "--datasets", f"csv:{file}", "--results", str(tmp_path / "results"), *sets]
    assert CliRunner().invoke(main, ["run", "--no-references", *options]).exit_code == 0
    ((_, record),) = Store(tmp_path / "results", "default").records()
    record["run"] = {"dataset": f"csv:{file}", "dataset_settings": {"csv": columns}}
    for named in (None, "shop.csv"):
        data = read_data(host, record, named, ())
        assert data.dataset.fingerprint == record["data"]["fingerprint"]


def test_the_run_file_of_a_page_runs_for_a_file(tmp_path, monkeypatch):
    run_files = pytest.importorskip("corecbench.results.run_files").run_files
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.csv").write_text("\n".join(["who,item_id,title,timestamp", *SHOP]) + "\n")
    options = ["--models", "popularity", "--datasets", "csv:shop.csv", "--set", "csv.user=who"]
    assert CliRunner().invoke(main, ["run", "--no-references", *options, "--results", "first"]).exit_code == 0
    ((folder, record),) = Store(Path("first"), "default").records()
    (text,) = run_files("default", [record])
    (tmp_path / "again.toml").write_text(text)
    done = CliRunner().invoke(main, ["run", "--config", "again.toml", "--results", "second"])
    assert done.exit_code == 0, done.output
    ((again, _),) = Store(Path("second"), "default").records()
    assert again.relative_to("second") == folder.relative_to("first")
    shown = CliRunner().invoke(main, ["recommend", "first", "--cell", "popularity", "--user", "u3"])
    assert shown.exit_code == 0, shown.output


def test_a_run_that_stored_no_lists_says_so(recommend, toy_folder, tmp_path):
    options = [
        "--models",
        "popularity",
        "--set",
        "run.top_k=0",
        "--datasets",
        str(toy_folder),
        "--results",
        str(tmp_path),
    ]
    assert CliRunner().invoke(main, ["run", "--no-references", *options]).exit_code == 0
    result = recommend("--user", "u3", "--dataset", str(toy_folder), cell="popularity", results=tmp_path)
    assert result.exit_code == 5
    assert (
        "no best items were stored with this cell; run it again with --set run.top_k=10 --existing replace"
        in result.stderr
    )


def test_no_torch_is_loaded(run):
    command = ["recommend", str(run[0].root), "--cell", run[1], "--user", "best"]
    code = f"""
import sys
from corecbench.cli.main import main
try:
    main({command!r})
except SystemExit as stop:
    sys.exit(stop.code or bool({{"torch", "recbole", "transformers", "matplotlib"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "held-out item" in done.stdout


# --- by a model that was kept -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory, toy_folder):
    """The folder of a cell of popularity on toy data whose model was kept."""
    results = tmp_path_factory.mktemp("kept")
    options = ["--models", "popularity", "--datasets", str(toy_folder), "--results", str(results), "--keep-models"]
    assert CliRunner().invoke(main, ["run", "--no-references", *options]).exit_code == 0
    (cell,) = results.glob("*/*/*/seed*")
    return cell


def test_a_typed_history_gets_recommendations(kept):
    asked = ["recommend", "--history", "red apple; BLUE APPLE", "--cell", str(kept), "--k", "3"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    header, _, *rows = done.stdout.splitlines()
    assert header.split() == ["place", "title", "item", "score"]
    assert [row.split()[0] for row in rows[:3]] == ["1", "2", "3"]
    assert "apple" not in " ".join(row.split("  ")[0] for row in rows[:3])
    assert "The best items of the domain side (popularity) of popularity on toy." in done.stdout
    asked = [*asked, "--format", "json"]
    assert len(json.loads(CliRunner().invoke(main, asked).stdout)["rows"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--history", "red aple"], "no item has the id or the title 'red aple'; close are: 'red apple'", 2),
        (["--history", "i0", "--user", "u1"], "give either --history 'ITEM; ITEM' or --user ID", 2),
        ([], "give either --history 'ITEM; ITEM' or --user ID", 2),
        (["--user", "u1"], "popularity knows no users, only histories; give one by recommend or --history", 2),
        (["--history", "i0", "--side", "llm"], "no llm side was kept; have: domain", 2),
    ],
)
def test_what_a_model_cannot_answer_is_one_line(kept, arguments, message, code):
    done = CliRunner().invoke(main, ["recommend", "--cell", str(kept), *arguments])
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_of_several_settings_those_are_taken_that_are_chosen(kept, toy_folder, tmp_path):
    """All verbs that name one cell say how it is chosen, and choose alike."""
    results = tmp_path / "results"
    shutil.copytree(kept.parents[3], results)
    options = ["--models", "popularity", "--datasets", str(toy_folder), "--results", str(results), "--keep-models"]
    assert (
        CliRunner().invoke(main, ["run", "--no-references", *options, "--set", "run.max_history=3"]).exit_code == 0
    )
    above, old = results / kept.parent.relative_to(kept.parents[3]), kept.name.partition("-")[2]
    (new,) = {folder.name.partition("-")[2] for folder in above.iterdir()} - {old}
    history = ["recommend", "--cell", str(above), "--history", "red apple"]
    user = ["recommend", str(results), "--cell", "popularity", "--user", "u3"]
    lists = ["results", "predictions", str(results), "--cell", "popularity", "--out", str(tmp_path / "top.csv")]
    for verb in (
        history,
        user,
        lists,
        ["reproduce", str(above)],
    ):
        done = CliRunner().invoke(main, verb)
        assert done.exit_code in (2, 5), done.output
        assert "--latest, or one by --pick popularity=" in done.stderr
    for verb in (history, user, lists):
        for option in (["--latest"], ["--pick", f"popularity={old}"]):
            assert CliRunner().invoke(main, [*verb, *option]).exit_code == 0
    for option, hash8 in ((["--latest"], new), (["--pick", f"popularity={old}"], old)):
        done = CliRunner().invoke(main, ["reproduce", str(above), "--results", str(tmp_path / hash8), *option])
        assert done.exit_code == 0, done.output
        assert [folder.name for folder in (tmp_path / hash8).glob("*/*/*/*")] == [f"seed0-{hash8}"]
    with pytest.raises(UsageError, match="several settings"):
        corecbench.load_model(above)
    assert corecbench.load_model(above, latest=True).setup.max_history == 3
    assert corecbench.load_model(above, pick={"popularity": old}).setup.max_history == 50


def test_a_history_beside_a_folder_of_results_says_what_is_needed(recommend):
    result = recommend("--user", "13", "--history", "Toy Story")
    assert result.exit_code == 2
    assert "items need the folder of a cell and no RESULTS_DIR" in result.stderr
