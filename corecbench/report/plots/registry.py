"""All plots, each written where it can be drawn, and otherwise skipped with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
from corecbench.results import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure


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


PLOTS: tuple[Plot, ...] = (
    Plot("gain", gain.prepare, gain.draw, per_dataset=False),
    Plot("slices", slice_gain.prepare, slice_gain.draw),
    Plot("cutoffs", cutoffs.prepare, cutoffs.draw),
    Plot("learning", learning.prepare, learning.draw),
    Plot("critical-difference", critical_difference.prepare, critical_difference.draw, per_dataset=False),
    Plot("cost", cost.prepare, cost.draw),
    Plot("rank-change", rank_change.prepare, rank_change.draw),
    Plot("pairs", pairs.prepare, pairs.draw),
)


@dataclass(frozen=True)
class Written:
    """What became of the plots."""

    folder: Path
    paths: Sequence[Path]
    skipped: Mapping[str, str]
    """plot -> why there is none, in one line."""


def write(study: Study, folder: Path, plots: Sequence[Plot] = PLOTS) -> Written:
    """Write every plot into a folder, as SVG and PNG.

    A plot that cannot be drawn keeps nothing from the others; what an earlier call wrote in its place is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    skipped = {}
    with canvas.style():
        for name, plot, part in _planned(study, plots):
            try:
                paths += canvas.save(plot.draw(plot.prepare(part)), folder, name)
            except NothingToShow as reason:
                skipped[name] = str(reason)
            except Exception as error:  # a fault of one plot, which is stated, must not cost the others
                skipped[name] = " ".join(f"{type(error).__name__}: {error}".split())
            if name in skipped:
                for suffix in ("svg", "png"):
                    (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    return Written(folder, paths, skipped)


def _planned(study: Study, plots: Sequence[Plot]) -> Iterator[tuple[str, Plot, Study]]:
    for plot in plots:
        if not plot.per_dataset:
            yield plot.name, plot, study
            continue
        for dataset in study.datasets:
            yield f"{plot.name}-{slug(dataset)}", plot, study.of(dataset)
