"""The tables of the published bundles have the figures that stand beside them."""

import functools
import re
from pathlib import Path

import pytest

from corecbench.data.reduction import pooled_dataset
from corecbench.python_api import discover
from corecbench.report.evidence.reading import read_rows
from corecbench.report.publish import TESTED, build_metric
from corecbench.report.wording import decimal
from corecbench.results.folders import stores
from corecbench.results.selection import datasets_in, on_datasets, protocols_of

FOLDER = Path(__file__).parents[2] / "results" / "published"
BUNDLES = [path.stem for path in sorted(FOLDER.glob("*.zip"))]
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
SECTIONS = {section.splitlines()[0]: section for section in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]}


@functools.cache
def values(bundle: str, seed: int | None) -> frozenset[str]:
    """Return the tested metric of all rows of a bundle as tables show it, over seeds, and of one seed if given."""
    found, metrics = set(), {TESTED: build_metric(discover([]), TESTED)}
    for store in stores(FOLDER / f"{bundle}.zip"):
        entries = store.sound()
        windows = {pooled_dataset(record["cell"]) for _, record in entries}
        for dataset in windows.union(datasets_in(entries)):
            for row in read_rows(on_datasets(entries, [dataset]), store, metrics).values():
                if row.has(TESTED):
                    found |= {row.metrics[TESTED], row.means_by_seed().get(seed, row.metrics)[TESTED]}
    return frozenset(map(decimal, found))


def figures(section: str) -> list[str]:
    """Return the scores in the tables of a section."""
    rows = (line for line in section.splitlines() if line.startswith("|"))
    return re.findall(r"(?<![\w.])\.\d{4}(?!\d)", " ".join(rows))


@pytest.mark.parametrize("bundle", BUNDLES)
def test_the_results_of_a_bundle_share_tables(bundle):
    for store in stores(FOLDER / f"{bundle}.zip"):
        protocols_of(store.sound())


@pytest.mark.parametrize("title", [title for title, section in SECTIONS.items() if figures(section)])
def test_the_figures_of_a_section_are_those_of_its_bundles(title):
    section = SECTIONS[title]
    named = [name for name in BUNDLES if re.search(rf"(?:--config |--benchmark |`|[:,] ){name}(?![\w-])", section)]
    known = frozenset().union(*(values(name, 0 if "seed 0" in section else None) for name in named))
    assert [figure for figure in figures(section) if figure not in known] == []


def test_the_page_has_figures_of_every_bundle():
    assert sum(len(figures(section)) for section in SECTIONS.values()) > 230
    assert [name for name in BUNDLES if name not in PAGE] == []
