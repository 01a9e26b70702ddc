"""README and the pages: short, for somebody, with links that lead somewhere and figures that are published."""

import re
import tomllib
from pathlib import Path

import pytest

from corecbench.version import __version__

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
LINKING = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *(ROOT / "results" / name for name in ("README.md", "published/README.md")),
    *DOCS,
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PUBLISHED = "".join(
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("results/published/README.md", "docs/published-results.md")
)


def name_of(path: Path) -> str:
    """Return a path below the root."""
    return path.relative_to(ROOT).as_posix()


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as MkDocs makes them, and GitHub of plain words."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def broken(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere. What mkdocstrings makes is left to `mkdocs build`."""
    lost = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if not target.exists():
            lost.append(link)
        elif anchor and target.suffix == ".md" and target.name != "reference.md":
            lost += [link] if anchor not in anchors(target.read_text(encoding="utf-8")) else []
    return lost


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_a_link_leads_somewhere(page):
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page: of tests\n[a](page.md) [b](other.md) [c](#a-page-of-tests) [d](#tests)")
    assert broken(page) == ["other.md", "#tests"]


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_a_page_begins_with_whom_it_is_for(page):
    _, first, *_ = page.read_text(encoding="utf-8").split("\n\n")
    assert re.match(r"This page is for \w+", first)


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (navigation,) = re.findall(r"^nav:\n(.*?)^\w", text, flags=re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"- ([\w-]+\.md)$", navigation, flags=re.MULTILINE)) == [page.name for page in DOCS]


# --- README -------------------------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_readme_shows_the_smallest_plugin_whole():
    source = (ROOT / "plugins" / "corecbench_plugins" / "popularity" / "__init__.py").read_text(encoding="utf-8")
    assert re.findall(r"^```python\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE) == [source]


def test_both_commands_to_begin_with_stand_on_the_first_screen():
    first = README.splitlines()[:15]
    assert sum(line.startswith("    ") and "pip install" in line for line in first) == 2


def test_the_first_line_about_pytest_is_the_command_that_ci_runs():
    line = next(line for line in README.splitlines() if "pytest" in line)
    assert re.fullmatch(r"    pip install .* && pytest -n 2", line)


def figures(text: str) -> set[str]:
    """Return the figures with a unit or a sign: changes, scores, and large counts."""
    return set(re.findall(r"[+-]?\d+\.\d(?= |%|\b)(?!\.)|(?<!\w)\.\d{4}|\b\d+,\d{3}\b", text))


def published(figure: str) -> bool:
    """Whether a figure stands in the page of the published results, with or without its sign."""
    return re.search(rf"(?<![\d.]){re.escape(figure.lstrip('+-'))}(?!\d)", PUBLISHED) is not None


def test_the_figures_of_the_readme_are_published():
    parts = (("![", "## What it prints"), ("## What we found", "## Your own model"))
    text = "".join(README[README.index(begin) : README.index(end)] for begin, end in parts)
    assert len(figures(text)) >= 5
    assert [figure for figure in figures(text) if not published(figure)] == []


def test_a_figure_that_is_not_published_is_found():
    assert figures("SASRec gains 28.9 % (.0546 to .0704; 19,124 users), with wrong titles +0.1%") == {
        "28.9",
        ".0546",
        ".0704",
        "19,124",
        "+0.1",
    }
    assert published("+14.3")
    assert not published("99.9")


# --- the page about the architecture ------------------------------------------------------------------------------


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_architecture_names_every_package():
    rows = re.findall(r"^\| `corecbench[./](\w+)(?:\.py)?` \|", ARCHITECTURE, flags=re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "corecbench").glob("*/__init__.py")}
    assert packages <= set(rows)


def test_the_files_that_the_architecture_names_exist():
    named = re.findall(r"`((?:corecbench|plugins|tests|docs)/[\w./-]+)`", ARCHITECTURE)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_layers_of_the_architecture_are_those_that_are_checked():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    (block,) = re.findall(r"^((?: {4}.+\n)+)", ARCHITECTURE, flags=re.MULTILINE)
    assert [line.strip() for line in block.splitlines()] == contract["layers"]


# --- files beside README ------------------------------------------------------------------------------------------


def test_the_citation_names_the_last_version_of_the_changelog():
    (version,) = re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version == re.findall(r"^## (\d+\.\d+\.\d+)$", changelog, re.MULTILINE)[0]


def test_the_changelog_is_short_and_its_newest_version_is_that_of_the_package():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert len(changelog.splitlines()) <= 120
    assert re.search(r"^## (.*)$", changelog, re.MULTILINE)[1] == __version__
    assert f"### To upgrade from {re.findall(r'^## (.*)$', changelog, re.MULTILINE)[1]}" in changelog


def test_the_hooks_before_a_commit_are_those_of_make_lint():
    hooks, makefile = ((ROOT / name).read_text("utf-8") for name in (".pre-commit-config.yaml", "Makefile"))
    entries = re.findall(r"entry: (.*)$", hooks, re.MULTILINE)
    (lint,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    commands = {" ".join(word for word in entry.split() if not word.startswith("-")) for entry in entries}
    assert commands == {line.replace(" --check", "").strip() for line in lint.splitlines()}
