"""All plots, each drawn where it can be, and otherwise left out with a reason."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.data.durable import unlinked
from corecbench.report.evidence.protocols import Protocols
from corecbench.report.plots import gains, learning, ledgers
from corecbench.report.plots.figure import Chart, NothingToShow, save
from corecbench.results.layout import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corecbench.report.evidence.evidence import Evidence

    Subject = Evidence | Protocols

SUFFIXES = "svg", "png"
PAGE = "-page"
"""The text between the name of a plot and the number of a page after its first."""


@dataclass(frozen=True)
class Plot:
    """One kind of plot."""

    name: str
    prepare: Callable[[Any], Sequence[Chart]]
    """Returns the pages of the plot, or raises NothingToShow."""
    per_dataset: bool = True
    """Whether there is a plot for each data set, or one for all."""


PLOTS: tuple[Plot, ...] = (
    Plot("gain", gains.forest, per_dataset=False),
    Plot("slices", gains.slices),
    Plot("target-slices", functools.partial(gains.slices, kind=gains.TARGETS)),
    Plot("learning", learning.learning),
    Plot("critical-difference", gains.average_ranks, per_dataset=False),
    Plot("ledger", ledgers.waterfall),
)

OF_SHARES = Plot("train-share", gains.shares, per_dataset=False)
OF_LLMS = Plot("llms", ledgers.over_llms)
OF_PROTOCOLS = Plot("protocols", ledgers.under_protocols)


def plots_of(evidence: Subject) -> Sequence[Plot]:
    if isinstance(evidence, Protocols):
        return (OF_PROTOCOLS,)
    joint = [key for key in evidence.rows if not key.is_solo]
    of_shares = [OF_SHARES] if len({key.at_full_share for key in joint}) < len(joint) else []
    of_llms = [OF_LLMS] if ledgers.has_several_llms(evidence) else []
    return (*PLOTS, *of_shares, *of_llms)


@dataclass(frozen=True)
class Prepared:
    """A plot, or the reason why there is none."""

    kind: str
    dataset: str | None
    """The data set; None for a plot of all data sets."""
    pages: Sequence[Chart] = ()
    reason: str | None = None
    """Why there is no plot, in one line."""

    @property
    def name(self) -> str:
        return self.kind if self.dataset is None else f"{self.kind}-{slug(self.dataset)}"


def prepare(evidence: Subject, plots: Sequence[Plot] | None = None) -> list[Prepared]:
    return [
        _prepare(plot, evidence, dataset)
        for plot in (plots_of(evidence) if plots is None else plots)
        for dataset in (evidence.datasets if plot.per_dataset else [None])
    ]


def _prepare(plot: Plot, evidence: Subject, dataset: str | None) -> Prepared:
    try:
        return Prepared(plot.name, dataset, plot.prepare(evidence if dataset is None else evidence.on(dataset)))
    except NothingToShow as nothing:
        return Prepared(plot.name, dataset, reason=str(nothing))
    except Exception as error:  # the fault is stated, and the other plots are made
        return Prepared(plot.name, dataset, reason=" ".join(f"{type(error).__name__}: {error}".split()))


@dataclass(frozen=True)
class WrittenPlots:
    """The plots that were written as files, and the reasons for those that were not."""

    folder: Path
    paths: Sequence[Path]
    skipped: Mapping[str, str]
    """plot -> why there is none, in one line."""


def write(evidence: Subject, folder: Path, plots: Sequence[Plot] | None = None) -> WrittenPlots:
    """Write every plot into a folder, as SVG and PNG; further pages end in "-page2" and so on.

    Files of an earlier call are removed where a plot cannot be drawn any more, or has fewer pages.
    """
    unlinked(folder).mkdir(parents=True, exist_ok=True)
    prepared = prepare(evidence, plots)
    paths: list[Path] = []
    for plot in prepared:
        for place, chart in enumerate(plot.pages, start=1):
            name = plot.name if place == 1 else f"{plot.name}{PAGE}{place}"
            for suffix in SUFFIXES:
                unlinked(folder / f"{name}.{suffix}")
            paths += save(chart, folder, name)
    for stale in {path for each in prepared for path in _files(folder, each.name)} - set(paths):
        stale.unlink()
    return WrittenPlots(folder, paths, {each.name: each.reason for each in prepared if each.reason is not None})


def _files(folder: Path, name: str) -> list[Path]:
    patterns = (f"{start}.{suffix}" for start in (name, f"{name}{PAGE}*") for suffix in SUFFIXES)
    return [path for pattern in patterns for path in folder.glob(pattern)]
