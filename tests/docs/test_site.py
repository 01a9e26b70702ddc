"""What the docs site shows beside what a page says, and the order of its menu."""

import doctest
import importlib.util
import re
from pathlib import Path

from corecbench.cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SPEC = importlib.util.spec_from_file_location("site_hook", DOCS / "site.py")
site = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(site)


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_examples():
    outcome = doctest.testmod(site)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_first_page_has_the_picture_three_findings_and_two_commands():
    shown = site.on_page_markdown(page("index.md"), None, None, None)
    assert "](figures/answer.svg)" in shown
    assert len(re.findall(r"^\d\. ", shown, flags=re.MULTILINE)) == 3
    first, second = re.findall(r"^    (.*)$", shown, flags=re.MULTILINE)[:2]
    assert "pip install" in first
    assert second.startswith("corecbench run ")
    assert "../README.md" not in shown


def test_no_page_of_the_site_leads_out_of_it():
    shown = {path.name: site.on_page_markdown(page(path.name), None, None, None) for path in DOCS.glob("*.md")}
    assert {name: re.findall(r"\]\(\.\./[^)]*\)", text) for name, text in shown.items() if "](../" in text} == {}


def test_a_name_of_the_contract_leads_to_its_source_and_is_documented_on_the_site():
    text = page("reference.md")
    links = re.findall(r"^- \[`corecbench\.(?:api|toolkit)\.(\w+)`\]\(\.\./([\w/.]+)\)$", text, flags=re.MULTILINE)
    for name, file in links:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:class |def )?{name}\b", source, flags=re.MULTILINE), (name, file)
    assert len(links) > 100
    assert site.with_documentation(text).count("\n::: corecbench.") == len(links)


def test_the_page_of_the_command_line_is_made_of_the_verbs_themselves():
    options = dict(re.findall(r"^    :(\w+): (\S+)$", page("command-line.md"), flags=re.MULTILINE))
    assert getattr(importlib.import_module(options["module"]), options["command"]) is main
    assert "  - mkdocs-click\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_the_menu_is_in_the_order_of_a_users_way():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    headings = re.findall(r"^  - (\w+):$", text[: text.index("theme:")], flags=re.MULTILINE)
    assert headings == ["Data", "Run", "Read", "Tune", "Share", "Extend"]
