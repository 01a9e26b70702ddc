"""The verbs about data sets: get one, look at one."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import click

from corecbench.api import CorecbenchError, DataError, DatasetComponent, Download, UsageError
from corecbench.cli.options import VerbGroup, data_options, discover, read_data
from corecbench.cli.saying import now_and_then, say
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from corecbench.plugin.host import Host

    Progress = Callable[[int, int | None], None]


@click.group(cls=VerbGroup)
def datasets() -> None:
    """Fetch published data sets, or describe one."""


@datasets.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--again", is_flag=True, help="Download again, even if it is there or was changed.")
def fetch(names: tuple[str, ...], again: bool) -> None:
    """Get published data sets into the cache, where a run finds them.

    The checksum of the first download is recorded, and later ones must equal it.
    """
    from corecbench.data import fetch as fetching

    host = discover()
    root = cache_folder() / "datasets"
    for name, source in [(name, published(host, name)) for name in names]:
        if source.terms:
            say(f"{name}: {source.terms}", err=True)
        with shown(name) as progress:
            fetched = fetching.fetch(name, source, root, again, progress=progress)
        what = (
            f"{fetched.size_bytes / 1e6:.1f} MB, sha256 {fetched.sha256}"
            if fetched
            else "not fetched by this command"
        )
        say(f"{name}: {root / name} ({what})")


def published(host: Host, name: str) -> Download:
    """Return the data set of a name.

    Raises:
        UsageError: there is none, or it cannot be got.
    """
    from corecbench.settings.configure import unknown

    offered = [component for component, _ in host.list("datasets") if isinstance(component, DatasetComponent)]
    downloads = {component.name: component.download for component in offered}
    if name not in downloads:
        raise unknown("data set", name, downloads)
    download = downloads[name]
    if download is None:
        have = ", ".join(sorted(other for other, its in downloads.items() if its))
        raise UsageError(f"data set '{name}' is not one to get; have: {have or 'none at all'}")
    return download


@contextlib.contextmanager
def shown(name: str) -> Iterator[Progress]:
    """Show the progress of a download on stderr: a bar on a terminal, else a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield now_and_then(
            lambda *sizes: f"{name}: {' of '.join(f'{n / 1e6:.1f}' for n in sizes if n is not None)} MB"
        )
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task(name, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


@datasets.command()
@click.argument("name")
@data_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(name: str, as_json: bool) -> None:
    """Print the counts of a data set, or of a folder of atomic files, as a run would use it.

    Where a run would rank nobody, they are those under --ties file, and a warning says so.
    """
    from corecbench.data.summary import histories, lines, summary
    from corecbench.data.time_split import warnings

    host, refused = discover(), []
    try:
        config, data = read_data(host, name)
    except DataError as error:
        refused = [str(error)]
        try:
            config, data = read_data(host, name, split="leave-one-out", ties="file")
        except CorecbenchError:
            raise error from None
    facts, said = summary(data), [*refused, *warnings(data.dataset, data.split, config.ties, data.name)]
    if as_json:
        say(json.dumps({**facts, "warnings": said}, indent=2))
    else:
        say(*lines(facts), *histories(data.dataset), *(f"warning: {line}" for line in said))
