"""What every measuring script is told, and the options that it has for that on its command line."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from measuring.environments import PeerError, default_folder
from measuring.record import RESULTS
from measuring.sides import SideError

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.data.loaded import SplitDataset

ROUNDS = 5


@dataclass(frozen=True)
class Options:
    """How a script measures, as its command line says."""

    tiny: bool
    """Whether sizes are so small that only the script itself is tested."""
    rounds: int
    threads: int
    out: Path | None
    """Folder of the records; None if nothing is kept."""
    peers: Path
    """Folder of the peers' environments."""
    install: bool
    """Whether peers that are not there are installed."""
    pip_args: str
    busy: bool
    """Whether other work runs on the machine, as far as the user knows."""

    def data(self, names: str, scratch: Path) -> list[SplitDataset]:
        """Return data sets by comma, split leave-one-out with ties as in the file; for tiny sizes a toy one."""
        from corecbench.data.loaded import read_datasets
        from corecbench.plugin.host import Host
        from corecbench.settings.config import RunConfig
        from corecbench.testing.toys import circle, write_atomic

        asked = [str(write_atomic(circle(), scratch / "circle"))] if self.tiny else names.split(",")
        return read_datasets(RunConfig(datasets=tuple(asked), ties="file"), Host.discover())

    def say(self, text: str) -> None:
        """Tell the user how far the script is."""
        click.echo(text, err=True)


def measuring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options of every script. It is called with `options` in their place.

    It stands directly above the function, below options of the script's own.
    """

    def with_options(**values: Any) -> None:
        chosen = {field.name: values.pop(field.name) for field in fields(Options)}
        chosen["rounds"] = chosen["rounds"] or (1 if chosen["tiny"] else ROUNDS)
        chosen["out"] = chosen["out"] or (None if chosen["tiny"] else RESULTS)
        try:
            command(options=Options(**chosen), **values)
        except (PeerError, SideError) as error:
            raise click.ClickException(str(error)) from error

    with_options.__doc__ = command.__doc__
    return functools.reduce(lambda made, option: option(made), reversed(OPTIONS), with_options)


FOLDER = click.Path(path_type=Path, file_okay=False)
OPTIONS = (
    click.option("--tiny", is_flag=True, help="Tiny sizes, one round: does the script work?"),
    click.option("--rounds", type=click.IntRange(1), help=f"Runs of each side.  [default: {ROUNDS}]"),
    click.option("--out", type=FOLDER, help="Folder of the records.  [default: results/perf; with --tiny none]"),
    click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of each side."),
    click.option(
        "--peers", type=FOLDER, default=default_folder, help="Folder of the peers.  [default: in the cache]"
    ),
    click.option("--install/--no-install", default=True, show_default=True, help="Install peers that are missing."),
    click.option("--pip-args", default="", help="Arguments of pip for the peers, such as '--find-links FOLDER'."),
    click.option("--busy", is_flag=True, help="Record that other work runs on the machine."),
)
