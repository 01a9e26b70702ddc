"""The core names no component of a plugin: what it must know of one, the component says itself."""

import ast
import re
from pathlib import Path

import pytest

from corecbench.plugin.kinds import KINDS

CORE = Path(__file__).parents[1] / "corecbench"
SOURCES = sorted(CORE.rglob("*.py"))
ORDINARY = {
    *("HR", "NDCG", "MRR"),  # the metrics of validation and of the default tables
    *("none", "text", "folder", "hub", "recall", "precision", "coverage", "novelty", "vectors"),
    *("csv", "parquet", "html", "json", "markdown", "latex", "recbole", "gguf"),
}
"""Names that are also words, kinds of files or packages, and mean these in the core."""
ALLOWED = {
    "settings/config.py": {"ml-100k", "bdlm"},  # the defaults of a run
    "scaffold/__init__.py": {"sasrec", "llama"},  # the command that tries a new plugin beside known ones
    "testing/records.py": {"sasrec", "bdlm"},  # the names in toy results
    "testing/reporter_checks.py": {"sasrec", "llama"},  # the names in a toy report
    "testing/tiny_llama.py": {"llama"},  # what transformers calls the family
}
"""File -> names that it may have, beside docstrings and the help of options, where they are examples."""


@pytest.fixture
def known(host):
    """Return the names of our components that mean nothing else."""
    offered = {
        component.name for kind in KINDS for component, info in host.list(kind) if info.distribution == "corecbench"
    }
    return offered - ORDINARY


def texts_in(source):
    """Yield the texts in some code that are neither docstrings nor the help of an option, with their lines."""
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("help", "text"):
            told |= {id(each) for each in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


def named(source, known):
    """Return the names of components that stand as words in the texts of some code."""
    return {
        name
        for _, text in texts_in(source)
        for name in known
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)
    }


def test_the_core_names_no_component_of_a_plugin(known):
    found = {path.relative_to(CORE).as_posix(): named(path.read_text(encoding="utf-8"), known) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == ALLOWED


def test_a_planted_name_is_found_but_not_in_docstrings_and_help():
    source = '"""Such as "sasrec"."""\noption(help="such as sasrec")\nPLACEBO = "shuffled-texts"\n'
    assert named(source, {"sasrec", "shuffled-texts"}) == {"shuffled-texts"}
