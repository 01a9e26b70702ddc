"""All plots, each written where it can be drawn, and otherwise skipped with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from corecbench.report.plots import (
    canvas,
    cost,
    critical_difference,
    cutoffs,
    gain,
    learning,
    pairs,
    rank_change,
    slice_gain,
)
from corecbench.report.plots.study import NothingToShow, Study
from corecbench.results.store import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

Made = TypeVar("Made")
PAGE = "-page"
"""Between the name of a plot and the number of a page after its first."""


@dataclass(frozen=True)
class Plot:
    """One kind of plot."""

    name: str
    prepare: Callable[[Study], Any]
    """Returns its numbers, or raises NothingToShow."""
    draw: Callable[[Any], Figure]
    """Takes the numbers."""
    per_dataset: bool = True
    """Whether there is one for each data set, or one for all."""
    pages: Callable[[Any], Sequence[Any]] = lambda numbers: [numbers]
    """Takes the numbers and returns those of each page."""


PLOTS: tuple[Plot, ...] = (
    Plot("gain", gain.prepare, gain.draw, per_dataset=False, pages=gain.pages),
    Plot("slices", slice_gain.prepare, slice_gain.draw, pages=slice_gain.pages),
    Plot("cutoffs", cutoffs.prepare, cutoffs.draw, pages=cutoffs.pages),
    Plot("learning", learning.prepare, learning.draw, pages=learning.pages),
    Plot("critical-difference", critical_difference.prepare, critical_difference.draw, per_dataset=False),
    Plot("cost", cost.prepare, cost.draw),
    Plot("rank-change", rank_change.prepare, rank_change.draw, pages=rank_change.pages),
    Plot("pairs", pairs.prepare, pairs.draw),
)


@dataclass(frozen=True)
class Drawn(Generic[Made]):
    """What became of a plot: what was made of it, or why there is none."""

    name: str
    """Such as "gain" or "cost-ml-100k"; further pages end in "-page2" and so on."""
    kind: str
    """The name of the `Plot`."""
    dataset: str | None
    """None for a plot of all of them."""
    made: Made | None
    reason: str | None
    """In one line."""


@dataclass(frozen=True)
class Written:
    """What became of the plots as files."""

    folder: Path
    paths: Sequence[Path]
    skipped: Mapping[str, str]
    """plot -> why there is none, in one line."""


def draw(study: Study, use: Callable[[str, Figure], Made], plots: Sequence[Plot] = PLOTS) -> list[Drawn[Made]]:
    """Draw every plot. One that cannot be drawn keeps nothing from the others.

    Args:
        study: what is shown.
        use: makes of a plot's name and figure what is wanted, such as a file.
        plots: which of them.
    """
    with canvas.style():
        return [
            drawn
            for plot in plots
            for dataset in (study.datasets if plot.per_dataset else [None])
            for drawn in _pages(plot, study, dataset, use)
        ]


def _pages(
    plot: Plot, study: Study, dataset: str | None, use: Callable[[str, Figure], Made]
) -> Iterator[Drawn[Made]]:
    """Yield the pages of a plot, or why there are no more."""
    name = first = plot.name if dataset is None else f"{plot.name}-{slug(dataset)}"
    try:
        numbers = plot.prepare(study if dataset is None else study.of(dataset))
        for place, page in enumerate(plot.pages(numbers), start=1):
            name = first if place == 1 else f"{first}{PAGE}{place}"
            yield Drawn(name, plot.name, dataset, use(name, plot.draw(page)), None)
    except NothingToShow as nothing:
        yield Drawn(name, plot.name, dataset, None, str(nothing))
    except Exception as error:  # a fault of one plot, which is stated, must not cost the others
        yield Drawn(name, plot.name, dataset, None, " ".join(f"{type(error).__name__}: {error}".split()))


def write(study: Study, folder: Path, plots: Sequence[Plot] = PLOTS) -> Written:
    """Write every plot into a folder, as SVG and PNG.

    What an earlier call wrote in the place of one that cannot be drawn, or on pages that are no more, is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = draw(study, lambda name, figure: canvas.save(figure, folder, name), plots)
    skipped = {each.name: each.reason for each in found if each.reason is not None}
    paths = [path for each in found for path in each.made or ()]
    for pattern in {pattern for each in found for pattern in (each.name, f"{each.name}{PAGE}*")}:
        for suffix in ("svg", "png"):
            for path in set(folder.glob(f"{pattern}.{suffix}")) - set(paths):
                path.unlink()
    return Written(folder, paths, skipped)
