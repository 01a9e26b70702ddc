import csv
import dataclasses
import html.parser
import io
import json
import re
import shutil
import subprocess

import pandas as pd
import pytest

from corecbench.api import Report, Style, resolve
from corecbench_plugins.reporters import corecbench_reporters

NAMES = {"text": "txt", "markdown": "md", "latex": "tex", "html": "html", "csv": "csv", "json": "json"}
NASTY = r"<b>&_%|\~^#${}[`*"
LATEX = shutil.which("pdflatex")


def latex_is_missing():
    """Return why no LaTeX can be run here, "" if one can."""
    if LATEX is None or shutil.which("kpsewhich") is None:
        return "no pdflatex here"
    needed = [f"{package}.sty" for package in ("booktabs", "graphicx")]
    found = subprocess.run(["kpsewhich", *needed], capture_output=True, text=True, check=False).stdout
    return "" if all(name in found for name in needed) else "pdflatex lacks booktabs or graphicx"


def reporter(name):
    component = next(component for component in corecbench_reporters() if component.name == name)
    return resolve(component.build)(None)


def make_report(data_set="toy", model="sasrec", caption="A caption."):
    """Return a table of a model alone and with an LLM, the second of which is the best."""
    frame = pd.DataFrame(
        {
            "data set": [data_set, data_set],
            "model": [model, f"{model} + llama"],
            "MRR": [".0940", "1.0000"],
            "error": [".5000", ".3333"],
            "p": ["-", "<.001"],
            "seeds": ["0-2", "0,2"],
        }
    )
    values = frame.assign(
        **{"MRR": [0.09404, 1], "error": [1 / 2, 1 / 3], "p": pd.Series([None, 1e-9], dtype=object)}
    ).astype(object)
    values = values.where(values.notna(), None)
    marks = {(0, "MRR"): ["second"], (1, "MRR"): ["best"], (1, "p"): ["significant"]}
    legend = {"best": "the highest", "second": "the next", "significant": "p below .05"}
    return Report("table", frame, values, caption, marks, legend, {"MRR": True, "error": False})


PLAIN = Report("table", make_report().frame[["model", "MRR"]], make_report().values[["model", "MRR"]], "A caption.")


# --- the contract -------------------------------------------------------------------------------------------------


def test_a_table_is_styled_after_it_is_escaped():
    style = Style(str.upper, "<{}>", "({})", "{}!", "{}+", "{}-")
    cells, caption = make_report().styled(style)
    assert list(cells) == ["DATA SET", "MODEL", "MRR+", "ERROR-", "P", "SEEDS"]
    assert cells.iloc[0].tolist() == ["TOY", "SASREC", "(.0940)", ".5000", "-", "0-2"]
    assert cells.iloc[1].tolist() == ["TOY", "SASREC + LLAMA", "<1.0000>", ".3333", "<.001!", "0,2"]
    assert caption == "A CAPTION. <best>: THE HIGHEST. (second): THE NEXT. significant!: P BELOW .05."


def test_a_mark_that_a_format_does_not_show_is_not_in_its_legend():
    assert make_report().styled(Style())[1] == "A caption. significant*: p below .05."


def test_columns_of_numbers_are_those_without_text():
    assert make_report().numeric == ["MRR", "error", "p"]
    empty = pd.DataFrame({"sharing": [None, None]}, dtype=object)
    assert Report("table", empty.fillna("-"), empty, "").numeric == []


@pytest.mark.parametrize("name", NAMES)
def test_rendering_does_not_change_the_table(name):
    report, before = make_report(), make_report()
    reporter(name).render(report)
    pd.testing.assert_frame_equal(report.frame, before.frame)
    pd.testing.assert_frame_equal(report.values, before.values)


@pytest.mark.parametrize(("name", "suffix"), NAMES.items())
def test_a_reporter_knows_the_suffix_of_its_file(name, suffix):
    assert reporter(name).suffix == suffix


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_rows_is_rendered(name):
    report = make_report()
    text = reporter(name).render(Report("slices", report.frame[:0], report.values[:0], "Nothing to compare."))
    assert "Nothing to compare." in text or name == "csv"


