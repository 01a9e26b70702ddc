"""All plots, each written where it can be drawn, and otherwise skipped with a reason."""

from __future__ import annotations

import functools
import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from corecbench.report.evidence.reading import at_full_share
from corecbench.report.plots import (
    canvas,
    cost,
    critical_difference,
    cutoffs,
    gain,
    learning,
    ledger,
    llms,
    pairs,
    rank_change,
    slice_gain,
    train_share,
)
from corecbench.report.plots.study import NothingToShow, Study
from corecbench.results.layout import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

Product = TypeVar("Product")
PAGE = "-page"
"""The text between the name of a plot and the number of a page after its first."""


@dataclass(frozen=True)
class Plot:
    """One kind of plot."""

    name: str
    prepare: Callable[[Study], Any]
    """Returns the numbers of the plot, or raises NothingToShow."""
    draw: Callable[[Any], Figure]
    """Takes the numbers and returns the drawing."""
    per_dataset: bool = True
    """Whether there is a plot for each data set, or one for all."""
    pages: Callable[[Any], Sequence[Any]] = lambda numbers: [numbers]
    """Takes the numbers and returns the numbers of each page."""


PLOTS: tuple[Plot, ...] = (
    Plot("gain", gain.prepare, gain.draw, per_dataset=False, pages=gain.pages),
    Plot("slices", slice_gain.prepare, slice_gain.draw, pages=slice_gain.pages),
    Plot(
        "target-slices",
        functools.partial(slice_gain.prepare, kind=slice_gain.TARGETS),
        slice_gain.draw,
        pages=slice_gain.pages,
    ),
    Plot("cutoffs", cutoffs.prepare, cutoffs.draw, pages=cutoffs.pages),
    Plot("learning", learning.prepare, learning.draw, pages=learning.pages),
    Plot("critical-difference", critical_difference.prepare, critical_difference.draw, per_dataset=False),
    Plot("cost", cost.prepare, cost.draw),
    Plot("rank-change", rank_change.prepare, rank_change.draw, pages=rank_change.pages),
    Plot("pairs", pairs.prepare, pairs.draw),
    Plot("ledger", ledger.prepare, ledger.draw, pages=ledger.pages),
)

OF_SHARES = Plot("train-share", train_share.prepare, train_share.draw, per_dataset=False, pages=train_share.pages)
"""The plot of runs in which several shares of the users train."""
OF_LLMS = Plot("llms", llms.prepare, llms.draw, pages=llms.pages)
"""The plot of runs in which several LLMs have pairs with controls."""


def plots_of(study: Study) -> Sequence[Plot]:
    """Return the plots that are drawn of a study."""
    joint = [key for key in study.rows if not key.is_solo]
    of_shares = [OF_SHARES] if len(set(map(at_full_share, joint))) < len(joint) else []
    of_llms = [OF_LLMS] if llms.has_several(study.rows, study.tested, study.evidence.controls.unshared) else []
    return (*PLOTS, *of_shares, *of_llms)


@dataclass(frozen=True)
class PlotOutcome(Generic[Product]):
    """A page of a plot, as a file or a picture, or the reason why there is none."""

    name: str
    """The name of the file, such as "gain" or "cost-ml-100k"; further pages end in "-page2" and so on."""
    kind: str
    """The name of the `Plot`."""
    dataset: str | None
    """The data set; None for a plot of all data sets."""
    product: Product | None
    """The files or the picture; None where there is a reason instead."""
    reason: str | None
    """Why there is no plot, in one line."""
    left_out: int = 0
    """The number of further pages that were not drawn."""


@dataclass(frozen=True)
class WrittenPlots:
    """The plots that were written as files, and the reasons for those that were not."""

    folder: Path
    paths: Sequence[Path]
    skipped: Mapping[str, str]
    """plot -> why there is none, in one line."""


def draw(
    study: Study,
    use: Callable[[str, Figure], Product],
    plots: Sequence[Plot] | None = None,
    most_pages: int | None = None,
) -> list[PlotOutcome[Product]]:
    """Draw every plot. Where one cannot be drawn, the other plots are drawn all the same.

    Args:
        study: the rows that are shown.
        use: takes the name and the figure of a plot and returns a product, such as the paths of its files.
        plots: the plots to draw; None for those of `plots_of`.
        most_pages: of a plot of more pages only the first one is drawn; None for no limit.
    """
    with canvas.style(), _apart():
        return [
            outcome
            for plot in (plots_of(study) if plots is None else plots)
            for dataset in (study.datasets if plot.per_dataset else [None])
            for outcome in _pages(plot, study, dataset, use, most_pages)
        ]


@contextmanager
def _apart() -> Iterator[None]:
    """Spare what is in memory from the search for garbage: figures are full of cycles, and records are many."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _pages(
    plot: Plot, study: Study, dataset: str | None, use: Callable[[str, Figure], Product], most_pages: int | None
) -> Iterator[PlotOutcome[Product]]:
    """Yield the pages of a plot, and the reason if one of them cannot be drawn."""
    name = first = plot.name if dataset is None else f"{plot.name}-{slug(dataset)}"
    try:
        numbers = plot.prepare(study if dataset is None else study.on(dataset))
        pages = plot.pages(numbers)
        drawn = len(pages) if most_pages is None or len(pages) <= most_pages else 1
        for place, page in enumerate(pages[:drawn], start=1):
            name = first if place == 1 else f"{first}{PAGE}{place}"
            yield PlotOutcome(name, plot.name, dataset, use(name, plot.draw(page)), None, len(pages) - drawn)
    except NothingToShow as nothing:
        yield PlotOutcome(name, plot.name, dataset, None, str(nothing))
    except Exception as error:  # the fault is stated, and the other plots are drawn
        yield PlotOutcome(name, plot.name, dataset, None, " ".join(f"{type(error).__name__}: {error}".split()))


def write(study: Study, folder: Path, plots: Sequence[Plot] | None = None) -> WrittenPlots:
    """Write every plot into a folder, as SVG and PNG.

    Files of an earlier call are removed where a plot cannot be drawn any more, or has fewer pages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = draw(study, lambda name, figure: canvas.save(figure, folder, name), plots)
    skipped = {each.name: each.reason for each in outcomes if each.reason is not None}
    paths = [path for each in outcomes for path in each.product or ()]
    for pattern in {pattern for each in outcomes for pattern in (each.name, f"{each.name}{PAGE}*")}:
        for suffix in ("svg", "png"):
            for path in set(folder.glob(f"{pattern}.{suffix}")) - set(paths):
                path.unlink()
    return WrittenPlots(folder, paths, skipped)
