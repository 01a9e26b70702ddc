"""README and the pages are short, in the words of the field, and no sentence is long or carries many figures."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from size import BUDGETS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONGEST = 30
FIGURES = 2
HOME_MADE = re.compile(
    r"told apart|\blevel with\b|(?:LLM|Llama|transformer)s? of random weights|for other seeds|that knows? nothing"
    r"|what the LLM (?:knew|knows|learn\w*)|(?:has|have|had) \.\d|minus (?:counted|a bag|the bag)|0 by plan",
    re.IGNORECASE,
)


def words_of(pattern: str) -> int:
    """Return the number of words of the files in all depths that fit a pattern, but for what is hidden or made."""
    made = re.compile(r"\.|build|dist|site|venv|results/(?!published|README)|.*/\.")
    files = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.md")}
    ours = [path for name, path in files.items() if fnmatch(name, pattern) and not made.match(name)]
    return sum(len(path.read_text(encoding="utf-8").split()) for path in ours)


def prose(text: str) -> list[str]:
    """Return the paragraphs and list items of a page, without code, tables, headings, pictures and addresses."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(?: {4}(?!- ).*|#.*|\s*\|.*|--8<--.*|:::.*)$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", re.sub(r"`[^`]+`", "code", text))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text)
    return [re.sub(r"^(?:[-*>]|\d+\.) ", "", " ".join(block.split())) for block in blocks if block.strip()]


def sentences(text: str) -> list[str]:
    """Return the sentences of a page, without marks of emphasis.

    >>> sentences("# A page\\nIt has **two**. Of .0571 and 3 %.")
    ['It has two.', 'Of .0571 and 3 %.']
    """
    return [
        sentence
        for block in prose(text)
        for sentence in re.split(r"(?<=[.!?])\)?\s+(?=[\"(]?[A-Z]|code)", block.replace("*", "").replace("_", " "))
    ]


def figures(sentence: str) -> list[str]:
    """Return the measured figures of a sentence; an interval in brackets belongs to the figure before it.

    >>> figures("It gains 3.8 % (1.5 to 6.0 %) over .0561 under 3 seeds")
    ['3.8 %', '.0561']
    """
    return re.findall(r"\d*\.\d+(?: ?%)?|\d+ ?%|\d+,\d{3}", re.sub(r"\([^()]* to [^()]*\)", "", sentence))


def test_the_budgets_of_words_are_kept():
    budgets = {pattern: budget for what, pattern, budget in BUDGETS if what == "words"}
    counts = {pattern: words_of(pattern) for pattern in budgets}
    assert {pattern: count for pattern, count in counts.items() if count > budgets[pattern]} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_long(page):
    found = sentences(page.read_text(encoding="utf-8"))
    assert [sentence for sentence in found if len(sentence.split()) > LONGEST] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_carries_many_figures(page):
    found = sentences(page.read_text(encoding="utf-8"))
    assert [sentence for sentence in found if len(figures(sentence)) > FIGURES] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_words_are_those_of_the_field(page):
    found = sentences(page.read_text(encoding="utf-8"))
    assert [sentence for sentence in found if HOME_MADE.search(sentence)] == []


def printed(source: str) -> list[str]:
    """Return the texts in some code but for docstrings: help, captions, summaries and errors."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [node.value for node in texts if id(node) not in docstrings]


def test_what_is_printed_has_the_words_of_the_field():
    code = [path for folder in ("corecbench", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
    texts = [text for path in code for text in printed(path.read_text(encoding="utf-8"))]
    pages = (ROOT / "corecbench" / "report" / "page" / "templates").iterdir()
    texts += [path.read_text(encoding="utf-8") for path in pages if path.is_file()]
    turns = re.compile(r"\b(?:in|by|plan of the|same) turns\b|has no turns?\b", re.IGNORECASE)
    assert [text for text in texts if HOME_MADE.search(text) or turns.search(text)] == []


def test_what_is_wrong_is_found():
    assert printed('"""In turns."""\noption(help="in turns")') == ["in turns"]
    assert sentences("A `b.c` has\n.05. Next, 1 % (0 to 2 %).\n\n| a | b |\n\n    code\n- Item one.\n- Two.") == [
        "A code has .05.",
        "Next, 1 % (0 to 2 %).",
        "Item one.",
        "Two.",
    ]
    assert figures("of 19,124 users .0543 gain 30.1 % (26.8 to 33.7 %)") == ["19,124", ".0543", "30.1 %"]
    assert HOME_MADE.search("SASRec has .0571, level with the pair")
    assert not HOME_MADE.search("SASRec has a table")