@pytest.mark.parametrize("name", NAMES)
def test_the_same_table_is_the_same_text(name):
    assert reporter(name).render(make_report()) == reporter(name).render(make_report())


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("markdown", r"\<b>&\_%\|"),
        ("latex", r"\textless{}b\textgreater{}\&\_\%\textbar{}"),
        ("html", "&lt;b&gt;&amp;_%|"),
    ],
)
def test_markup_in_names_is_escaped(name, escaped):
    text = reporter(name).render(make_report(data_set="<b>&_%|", model="x<b>&_%|y"))
    assert "<b>&" not in text.replace(escaped, "")
    assert text.count(escaped) == 4  # in two rows the data set and the model


# --- text and Markdown --------------------------------------------------------------------------------------------


def test_text_aligns_columns_and_keeps_the_cells_as_they_are():
    assert reporter("text").render(PLAIN) == (
        "model              MRR\n"
        "--------------  ------\n"
        "sasrec           .0940\n"
        "sasrec + llama  1.0000\n"
        "\n"
        "A caption.\n"
    )


def test_text_numbers_the_best_and_points_to_what_is_better():
    text = reporter("text").render(make_report())
    assert "    MRR ↑    error ↓" in text
    assert " #2 .0940 " in text
    assert "#1 1.0000 " in text
    assert " <.001*  0,2" in text
    assert "#1 best: the highest. #2 second: the next. significant*: p below .05." in text


def test_the_caption_of_a_text_is_wrapped():
    lines = reporter("text").render(make_report(caption="word " * 60)).splitlines()
    assert len(lines) > 6
    assert max(map(len, lines)) <= 100


def test_a_text_without_rows_has_no_heads():
    frame = make_report().frame[:0]
    assert reporter("text").render(Report("ledger", frame, frame, "No controls.")) == "No controls.\n"


def test_markdown_is_a_table_with_a_paragraph_below():
    assert reporter("markdown").render(PLAIN) == (
        "| model          |    MRR |\n"
        "|:---------------|-------:|\n"
        "| sasrec         |  .0940 |\n"
        "| sasrec + llama | 1.0000 |\n"
        "\n"
        "A caption.\n"
    )


def test_markdown_shows_the_marks():
    text = reporter("markdown").render(make_report())
    assert " **1.0000** |" in text
    assert " <u>.0940</u> |" in text
    assert r" <.001\* |" in text
    assert "**best**: the highest. <u>second</u>: the next. significant" in text


def test_markdown_escapes_what_has_a_meaning():
    line = reporter("markdown").render(make_report(data_set="a|<b>&_%*`[x](y)\\")).splitlines()[2]
    assert line.startswith(r"| a\|\<b>&\_%\*\`[x\](y)\\ ")
    assert len(re.findall(r"(?<!\\)\|", line)) == 7  # the bars of six columns


# --- LaTeX --------------------------------------------------------------------------------------------------------


def test_latex_is_a_table_of_booktabs_with_the_marks():
    text = reporter("latex").render(make_report())
    assert text.startswith("% in the preamble: \\usepackage{booktabs,graphicx}\n\\begin{table}")
    assert r"\begin{tabular}{llrrrl}" in text
    assert r"data set & model & MRR $\uparrow$ & error $\downarrow$ & p & seeds \\" in text
    assert r"toy & sasrec + llama & \textbf{1.0000} & .3333 & \textless{}.001$^{*}$ & 0,2 \\" in text
    assert r"\underline{.0940}" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}\n") == 1
    assert r"\caption{A caption. \textbf{best}: the highest." in text
    assert r"\label{tab:corecbench-table}" in text


def test_latex_escapes_what_has_a_meaning():
    text = reporter("latex").render(make_report(data_set="<b>&_%|", caption="{100%}"))
    assert r"\textless{}b\textgreater{}\&\_\%\textbar{} & sasrec" in text
    assert r"\caption{\{100\%\}" in text


@pytest.mark.parametrize(
    ("cell", "shown"), [("-.5000", "$-$.5000"), ("[-.1, +.2]", "{[}$-$.1, +.2]"), ("0-2", "0-2")]
)
def test_latex_has_minus_signs_before_numbers(cell, shown):
    frame = pd.DataFrame({"x": [cell]})
    assert f"\n{shown} \\\\" in reporter("latex").render(Report("table", frame, frame, ""))


