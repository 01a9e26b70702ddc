"""Texts that mean harm to a terminal, a spreadsheet, a browser or LaTeX; and what is private to the user."""

import json
import re

import pandas as pd
import pytest
from click.testing import CliRunner
from stored_cells import reseal, toy_ranks

from corecbench.api import Report
from corecbench.cli.main import main
from corecbench.experiment.progress import outcome, title
from corecbench.report.formats import render, write
from corecbench.report.page.blocks import Heading, Section, Text
from corecbench.report.page.render import page
from corecbench.results.privacy import without_private
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

NASTY = "ev\x1b[2J\x1b]0;owned\x07\r\x9b31m\x08il\u202e\u2066\n\x00\x7f"
"""Clears the screen, sets the title of the window, goes back in the line, turns the direction of writing."""
FORMAT = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"


def assert_harmless(text):
    assert not re.search(FORMAT, text), text


@pytest.fixture
def table():
    """A table with harmful text in each of its places."""
    frame = pd.DataFrame({"cell": [NASTY, "=1+1"], NASTY: ["1", "2"]})
    values = pd.DataFrame({"cell": [NASTY, "=1+1"], NASTY: [1.5, 2.5]})
    marks = {(0, NASTY): ["best"]}
    return Report("table", frame, values, f"Cell {NASTY}.", marks, {"best": NASTY}, {NASTY: True})


@pytest.mark.parametrize("name", ["text", "markdown", "latex", "html", "csv", "json"])
def test_no_table_holds_what_controls_a_terminal(host, table, name):
    text = render(host, name, table)[1]
    assert_harmless(text)
    if name == "json":
        assert_harmless(json.dumps(json.loads(text), ensure_ascii=False))


def test_a_column_that_is_cleaned_keeps_its_marks_and_numbers(host, table):
    assert "#1 1" in render(host, "text", table)[1]
    assert ",1.5" in render(host, "csv", table)[1]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "\uff1d1+1"])
def test_no_text_is_a_formula_of_a_spreadsheet(host, text):
    frame = pd.DataFrame({text: [text]})
    lines = render(host, "csv", Report("table", frame, frame, "Caption."))[1].splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.strip('"')[0] in "' ", line  # an apostrophe, or the blank that stands for a tab


def test_every_table_of_a_benchmark_is_written_by_the_same_reporters(host, table, tmp_path):
    written = write(host, table, tmp_path)
    assert not written.errors
    for path in written.paths:
        assert_harmless(path.read_text(encoding="utf-8"))


def test_a_page_controls_no_terminal_whatever_a_data_set_is_called():
    text = page(NASTY, NASTY, [Section("a", NASTY, [Text(NASTY), Heading(NASTY)])])
    assert_harmless(text)
    assert text.count("owned") >= 5  # title, heading, subtitle and blocks


def test_a_split_explains_itself_without_controlling_a_terminal_whatever_a_data_set_is_called(tmp_path):
    file = tmp_path / f"{NASTY.replace(chr(0), '')}.csv"
    rows = [f"u{user},i{(user + step) % 5},{step}" for user in range(4) for step in range(4)]
    file.write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    done = CliRunner().invoke(main, ["split", str(file), "--out", str(tmp_path / "split")])
    assert done.exit_code == 0
    assert_harmless((tmp_path / "split/README.txt").read_text(encoding="utf-8"))


def test_markup_is_text(host):
    frame = pd.DataFrame({"cell": ["<script>alert(1)</script>", "\\input{/etc/passwd}", "$x$ & %"]})
    report = Report("table", frame, frame, "<img src=x onerror=alert(1)>")
    page, latex = render(host, "html", report)[1], render(host, "latex", report)[1]
    assert "<script>" not in page
    assert "<img" not in page
    assert "\\input{" not in latex
    assert "\\$x\\$ \\& \\%" in latex


PLUGIN = r"""
    from corecbench.api import DomainModelComponent, hookimpl

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("toy", "nowhere:nothing", summary="nice \x1b[2J \u202e \x9b31m model")]
"""


