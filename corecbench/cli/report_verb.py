"""The verb that makes tables, plots and the page of stored results: nothing is trained."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 - `configure` reads the annotations
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.cli.options import (
    discover,
    option_group,
    option_value,
    set_option,
    setting,
    verb,
    verb_config,
)
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import choice_options, chosen_settings, results_argument
from corecbench.cli.tables import (
    INCOMPLETE,
    TEXT,
    MethodConfig,
    holds_results,
    own_folder,
    show_results,
    show_table,
    telling_damage,
)
from corecbench.settings.config import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.plugin.host import Host
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.plots.registry import WrittenPlots
    from corecbench.results.store import Store

NARROWING = {name: f"--{name}" for name in ("datasets", "metrics", "baseline")}
NARROWING |= {name: f"report.{name}" for name in ("cells", "test", "correction", "margin")}
"""Setting that makes a report another one than that of all results -> what it is called."""


@dataclass(frozen=True)
class ReportConfig(MethodConfig):
    """What a report shows, and where it is written: options, or `--set report.KEY=VALUE`."""

    benchmark: tuple[str, ...] = ()
    """Benchmarks to show; "default" or the only one if none."""
    cells: tuple[str, ...] = ()
    """Cells to show, with their models alone; all if none."""
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = SHOWN
    baseline: str = ""
    """A row that every row is compared with, too, imported ones included."""
    effects: bool = False
    """Whether the table has effect sizes, power and equivalence."""
    cost: bool = False
    """Whether the table has times, parameters and memory."""
    slices: bool = False
    """Whether the effects on slices of the users are printed instead."""
    ledger: bool = False
    """Whether the ledgers are printed instead; with `slices` on slices, too."""
    train_shares: bool = False
    """Whether the gains over shares of the users that train are printed instead."""
    protocols: bool = False
    """Whether findings under leave-one-out and under time are compared instead."""
    plots: bool = False
    html: bool = False
    """Whether plots and the page are written, too."""
    format: str = "text"
    wide: bool = False
    """Whether all columns are printed, also where the terminal is narrower."""
    out: Path | None = None
    """The folder to write to; that of the results if none."""

    @property
    def printed(self) -> str:
        asked = {"ledger": self.ledger, "train-shares": self.train_shares, "slices": self.slices, "table": True}
        return next(name for name, is_asked in asked.items() if is_asked)


@verb
@results_argument
@option_group(
    setting("--benchmark", metavar="A,B", help="Benchmarks.  [default: default, or the only one]"),
    setting("--datasets", metavar="A,B", help="Data sets.  [default: all]"),
    choice_options,
    group="Results",
)
@option_group(
    setting("--metrics", metavar="A,B", help=f"Columns.  [default: {','.join(SHOWN)}]"),
    setting("--baseline", metavar="ROW", help="Also test every row, imported ones too, against this one."),
    setting("--effects", is_flag=True, help="Also effect sizes with intervals, power and equivalence."),
    setting("--ledger", is_flag=True, help="Instead what exactly helps; with --slices on slices, too."),
    setting("--slices", is_flag=True, help="Instead the effects by length of history and frequency of the item."),
    set_option("Another setting, such as report.test=permutation, report.cost=true, report.protocols=true."),
    group="What is shown",
)
@option_group(
    setting("--format", metavar="NAME", help="Printed format (`corecbench describe reporters`).  [default: text]"),
    setting("--out", metavar="DIR", help="Folder to write to.  [default: that of the results; none for a view]"),
    setting("--plots", is_flag=True, help="Also draw, as SVG and PNG in the folder plots beside the tables."),
    setting("--html", is_flag=True, help="Also write all of it as one page, report.html beside the tables."),
    group="Where",
)
def report(folder: Path) -> int:
    """Print the table of stored results, plots and a page.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Cells of several
    benchmarks share a table if they have the same protocol, split and settings. Nothing is trained.

    The report of all results is written beside them. A view of a part of them, or by other metrics or tests, is
    only printed, unless --out says where it is written.

    The exit code is 5 where a cell failed or is damaged, or a row lacks a seed.
    """
    from corecbench.results.folders import choose, stores

    config, host = verb_config(ReportConfig), discover()
    chosen_settings()  # which may be wrongly written
    host.select("reporters", config.format, {})
    found = stores(folder)
    asked = [choose(found, name) for name in config.benchmark] or [choose(found, None)]
    if config.protocols:
        return report_protocols(host, config, asked, view_of(config, any(store.is_packed for store in asked)))
    return report_some(host, config, asked, view_of(config, any(store.is_packed for store in asked)))


def report_some(host: Host, config: ReportConfig, stores: Sequence[Store], view: str) -> int:
    """Print and write the tables of cells that are compared, plots and the page, and return the exit code."""
    from corecbench.report.publish import gather, plot, publish, write_page
    from corecbench.results.folders import place_of
    from corecbench.results.selection import select

    store = stores[0] if config.out is None else place_of(own_folder(config.out))
    effects, by_slices = config.effects or config.find is not None, config.ledger and config.slices
    with telling_damage([*stores, store]):
        entries = select(stores, config.cells, config.datasets, chosen_settings())
        for other in stores:
            store.damaged.update(other.damaged)
        evidence = replace(gather(host, store, entries, config.metrics, config.method), baseline=config.baseline)
        published = publish(
            host,
            evidence,
            store.own_folder,
            config.cost,
            effects,
            with_ledger=config.ledger,
            by_slices=by_slices,
            with_files=config.out is not None or not view,
        )
        if config.train_shares and not evidence.shares():
            raise UsageError(
                "no joint row is stored at several train shares; `corecbench run --train-share .25,1` makes some"
            )
        texts = published.texts[config.printed]
        if config.printed == "table" and config.format == TEXT and TEXT in texts:
            say_reasons("warning", map(str, published.errors.values()))
            is_whole = config.wide or config.cost or effects or config.baseline or not sys.stdout.isatty()
            show_results(evidence, texts[TEXT] if is_whole else None)
        else:
            show_table(texts, published.errors, config.format)
        tell(view, config.out, published.folder, published.paths)
        if config.plots:
            tell_plots(plot(evidence, store.own_folder))
        if config.html:
            page = write_page(host, store, evidence, store.own_folder, effects)
            say(f"written to {page}", err=True)
    if published.complete:
        return 0
    reasons = dict.fromkeys([*gaps(evidence), *(f"format {name} failed" for name in published.errors)])
    say(f"incomplete, so the exit code is {INCOMPLETE}: {'; '.join(reasons) or 'see the table'}", err=True)
    return INCOMPLETE


def report_protocols(host: Host, config: ReportConfig, stores: Sequence[Store], view: str) -> int:
    """Print and write what becomes under time of findings under leave-one-out, and return the exit code.

    Raises:
        UsageError: something else is asked for, too, or there are no results under one of both.
    """
    from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, TIME, Protocols, by_split
    from corecbench.report.formats import write
    from corecbench.report.publish import gather, plot
    from corecbench.report.views.tables import protocols_table
    from corecbench.results.folders import place_of
    from corecbench.results.selection import all_in, among

    others = ("effects", "cost", "slices", "ledger", "train_shares", "baseline", "html")
    if any(getattr(config, name) for name in others):
        raise UsageError(
            "report.protocols is a table of its own; beside it go what is chosen, --format, --plots and --out"
        )
    store = stores[0] if config.out is None else place_of(own_folder(config.out))
    with telling_damage(stores):
        splits = by_split(all_in(stores))
        entries = {name: among(of, config.cells, config.datasets, chosen_settings()) for name, of in splits.items()}
        of_split = {name: gather(host, store, of, config.metrics, config.method) for name, of in entries.items()}
        both = Protocols(of_split[LEAVE_ONE_OUT], of_split[TIME])
        written = write(host, protocols_table(both), None if config.out is None else store.own_folder)
        show_table(written.texts, written.errors, config.format)
        tell(view, config.out, store.own_folder, written.paths)
        if config.plots:
            tell_plots(plot(both, store.own_folder))
    return INCOMPLETE if written.errors else 0


def gaps(evidence: Evidence) -> Iterator[str]:
    if evidence.left_out:
        yield f"{len(evidence.left_out)} damaged cells left out"
    for key, row in evidence.rows.items():
        if not row.is_complete:
            yield f"{key.cell} on {key.dataset}: {'; '.join(row.gaps())}"


# --- where it is written ------------------------------------------------------------------------------------------


def view_of(config: ReportConfig, is_packed: bool) -> str:
    """Return what makes a report another one than that of all results; nothing where it is that.

    A view never replaces the tables of all results.

    Raises:
        UsageError: a view is to be written where results are stored, or it is not said where.
    """
    several, default = len(config.benchmark) > 1, ReportConfig()
    reasons = {
        "a bundle": is_packed,
        "report.protocols": config.protocols,
        "--benchmark": several,
        "--latest": option_value("latest"),
        "--pick": option_value("pick"),
        **{shown: getattr(config, name) != getattr(default, name) for name, shown in NARROWING.items()},
    }
    view, out = " and ".join(name for name, holds in reasons.items() if holds), config.out
    files = [f"--{name}" for name in ("plots", "html") if getattr(config, name)]
    if view and out is None and files:
        raise UsageError(
            f"{' and '.join(files)} would write a view ({view}) beside all results; say where by --out DIR"
        )
    if view and out is not None and holds_results(out):
        raise UsageError(f"{out}: holds results, and a view ({view}) would replace their tables; choose another")
    return view


def tell(view: str, out: Path | None, folder: Path, paths: Sequence[Path]) -> None:
    if view and out is None:
        say(f"nothing was written, since this is a view ({view}); --out DIR writes it", err=True)
    elif paths:
        say(f"written to {folder}: {len(paths)} files", err=True)


def tell_plots(pictures: WrittenPlots) -> None:
    for name, reason in pictures.skipped.items():
        say(f"no plot {name}: {reason}", err=True)
    say(f"written to {pictures.folder}: {len(pictures.paths)} files", err=True)