@pytest.mark.skipif(latex_is_missing() != "", reason=latex_is_missing() or "-")
@pytest.mark.parametrize(
    ("n_rows", "n_columns"),
    [(2, 6), (120, 6), (1600, 24)],
    ids=["on one page", "over pages", "as wide as effects are"],
)
def test_latex_compiles_whatever_the_names_are(tmp_path, n_rows, n_columns):
    report = make_report(NASTY, f"[{NASTY}", caption=NASTY * 2)
    frame = pd.concat([report.frame] * (n_rows // 2), ignore_index=True)
    more = {f"95% interval {number}": "[-.0123, +.0123]" for number in range(n_columns - 6)}
    text = reporter("latex").render(dataclasses.replace(report, frame=frame.assign(**more)))
    preamble = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    (tmp_path / "paper.tex").write_text(f"{preamble}{text}\\end{{document}}\n", encoding="utf-8")
    command = [LATEX, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout
    assert "(1 page," in done.stdout or n_rows > 40
    assert (tmp_path / "paper.pdf").stat().st_size > 0


# --- HTML ---------------------------------------------------------------------------------------------------------


class Reader(html.parser.HTMLParser):
    """Collects the text of the cells, and the tags in the order in which they open."""

    def __init__(self):
        super().__init__()
        self.cells, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag in ("td", "th", "caption"):
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data.strip()


def read_html(report):
    reader = Reader()
    reader.feed(reporter("html").render(report))
    return reader


def test_html_is_a_page_with_the_marks():
    text = reporter("html").render(make_report())
    assert text.startswith("<!DOCTYPE html>")
    assert "<strong>1.0000</strong>" in text
    assert "<u>.0940</u>" in text
    assert "&lt;.001<sup>*</sup>" in text
    assert read_html(make_report()).cells[1:7] == ["data set", "model", "MRR ↑", "error ↓", "p", "seeds"]


def test_html_escapes_what_has_a_meaning():
    reader = read_html(make_report(data_set="<b>&_%|", model="<script>", caption="<i>"))
    assert reader.cells[7:9] == ["<b>&_%|", "<script>"]
    assert reader.cells[0].startswith("<i>")
    assert not {"b", "i", "script"} & set(reader.tags)


# --- CSV and JSON -------------------------------------------------------------------------------------------------


def test_a_spreadsheet_computes_nothing_of_a_csv_file():
    texts = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\tx", "-", "ml-100k"]
    report = Report("t", pd.DataFrame({"=x": texts}), pd.DataFrame({"=x": texts, "n": -0.5}), "")
    rows = list(csv.reader(io.StringIO(reporter("csv").render(report))))
    assert rows[0] == ["'=x", "n"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-2+3", "'@SUM(A1)", "'\tx", "-", "ml-100k"]
    assert {row[1] for row in rows[1:]} == {"-0.5"}


def test_csv_has_the_numbers_as_they_are():
    rows = list(csv.reader(io.StringIO(reporter("csv").render(make_report(data_set='<b>&_%|,"')))))
    assert rows == [
        ["data set", "model", "MRR", "error", "p", "seeds"],
        ['<b>&_%|,"', "sasrec", "0.09404", "0.5", "", "0-2"],
        ['<b>&_%|,"', "sasrec + llama", "1.0", repr(1 / 3), "1e-09", "0,2"],
    ]


def test_json_has_the_numbers_as_they_are_and_the_marks():
    content = json.loads(reporter("json").render(make_report(data_set="<b>&_%|")))
    assert content["rows"][1] == {
        "data set": "<b>&_%|",
        "model": "sasrec + llama",
        "MRR": 1,
        "error": 1 / 3,
        "p": 1e-9,
        "seeds": "0,2",
    }
    assert content["rows"][0]["p"] is None
    assert (content["name"], content["caption"]) == ("table", "A caption.")
    assert content["legend"]["best"] == "the highest"
    assert {"row": 1, "column": "MRR", "mark": "best"} in content["marks"]
