"""A file of the user's own: understood by its name, its columns guessed, its histories shown."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.settings.config import load
from corecbench.tuning.tuned_file import write_tuned

SHOP = "customer,sku,bought_at,product_name,stars\n" + "".join(
    f"c{user},s{(user + step) % 7},2026-01-{step + 1:02},Soap {(user + step) % 7},{step % 5 + 1}\n"
    for user in range(20)
    for step in range(7)
)
COLUMNS = "--set csv.user=customer --set csv.item=sku --set csv.timestamp=bought_at --set csv.title=product_name"


@pytest.fixture
def info(tmp_path, monkeypatch):
    """Look at a file: `info(text, *options)` returns the exit code and what is printed."""
    monkeypatch.chdir(tmp_path)

    def look(text, *options):
        (tmp_path / "shop.csv").write_text(text)
        result = CliRunner().invoke(main, ["datasets", "info", "shop.csv", *options])
        return result.exit_code, result.output

    return look


def test_columns_are_guessed_and_the_line_to_paste_is_printed(info):
    code, output = info(SHOP)
    assert code == 4
    assert f"maybe: {COLUMNS}\n" in output


def test_the_line_works_and_histories_are_shown_with_titles(info):
    code, output = info(SHOP, *COLUMNS.split())
    assert code == 0
    assert "user c0: ... 2 more; Soap 2; Soap 3; Soap 4; Soap 5; Soap 6\n" in output
    assert output.count("  user c") == 3


def test_bad_rows_and_ids_that_are_alike_are_said_with_counts(info):
    bad = SHOP + ",s1,2026-01-09,Soap 1,5\nc1 ,s1,2026-01-09,Soap 1,5\nc1,s1\n"
    code, output = info(bad, *COLUMNS.split(), "--set", "csv.bad_rows=skip")
    assert code == 0
    assert (
        "warning: shop.csv: 2 bad rows are left out: 1 of column customer: empty, an id is needed (line 142); "
        in output
    )
    assert "warning: 2 user ids of shop.csv differ from another one in blanks" in output


def test_the_names_of_columns_travel_in_a_split(info, tmp_path):
    info(SHOP)
    done = CliRunner().invoke(main, ["split", "shop.csv", "--out", "parts", *COLUMNS.split()])
    assert done.exit_code == 0
    columns = {"user": "customer", "item": "sku", "timestamp": "bought_at", "title": "product_name"}
    assert json.loads((tmp_path / "parts/manifest.json").read_text())["settings"] == {"csv": columns}
    assert f"--dataset shop.csv {COLUMNS}" in (tmp_path / "parts/README.txt").read_text()


def test_the_names_of_columns_travel_in_tuned_settings(tmp_path):
    data = SimpleNamespace(name="shop.csv", given={"csv": {"user": "customer", "normalise_ids": True}})
    search = SimpleNamespace(data=data, llm=None, max_history=50, model="sasrec")
    write_tuned(tmp_path / "tuned.toml", search, {"settings": {"sasrec": {"epochs": 3}}, "finished_trials": 1})
    (tmp_path / "run.toml").write_text('include = ["tuned.toml"]\ndatasets = ["shop.csv"]\nmodels = ["sasrec"]\n')
    config = load(tmp_path / "run.toml", {}, ())
    assert config.settings_on("shop.csv")["csv"] == {"user": "customer", "normalise_ids": True}
