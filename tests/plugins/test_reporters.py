import pandas as pd
import pytest

from corecbench.api import resolve
from corecbench_plugins.reporters import corecbench_reporters

TABLE = pd.DataFrame({"model": ["sasrec", "sasrec + llama"], "MRR": [".0940", "1.0000"], "p": ["-", "<.001"]})


def reporter(name):
    component = next(component for component in corecbench_reporters() if component.name == name)
    return resolve(component.build)(None)


def test_text_aligns_columns_and_keeps_the_cells_as_they_are():
    assert reporter("text").render(TABLE, "A caption.") == (
        "model              MRR      p\n"
        "--------------  ------  -----\n"
        "sasrec           .0940      -\n"
        "sasrec + llama  1.0000  <.001\n"
        "\n"
        "A caption.\n"
    )


def test_markdown_is_a_table_with_a_paragraph_below():
    assert reporter("markdown").render(TABLE, "A caption.") == (
        "| model          |    MRR |     p |\n"
        "|:---------------|-------:|------:|\n"
        "| sasrec         |  .0940 |     - |\n"
        "| sasrec + llama | 1.0000 | <.001 |\n"
        "\n"
        "A caption.\n"
    )


def test_the_caption_of_a_text_is_wrapped():
    lines = reporter("text").render(TABLE, "word " * 60).splitlines()
    assert len(lines) > 6
    assert max(map(len, lines)) <= 100


def test_markdown_escapes_what_would_end_a_cell():
    table = pd.DataFrame({"notes": ["failed: a | b"]})
    assert r"| failed: a \| b |" in reporter("markdown").render(table, "")


@pytest.mark.parametrize(("name", "suffix"), [("text", "txt"), ("markdown", "md")])
def test_a_reporter_knows_the_suffix_of_its_file(name, suffix):
    assert reporter(name).suffix == suffix


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_rendering_does_not_change_the_table(name):
    table = TABLE.copy()
    reporter(name).render(table, "")
    pd.testing.assert_frame_equal(table, TABLE)
