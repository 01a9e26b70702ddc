"""A bench of toy results for the tests of tables."""

import shutil
from dataclasses import dataclass, replace

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.plugin.host import Host
from corecbench.report.evidence.controls import known_controls
from corecbench.report.evidence.reading import read
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

PROTOCOL = {
    "split": "leave-one-out",
    "candidates": "full catalogue",
    "seen items": "left out",
    "ties": "against the model",
}


class ReciprocalRank:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return 1 / rank


class First:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return (rank == 1).astype(float)


@dataclass
class Shown:
    """What the main table shows of a row."""

    evidence: object
    key: object

    def __getattr__(self, name):
        return getattr(self.evidence.rows[self.key], name)

    @property
    def comparison(self):
        return self.evidence.over_alone.get(self.key)

    @property
    def over_strongest(self):
        return self.evidence.over_strongest.get(self.key)

    @property
    def notes(self):
        return self.evidence.notes(self.key)

    @property
    def is_control(self):
        return self.evidence.is_control(self.key)


def shown(evidence):
    return [Shown(evidence, key) for key in evidence.rows]


SIDES = "domain", "llm", "ensemble"
METRICS = {"HR@1": First(), "MRR": ReciprocalRank()}


def controls_with(unshared):
    """Return what the installed plugins say of controls, beside some sharing modules that share nothing."""
    return replace(known_controls(Host.discover()), unshared=frozenset(unshared))


class Bench:
    """Stores cells of toy users and makes their table."""

    def __init__(self, root, benchmark="default"):
        self.store = Store(root, benchmark)
        self.entries = []
        self.seeds = [0]

    def add(
        self, domain=None, llm=None, seed=None, dataset="toy", stopped_by="patience", users=None, counts=None, **of
    ):
        """Store a cell; `domain_ranks`, `llm_ranks` and `ensemble_ranks` say at which rank each user's item is.

        Without a seed it is stored under each of `self.seeds`, with the same ranks.
        """
        if seed is None:
            for each in self.seeds:
                folder = self.add(domain, llm, each, dataset, stopped_by, users, counts, **of)
            return folder
        ranks = {side: of.pop(f"{side}_ranks") for side in SIDES if f"{side}_ranks" in of}
        of["combines"] = of.get("combines", "ensemble" in ranks)
        parts = domain, llm, of.pop("sharing", None), of.pop("control", None)
        side = {"stopped_by": stopped_by, **of.pop("costs", {})}
        record = toy_record(*parts, seed=seed, dataset=dataset, side=side, **{"protocol": PROTOCOL} | of)
        record["sides"] = {side: record["sides"][side] | {"n_users": len(rank)} for side, rank in ranks.items()}
        frames = {side: toy_ranks(rank, users, **(counts or {})) for side, rank in ranks.items()}
        folder = store_cell(self.store, record, frames)
        self.entries.append((folder, self.store.read(folder)))
        return folder

    def add_failed(self, message="no luck", **of):
        error = {"type": "RuntimeError", "message": message, "traceback": ""}
        return self.add(status="failed", error=error, **of)

    def table(self, metrics=METRICS, tested="MRR", unshared=(), controls=None, **options):
        controls = controls or controls_with(unshared)
        return read(self.entries, self.store, metrics, tested, controls=controls, **options)

    def rows(self, **options):
        return {(row.key.model, row.key.side): row for row in shown(self.table(**options))}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def combined(bench):
    """Alone, both models rank all six items second; combined, the first; the sides of the pair are as alone."""
    bench.add("sasrec", domain_ranks=[2] * 6)
    bench.add(llm="llama", llm_ranks=[2] * 6)
    sides = {"domain_ranks": [2] * 6, "llm_ranks": [2] * 6, "ensemble_ranks": [1] * 6}
    bench.add("sasrec", "llama", sharing="mix", **sides)
    return bench


@pytest.fixture
def pair(bench):
    """Alone, both models rank all six items second; together, the domain side ranks them first, the LLM fourth."""
    bench.add("sasrec", domain_ranks=[2] * 6)
    bench.add(llm="llama", llm_ranks=[2] * 6)
    bench.add("sasrec", "llama", domain_ranks=[1] * 6, llm_ranks=[4] * 6)
    return bench


@pytest.fixture(scope="session")
def chromium():
    """Start a browser without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if command is None:
        pytest.skip("no Chromium found; on Debian: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        yield browser
        browser.close()
