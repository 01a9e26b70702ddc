"""What stands where something is to be written is replaced only if corecbench wrote it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.results.store import Store
from corecbench.testing.records import toy_record


@pytest.fixture
def corecbench(tmp_path, monkeypatch):
    """Run the command line in a folder with the results of one cell, which has lists."""
    monkeypatch.chdir(tmp_path)
    store_cell(
        Store(Path("results"), "default"), toy_record(dataset="toys"), {"domain": toy_ranks([1, 2])}, ["ij", "ji"]
    )
    return lambda *args: CliRunner().invoke(main, list(args), catch_exceptions=False)


@pytest.mark.parametrize(
    ("verb", "file"),
    [(["report", "--out"], "table.txt"), (["board", "results", "--out"], "index.html")],
    ids=["report", "site"],
)
def test_a_folder_is_written_again_only_if_corecbench_wrote_it(corecbench, verb, file):
    Path("mine").mkdir()
    Path("mine", file).write_text("mine")
    refused = corecbench(*verb, "mine")
    assert refused.exit_code == 2
    assert refused.stderr == "error: mine: holds what corecbench did not write; choose a new or an empty folder\n"
    assert Path("mine", file).read_text() == "mine"
    Path("empty").mkdir()
    for folder in ("new", "new", "empty"):
        assert corecbench(*verb, folder).exit_code == 0
        assert Path(folder, file).is_file()
    Path("file").write_text("mine")
    assert corecbench(*verb, "file").exit_code == 2


@pytest.mark.parametrize("name", ["lists.csv", "lists.parquet", "lists.trec"])
def test_lists_replace_lists_only(corecbench, name):
    verb = ["results", "predictions", "results", "--cell", "sasrec", "--out", name]
    Path(name).write_text("user_id,item_id,score\nmine,1,1\n")
    refused = corecbench(*verb)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(
        f"error: {name} is there and was not written by `corecbench results predictions`"
    )
    Path(name).unlink()
    assert [corecbench(*verb).exit_code for _ in range(2)] == [0, 0]
