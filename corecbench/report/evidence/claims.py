"""What papers claim, beside our rows: where a published figure lies among our seeds, and how the protocols differ.

A claim is a file NAME.toml with the fields of `Paper`. Those that come with corecbench lie in `corecbench/claims`.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence  # noqa: TC003 - `configure` reads the fields' types
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from corecbench.api import CellResult, RowSide, UsageError
from corecbench.api.fields import Share  # noqa: TC001 - as above
from corecbench.data.reduction import in_percent
from corecbench.report.evidence.contrasts import FEWEST_SEEDS
from corecbench.results.record import variant_of
from corecbench.results.rows import RowKey, rows_of
from corecbench.settings.configure import configure
from corecbench.settings.run_files import read_toml

if TYPE_CHECKING:
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.rows import Row

FOLDER = Path(__file__).parents[2] / "claims"
Stated = Literal["split", "candidates", "seen items", "ties"]
"""What a claim may state of its protocol, under the names that records have for it."""
Among = Literal["below all", "within", "above all"]


@dataclass(frozen=True)
class Paper:
    """The fields of a claim's file."""

    paper: str
    source: str
    """The table or page that the figures stand in."""
    model: str
    """The domain model of the row that it is about, or the LLM if that is alone."""
    figures: Mapping[str, Mapping[str, Share]]
    """Data set -> metric -> the published value."""
    arxiv: str = ""
    doi: str = ""
    sharing: str = ""
    """The sharing module of the row; none if it is about a model alone."""
    side: RowSide = "domain"
    protocol: Mapping[Stated, str] = field(default_factory=dict)
    train_share: float = 1.0
    words: str = ""
    """What else a reader should know of how the figures came about, such as the loss."""

    @property
    def cited(self) -> str:
        found = f"arXiv {self.arxiv}" if self.arxiv else f"DOI {self.doi}" if self.doi else ""
        return ", ".join(filter(None, (self.paper, found, self.source)))


@dataclass(frozen=True)
class Claim:
    """One published figure."""

    name: str
    """The name of its file."""
    dataset: str
    metric: str
    value: float
    paper: Paper

    def is_about(self, key: RowKey, record: CellResult) -> bool:
        """Return whether a row is one of the method, on the data set or on another part or version of it.

        Variants count as what they are variants of. The name of another version begins with that of the data set,
        as in amazon-beauty-timed.
        """
        model, sharing = (
            name and (variant_of(record, name) or name) for name in (key.domain or key.llm, key.sharing)
        )
        is_version = f"{key.whole_dataset}-".startswith(f"{self.dataset}-")
        same = (model, sharing or "", key.side) == (self.paper.model, self.paper.sharing, self.paper.side)
        return is_version and same and key.control is None


@dataclass(frozen=True)
class Placed:
    """A claim beside one of our rows; or beside none, where we have no such row."""

    claim: Claim
    benchmark: str = ""
    row: Row | None = None
    means: tuple[float, ...] = ()
    """The mean over users of the metric under each seed."""
    protocol: Mapping[str, object] = field(default_factory=dict)
    """How our ranks came about."""

    @property
    def mean(self) -> float | None:
        return statistics.mean(self.means) if self.means else None

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.means) if len(self.means) > 1 else None

    @property
    def among(self) -> Among | None:
        if not self.means:
            return None
        value = self.claim.value
        return "below all" if value < min(self.means) else "above all" if value > max(self.means) else "within"

    @property
    def z(self) -> float | None:
        if len(self.means) < FEWEST_SEEDS or not self.deviation:
            return None
        return (self.claim.value - statistics.mean(self.means)) / self.deviation

    @property
    def differs(self) -> Iterator[str]:
        """Yield what differs between the protocol of the paper and ours, as far as the paper states it."""
        if self.row is None:
            return
        key, stated = self.row.key, self.claim.paper.protocol
        if key.whole_dataset != self.claim.dataset:
            yield f"data: {key.whole_dataset}"
        for name, value in stated.items():
            if value != (ours := self.protocol.get(name, "unknown")):
                yield f"{name}: {ours}, there {value}"
        shares = key.reduction.train_share, self.claim.paper.train_share
        if shares[0] != shares[1]:
            yield "{} of users train, there {}".format(*map(in_percent, shares))
        if missing := [name for name in get_args(Stated) if name not in stated]:
            yield f"not stated there: {', '.join(missing)}"
        if self.claim.paper.words:
            yield f"there {self.claim.paper.words}"


# --- reading ------------------------------------------------------------------------------------------------------


def read_claims(folder: Path | None = None) -> list[Claim]:
    """Return the claims that come with corecbench, and those of a folder, of which one wins over ours of its name.

    Raises:
        UsageError: a folder has no claims, or a file is not one.
    """
    files = {path.stem: path for path in FOLDER.glob("*.toml")}
    if folder is not None:
        own = {path.stem: path for path in folder.glob("*.toml")}
        if not own:
            raise UsageError(f"{folder}: no claims there, which are files NAME.toml")
        files |= own
    return [claim for _, path in sorted(files.items()) for claim in claims_in(path)]


def claims_in(path: Path) -> Iterator[Claim]:
    """Yield the figures of a claim's file.

    Raises:
        UsageError: a field is unknown or missing, there is no figure, or one is not from 0 to 1.
    """
    paper = configure(Paper, read_toml(path), f"claim {path}")
    if not any(paper.figures.values()):
        raise UsageError(f"claim {path}: figures are empty; give [figures.DATASET] with a metric and its value")
    for dataset, values in paper.figures.items():
        yield from (Claim(path.stem, dataset, metric, value, paper) for metric, value in values.items())


def about(claims: Sequence[Claim], record: CellResult) -> bool:
    return any(claim.is_about(key, record) for key in rows_of(record["cell"]) for claim in claims)


def placed(claims: Iterable[Claim], benchmarks: Mapping[str, Evidence]) -> list[Placed]:
    found = []
    for claim in claims:
        beside = [each for name, evidence in benchmarks.items() for each in _beside(claim, name, evidence)]
        found += beside or [Placed(claim)]
    return found


def _beside(claim: Claim, benchmark: str, evidence: Evidence) -> Iterator[Placed]:
    for key, row in evidence.rows.items():
        known = claim.metric in evidence.metrics and row.records and row.has(claim.metric)
        if known and claim.is_about(key, row.records[0]):
            means = tuple(float(each[claim.metric]) for each in row.means_by_seed().values())
            yield Placed(claim, benchmark, row, means, evidence.protocols[key.dataset])
