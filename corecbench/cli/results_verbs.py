"""The verbs about stored results: list, show, check, prune, merge and pack them."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import VerbGroup, discover
from corecbench.cli.saying import say, say_reasons
from corecbench.cli.stored_options import (
    choice_options,
    chosen_settings,
    one_cell,
    one_cell_options,
    results_argument,
)

if TYPE_CHECKING:
    from corecbench.results.store import Store

FAILED = 1
benchmark_option = click.option("--benchmark", metavar="A,B", help="Benchmarks to take.  [default: all]")


@click.group(cls=VerbGroup)
def results() -> None:
    """Manage stored results."""


def stores_of(folder: Path, benchmark: str | None, checked: bool = True) -> list[Store]:
    from corecbench.results.folders import choose, stores
    from corecbench.settings.values import names

    found = stores(folder, checked)
    return [choose(found, name) for name in names(benchmark or "")] or found


@results.command()
@results_argument
@benchmark_option
def ls(folder: Path, benchmark: str | None) -> None:
    """List the stored cells.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Each line has the
    benchmark, data set, cell, seed, hash of the settings, status, NDCG@10 of each side, age and size. Damaged cells
    are said to be so, with the reasons at the end.
    """
    from corecbench.cli.listing import show as show_rows
    from corecbench.cli.stored_cells import rows

    found = stores_of(folder, benchmark)
    show_rows([row for store in found for row in rows(store)], as_json=False)
    say_reasons("damaged", (reason for store in found for reason in store.damaged.values()))


@results.command()
@click.argument("cell", metavar="CELL_FOLDER|RESULT.json", type=click.Path(path_type=Path))
@choice_options
def show(cell: Path) -> None:
    """Show all that is stored of one cell, in plain words.

    CELL_FOLDER is the folder of a cell, such as results/default/ml-100k/sasrec/seed0-1a2b3c4d, or the one above it:
    --latest or --pick chooses between several settings, and the lowest seed is taken.

    Settings are shown that differ from the defaults of their plugins, where these are installed.
    """
    from corecbench.cli.stored_cells import lines
    from corecbench.results.copying import check_files
    from corecbench.results.layout import MODEL, RECORD_FILE
    from corecbench.results.packed import exists
    from corecbench.results.record import ResultsError
    from corecbench.results.record_file import read_record

    folder = one_cell(cell)
    if not exists(folder / RECORD_FILE):
        raise ResultsError(
            f"{folder}: no stored cell, which has a {RECORD_FILE}; `corecbench results ls` lists them"
        )
    folder = folder if len(folder.parts) > 4 else folder.resolve()
    record = read_record(folder)
    check_files(folder, record, without=(MODEL,))
    say(*lines(folder, record, discover(strict=False)))


@results.command()
@results_argument
@benchmark_option
def verify(folder: Path, benchmark: str | None) -> int:
    """Check that every stored cell is as it was stored.

    RESULTS_DIR is where results are stored, the folder of one benchmark there, or a bundle. Each file must have the
    checksum in the record of its cell, and in the manifest of a bundle, and the metrics in the record must follow
    from the ranks. A cell is ok, or is damaged, with the reason. The exit code is 1 if anything is damaged.
    """
    from corecbench.data.archive import sha256_of
    from corecbench.results import verify as verifying
    from corecbench.results.packed import bundle_at
    from corecbench.toolkit.printable import one_line

    metric_of = functools.cache(functools.partial(verifying.rank_metric, discover(strict=False)))
    found = stores_of(folder, benchmark, checked=False)
    bundles = dict.fromkeys(store.root for store in found if store.is_packed)
    faults = [fault for bundle in bundles for fault in bundle_at(bundle).faults]
    for fault in faults:
        say(f"damaged: {one_line(fault)}")
    counts: Counter[str] = Counter()
    for store in found:
        for verdict in verifying.verify(store, metric_of):
            counts[verdict.state] += 1
            say(one_line(f"{verdict.state}: {verdict.reason or verdict.folder}"))
    stated = ", ".join(f"{n} {state}" for state, n in counts.items())
    say(f"{counts.total()} cells: {stated}")
    if bundles:
        say(f"{len(faults)} files are not as the manifest says" if faults else "all files are as the manifest says")
    for bundle in bundles:
        say(f"sha256 of {bundle}: {sha256_of(bundle)}")
    return FAILED if counts["damaged"] or faults else 0


@results.command()
@results_argument
@benchmark_option
@click.option("--models", is_flag=True, help="Remove the kept models of all cells instead; the results stay.")
@click.option("--yes", is_flag=True, help="Remove what is listed.")
def prune(
    folder: Path,
    benchmark: str | None,
    models: bool,
    yes: bool,
) -> int:
    """List what is old, and remove it with --yes.

    Old are: cells of which newer settings are stored with the same seed, cells that failed under other settings
    than the latest, and what runs that have ended left behind. Cells in training are left alone.
    """
    from corecbench.cli.stored_cells import size
    from corecbench.results import prune as pruning

    listed = pruning.models if models else pruning.old
    removals = [removal for store in stores_of(folder, benchmark) for removal in listed(store)]
    if not removals:
        say("nothing to remove")
        return 0
    total = size(sum(removal.n_bytes for removal in removals))
    if not yes:
        for removal in removals:
            say(f"{removal.folder}: {removal.reason} ({size(removal.n_bytes)})")
        say(f"{len(removals)} to remove, {total}; --yes removes them")
        return 0
    kept = []
    for removal, reason in pruning.remove(removals):
        if reason:
            kept.append(f"{removal.folder}: {reason}")
        else:
            say(f"removed: {removal.folder}: {removal.reason}")
    return FAILED if say_reasons("left out", kept) else 0


@results.command()
@click.argument("sources", nargs=-1, required=True, metavar="RESULTS...", type=click.Path(path_type=Path))
@click.option("--into", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder of results.")
def merge(sources: tuple[Path, ...], into: Path) -> int:
    """Copy the cells of several folders of results, or of bundles, into one folder.

    RESULTS are folders of results, of one benchmark, or bundles. A cell that several have with the same settings,
    seed and ranks is kept once. If the ranks differ, nothing is written. Damaged cells, and those that another
    process is training in DIR, are left out, and the exit code is 1.
    """
    from corecbench.results.folders import stores
    from corecbench.results.merge import merge as merge_stores

    merged = merge_stores([store for source in sources for store in stores(source)], into)
    say(*(f"copied: {folder}" for folder in merged.copied))
    say(f"{len(merged.copied)} cells copied to {into}, {len(merged.kept)} were there already")
    return FAILED if say_reasons("left out", merged.left_out) else 0


@results.command()
@results_argument
@benchmark_option
@click.option(
    "--to", required=True, metavar="FILE.zip", type=click.Path(path_type=Path), help="The bundle to write."
)
@click.option("--with-models", is_flag=True, help="Also pack kept models and checkpoints.")
def pack(
    folder: Path,
    benchmark: str | None,
    to: Path,
    with_models: bool,
) -> int:
    """Pack cells into one file that anyone can verify, and test again without the data.

    RESULTS_DIR is where results are stored, or the folder of one benchmark there. The bundle has records, ranks,
    lists and item counts, the sha256 of every file, and a README. The same cells give the same bundle. Damaged
    cells are left out, and the exit code is 1.
    """
    from corecbench.cli.stored_cells import size
    from corecbench.results.bundle import pack as pack_stores

    found = stores_of(folder, benchmark)
    packed = pack_stores(found, to, with_models)
    say(f"{to}: {packed.n_cells} cells, {packed.n_files} files, {size(to.stat().st_size)}, sha256 {packed.sha256}")
    left_out = (reason for store in found for reason in store.damaged.values())
    return FAILED if say_reasons("left out", left_out) else 0


@results.command()
@click.argument("folder", metavar="RESULTS_DIR", type=click.Path(path_type=Path))
@click.option("--cell", required=True, metavar="CELL", help="Cell, such as sasrec or sasrec+llama+bdlm:llm.")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="File.")
@click.option("--format", "format_", metavar="csv|parquet|trec", help="Format.  [default: by the suffix]")
@one_cell_options
def predictions(
    folder: Path,
    cell: str,
    out: Path,
    format_: str | None,
    dataset: str | None,
    seed: int | None,
    benchmark: str | None,
) -> None:
    """Write the stored lists of a cell for other tools.

    RESULTS_DIR is where results are stored, or the folder of one benchmark there.
    """
    from corecbench.exchange.predictions import write_predictions
    from corecbench.exchange.reading import format_of
    from corecbench.results.folders import choose, stores
    from corecbench.results.selection import select_one

    chosen = format_of(out, format_)
    store = choose(stores(folder), benchmark)
    entries = chosen_settings().narrowed(list(store.records()))
    top = write_predictions(store, select_one(entries, cell, dataset, seed), cell, chosen, out)
    say(f"{out}: {len(top):,} items of {top['user_id'].nunique():,} users, at most {top['position'].max()} each")
