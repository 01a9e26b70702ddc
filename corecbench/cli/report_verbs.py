"""The verbs that read stored results: nothing is trained."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.api import CorecbenchError, UsageError
from corecbench.cli.options import (
    choice_options,
    chosen_settings,
    common_options,
    discover,
    format_option,
    results_folder,
    results_option,
    say,
    statistics_options,
)
from corecbench.cli.terminal import fitted, wide_option
from corecbench.cli.views import view_of
from corecbench.settings.config import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.results.store import Store

INCOMPLETE = 5


def show_table(texts: Mapping[str, str], errors: Mapping[str, CorecbenchError], format_: str) -> None:
    """Print a table, and a warning for each other format whose reporter failed."""
    if format_ not in texts:
        raise errors[format_]
    for warning in dict.fromkeys(map(str, errors.values())):
        say(f"warning: {warning}", err=True)
    say(texts[format_].rstrip())


@contextlib.contextmanager
def telling_damage(stores: Sequence[Store]) -> Iterator[None]:
    """Say at the end which cells of some benchmarks were left out, and how they are mended."""
    from corecbench.report.wording import one_line

    try:
        yield
    finally:
        for reason in dict.fromkeys(reason for store in stores for reason in store.damaged.values()):
            say(f"left out: {one_line(reason)}", err=True)


@click.command()
@click.argument("folder", required=False, metavar="[RESULTS_DIR]", type=click.Path(path_type=Path))
@results_option
@click.option("--benchmark", metavar="A,B", help="Benchmarks to show.  [default: default, or the only one]")
@click.option("--cells", metavar="A,B", help="Cells to show, with their models alone.  [default: all]")
@click.option("--datasets", metavar="A,B", help="Data sets to show.  [default: all]")
@choice_options
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to write to.  [default: that of the results; none for a view of a part of them]",
)
@format_option
@click.option(
    "--metrics", default=",".join(SHOWN), show_default=True, metavar="A,B", help="Metrics, one column each."
)
@statistics_options
@click.option("--effects", is_flag=True, help="Also show effect sizes with intervals, power and equivalence.")
@click.option("--cost", is_flag=True, help="Also show times, parameters and memory.")
@click.option(
    "--slices", is_flag=True, help="Print the effects by length of history and by frequency of the item instead."
)
@click.option(
    "--ledger",
    is_flag=True,
    help="Print what exactly helps instead: each gain in steps over controls; with --slices on slices, too.",
)
@click.option("--train-shares", is_flag=True, help="Print the gains over shares of the users that train instead.")
@click.option("--plots", is_flag=True, help="Also draw, as SVG and PNG in the folder plots beside the tables.")
@click.option("--html", is_flag=True, help="Also write all of it as one page, report.html beside the tables.")
@click.option("--leaderboard", is_flag=True, help="Instead rank the rows of all benchmarks over all data sets.")
@wide_option
@common_options
def report(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    folder: Path | None,
    results: Path,
    benchmark: str | None,
    cells: str | None,
    datasets: str | None,
    latest: bool,
    pick: tuple[str, ...],
    out: Path | None,
    format_: str,
    metrics: str,
    test: str,
    correction: str,
    margin: float,
    find: float | None,
    effects: bool,
    cost: bool,
    slices: bool,
    ledger: bool,
    train_shares: bool,
    plots: bool,
    html: bool,
    leaderboard: bool,
    wide: bool,
) -> int:
    """Print and write the table of stored results.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Cells of several
    benchmarks share a table if they have the same protocol, split and settings. Nothing is trained.

    The report of all results is written beside them. A view of a part of them, or by other metrics or tests, is
    only printed, unless --out says where it is written.
    """
    from corecbench.report import main_table
    from corecbench.report.comparison import STANDARD, Method
    from corecbench.report.publish import plot, publish, rank, write_page
    from corecbench.results.folders import choose, place_of, stores
    from corecbench.results.read_once import ReadOnce
    from corecbench.results.selection import select
    from corecbench.settings.values import names

    method, effects = Method(test, correction, margin, find), effects or find is not None
    choice = chosen_settings(latest, pick)
    host = discover(files, blocked)
    host.select("reporters", format_, {})
    found = stores(results_folder(folder or results))
    asked = [choose(found, name) for name in names(benchmark or "")]
    view = view_of(
        {
            "a bundle": (folder or results).is_file(),
            "--benchmark": len(asked) > 1 or (leaderboard and asked),
            "--cells": cells,
            "--datasets": datasets,
            "--latest": latest,
            "--pick": pick,
            "--metrics": tuple(names(metrics)) != SHOWN,
            "--test": test != STANDARD.test,
            "--correction": correction != STANDARD.correction,
            "--margin": margin != STANDARD.margin,
        },
        out,
        {"--plots": plots, "--html": html},
    )
    if leaderboard:
        if effects or cost or slices or ledger or train_shares or plots or html or cells or datasets:
            raise UsageError(
                "--leaderboard is a table of its own; beside it go --benchmark, --metrics, --latest, --pick, "
                "--format and --out"
            )
        with telling_damage(asked or found):
            top = out or folder or results
            written, is_complete = rank(
                host, asked or found, names(metrics), top if view.is_written else None, choice
            )
            show_table(written.texts, written.errors, format_)
            view.tell(top, written.paths)
        return 0 if is_complete else INCOMPLETE
    asked = asked or [choose(found, None)]
    place = asked[0] if out is None else place_of(out)
    store = ReadOnce(place.root, place.benchmark)
    with telling_damage([*asked, store]):
        entries = select(asked, names(cells or ""), names(datasets or ""), choice)
        for other in asked:
            store.damaged.update(other.damaged)
        published = publish(
            host,
            store,
            entries,
            names(metrics),
            cost,
            effects,
            method,
            with_ledger=ledger,
            by_slices=ledger and slices,
            with_files=view.is_written,
        )
        if train_shares and not published.shares:
            raise UsageError(
                "no joint row is stored at several train shares; `corecbench run --train-share .25,1` makes some"
            )
        asked_for = {"ledger": ledger, "shares": train_shares, "slices": slices, "texts": True}
        texts = getattr(published, next(name for name, chosen in asked_for.items() if chosen))
        if texts is published.texts:
            texts = fitted(host, texts, main_table.report(published.main, cost, effects), wide)
        show_table(texts, published.errors, format_)
        view.tell(published.folder, published.paths)
        if plots:
            pictures = plot(host, store, entries, names(metrics))
            for name, reason in pictures.skipped.items():
                say(f"no plot {name}: {reason}", err=True)
            say(f"written to {pictures.folder}: {len(pictures.paths)} files", err=True)
        if html:
            say(f"written to {write_page(host, store, entries, published, effects)}", err=True)
    return 0 if published.complete else INCOMPLETE


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="RESULTS_DIR...", type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    required=True,
    metavar="CELL",
    help="Cell to compare with, such as sasrec or sasrec+llama+bdlm:llm.",
)
@click.option("--cells", metavar="A,B", help="Cells to compare.  [default: all]")
@click.option("--datasets", metavar="A,B", help="Data sets to compare on.  [default: all]")
@choice_options
@click.option("--metric", default="NDCG@10", show_default=True, metavar="NAME", help="Metric to compare.")
@click.option("--in-order", is_flag=True, help="Compare only users whose last two items are in order by time.")
@statistics_options
@format_option
@common_options
def compare(
    files: tuple[str, ...],
    blocked: tuple[str, ...],
    folders: tuple[Path, ...],
    baseline: str,
    cells: str | None,
    datasets: str | None,
    latest: bool,
    pick: tuple[str, ...],
    metric: str,
    test: str,
    correction: str,
    margin: float,
    find: float | None,
    in_order: bool,
    format_: str,
) -> None:
    """Compare any stored cells with one of them, paired over users.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Cells are named as they
    are stored, with the side of a pair after a colon, and BENCHMARK/ before them where several have the same.
    """
    from corecbench.report import compare, compare_text
    from corecbench.report.comparison import Method
    from corecbench.report.formats import render
    from corecbench.results.folders import stores
    from corecbench.results.rows import unshared
    from corecbench.settings.values import names

    method = Method(test, correction, margin, find)
    host = discover(files, blocked)
    built = host.build(host.select("metrics", metric, {}))
    stored = {store: store.sound() for folder in folders for store in stores(results_folder(folder))}
    with telling_damage(list(stored)):
        entries = chosen_settings(latest, pick).of_each(stored)
        found = compare.build(
            entries,
            baseline,
            metric,
            built,
            names(cells or ""),
            names(datasets or ""),
            method,
            unshared(host, (entry for of_store in entries.values() for entry in of_store)),
            in_order,
        )
        say(render(host, format_, compare_text.report(found))[1].rstrip())