@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["plugins"]])
def test_no_list_holds_what_controls_a_terminal(loose_file, arguments):
    result = CliRunner().invoke(
        main, ["describe", *arguments, "--plugin", str(loose_file("nasty", PLUGIN))], color=True
    )
    assert result.exit_code == 0
    assert_harmless(result.stdout)


def test_a_list_on_a_terminal_holds_no_escape_of_a_plugin(loose_file, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("COLUMNS", "300")
    arguments = ["describe", "models", "--plugin", str(loose_file("nasty", PLUGIN))]
    result = CliRunner().invoke(main, arguments, color=True)
    assert "nice  [2J" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\u202e" not in result.stdout


@pytest.mark.parametrize("traceback", [[], ["--traceback"]])
def test_no_error_of_a_plugin_controls_a_terminal(loose_file, traceback):
    file = loose_file("nasty", r'raise ValueError("bad \x1b[2J \u202e \x9b31m\r")')
    result = CliRunner().invoke(main, ["describe", "models", "--plugin", str(file), *traceback], color=True)
    assert_harmless(result.output)
    result = CliRunner().invoke(
        main, ["run", "--no-references", "--models", NASTY, "--plugin", str(file), *traceback], color=True
    )
    assert result.exit_code == 3
    assert_harmless(result.output)


def test_the_progress_of_a_run_holds_no_escape():
    cell = {"name": NASTY, "dataset": NASTY, "seed": 0}
    result = {"status": "failed", "error": {"message": NASTY}}
    assert_harmless(title(cell) + outcome(result))


@pytest.fixture
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # too short to be a secret


def test_home_tokens_and_passwords_are_replaced_wherever_they_stand(private):
    given = {
        "llama:/home/ada/w": {"path": "/home/ada", "other": "/home/adam/x", "n": 1, "none": None},
        "error": 'File "/home/ada/x.py": hf_abcdefgh, verysecret, https://me:pw@host/x?a=b@c, false',
    }
    assert without_private(given) == {
        "llama:~/w": {"path": "~", "other": "/home/adam/x", "n": 1, "none": None},
        "error": 'File "~/x.py": $HF_TOKEN, $AWS_SECRET_ACCESS_KEY, https://***@host/x?a=b@c, false',
    }


def test_a_stored_cell_holds_nothing_private(bench, tmp_path, monkeypatch, loose_file):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MY_API_KEY", "topsecret1")
    file = loose_file(
        "failing",
        """
        import os
        from corecbench.api import DomainModelComponent, hookimpl

        def build(config, setup, ids):
            raise ValueError(f"{os.environ['MY_API_KEY']} in {os.environ['HOME']}/x at http://me:pw@host")

        @hookimpl
        def corecbench_domain_models():
            return [DomainModelComponent("failing", build)]
        """,
    )
    (record,) = bench([file], models=("failing",))
    assert record["status"] == "failed"
    store = Store(tmp_path / "results", "default")
    (folder, stored), *_ = store.records()
    text = (folder / "result.json").read_text()
    for private in (str(tmp_path), "topsecret1", "me:pw"):
        assert private not in text
    assert "$MY_API_KEY in ~/x at http://***@host" in stored["error"]["message"]


def test_a_result_that_was_stored_with_the_home_folder_is_read_without_it(bench, tmp_path, monkeypatch):
    bench(models=("popularity",))
    store = Store(tmp_path / "results", "default")
    (folder,) = store.folders()
    reseal(folder, settings={"popularity": {"path": "/home/ada/x"}})
    monkeypatch.setenv("HOME", "/home/ada")
    assert store.read(folder)["settings"] == {"popularity": {"path": "~/x"}}


def test_a_cell_whose_name_holds_the_home_folder_is_read_from_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    store = Store(tmp_path, "default")
    record = toy_record(llm="llama:/home/ada/w", domain=None)
    folder = store.folder(record["cell"]["name"], "toy", 0, record["hash"])
    store.write(folder, without_private(record), {"llm": toy_ranks([1, 2])})
    assert store.read(folder)["cell"]["name"] == "llama:~/w"
    assert [name for name, _ in store.records()] == [folder]
