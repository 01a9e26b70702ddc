"""The verbs about stored results: check that they are as they were stored."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path

import click

from corecbench.cli.options import common_options, discover, results_option

FAILED = 1


@click.group()
def results() -> None:
    """Look after stored results."""


@results.command()
@click.argument("folder", required=False, metavar="[RESULTS_DIR]", type=click.Path(path_type=Path))
@results_option
@click.option("--benchmark", metavar="A,B", help="Benchmarks to check.  [default: all]")
@common_options
def verify(
    files: tuple[str, ...], blocked: tuple[str, ...], folder: Path | None, results: Path, benchmark: str | None
) -> int:
    """Check that every stored cell is as it was stored.

    RESULTS_DIR is where results are stored, or the folder of one benchmark there. Each file must have the checksum
    in the record of its cell, and the metrics in the record must follow from the ranks. A cell is ok, or lacks
    checksums as results of earlier versions do, or is damaged, with the reason. The exit code is 1 if any is
    damaged.
    """
    from corecbench.report.wording import one_line
    from corecbench.results import verify as verifying
    from corecbench.results.folders import choose, stores
    from corecbench.settings.values import names

    metric_of = functools.cache(functools.partial(verifying.rank_metric, discover(files, blocked, strict=False)))
    found = stores(folder or results)
    counts: Counter[str] = Counter()
    for store in [choose(found, name) for name in names(benchmark or "")] or found:
        for verdict in verifying.verify(store, metric_of):
            counts[verdict.state] += 1
            click.echo(one_line(f"{verdict.state}: {verdict.reason or verdict.folder}"))
    stated = ", ".join(f"{n} {state}" for state, n in counts.items())
    click.echo(f"{counts.total()} cells: {stated}")
    return FAILED if counts["damaged"] else 0
