"""Options that several verbs share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from corecbench.cli.completion import complete_run_files
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from corecbench.experiment.session import Steps
    from corecbench.plugin.host import Host
    from corecbench.results.choice import Choice

Command = TypeVar("Command", bound=Callable[..., Any])


TRACEBACK = "corecbench.traceback"


def _keep(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Remember that tracebacks are wanted, whether that was said before or after the verb."""
    if wanted:
        context.meta[TRACEBACK] = True


def wants_traceback() -> bool:
    """Return whether `--traceback` was given."""
    return TRACEBACK in click.get_current_context().meta


def common_options(command: Command) -> Command:
    """Add the options that are taken both before and after the verb."""
    for option in (
        click.option(
            "--traceback",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Show where an error came from.",
        ),
        click.option("--no-plugin", "blocked", multiple=True, metavar="NAME", help="Leave a plugin out."),
        click.option("--plugin", "files", multiple=True, metavar="FILE.py", help="Load a plugin from a file."),
    ):
        command = option(command)
    return command


TESTS = ("users-and-seeds", "t", "wilcoxon", "permutation", "bootstrap")
CORRECTIONS = ("holm", "hochberg", "bh", "none")


def statistics_options(command: Command) -> Command:
    """Add the options that say how rows are compared."""
    for option in (
        click.option(
            "--find",
            type=float,
            metavar="SHARE",
            help="Also show the users and seeds it takes to find a change of this share (80% power).",
        ),
        click.option(
            "--margin",
            default=0.05,
            show_default=True,
            metavar="SHARE",
            help="Rows that differ by less than this share of the mean are equivalent.",
        ),
        click.option(
            "--correction",
            type=click.Choice(CORRECTIONS),
            default="holm",
            show_default=True,
            help="Correction of the p values for the number of tests.",
        ),
        click.option(
            "--test",
            type=click.Choice(TESTS),
            default=TESTS[0],
            show_default=True,
            help="Test of a difference. All but the default speak of these trained models only.",
        ),
    ):
        command = option(command)
    return command


def results_folder(path: Path) -> Path:
    """Return a folder of results as it is, or that to which a bundle is unpacked until the verb ends."""
    from corecbench.results.bundle import opened

    return click.get_current_context().with_resource(opened(path))


def choice_options(command: Command) -> Command:
    """Add the options that choose between several settings of a cell; see `chosen_settings`."""
    for option in (
        click.option(
            "--pick",
            multiple=True,
            metavar="CELL=HASH",
            help="Take these settings of a cell where several are stored; repeatable.",
        ),
        click.option(
            "--latest", is_flag=True, help="Take the latest settings of each cell where several are stored."
        ),
    ):
        command = option(command)
    return command


def chosen_settings(latest: bool, pick: tuple[str, ...]) -> Choice:
    """Return what the options say that `choice_options` adds."""
    from corecbench.results.choice import choice_of, read_picks

    return choice_of(latest, read_picks(pick))


def one_cell(path: Path, latest: bool, pick: tuple[str, ...], seed: int | None = None) -> Path:
    """Return the folder of the cell that a path names, by the options that `choice_options` adds."""
    from corecbench.results.folders import cell_at

    return cell_at(path, chosen_settings(latest, pick), seed)


def say(text: str, err: bool = False) -> None:
    """Print text, which may hold what comes from anywhere, without characters that control a terminal."""
    click.echo(printable(text, kept="\n\t"), err=err)


@dataclass(frozen=True)
class Invocation:
    """Everything that the verbs are given beside their own options."""

    files: tuple[str, ...] = ()
    """Plugin files that were named before the verb."""
    blocked: tuple[str, ...] = ()
    """Plugins that were left out before the verb."""
    steps: Steps | None = None
    """How a run is planned and carried out; None for `corecbench.experiment.session.Steps()`."""


def invocation() -> Invocation:
    """Return what the present verb was given beside its own options."""
    given = click.get_current_context().find_root().obj
    return given if isinstance(given, Invocation) else Invocation()


def discover(files: tuple[str, ...], blocked: tuple[str, ...], strict: bool = True) -> Host:
    """Return the host with the plugin options from before and after the verb."""
    from corecbench.plugin.host import Host

    earlier = invocation()
    return Host.discover([Path(file) for file in earlier.files + files], earlier.blocked + blocked, strict)


def be_a_good_neighbour() -> None:
    """Let waiting threads sleep, before torch is imported: else a busy neighbour slows each step several times."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _use_data_dir(context: click.Context, option: click.Parameter, folder: str | None) -> None:
    """Put the data folder where `corecbench.toolkit.dataset_places` looks."""
    if folder is not None:
        os.environ["CORECBENCH_DATA"] = os.path.abspath(os.path.expanduser(folder))


data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    expose_value=False,
    callback=_use_data_dir,
    help="Folder of data sets, each in DIR/NAME.  [default: CORECBENCH_DATA, then what was fetched]",
)


max_history_option = click.option(
    "--max-history",
    type=int,
    metavar="N",
    help="Most recent items of a history that models see.  [default: 50]",
)

k_core_option = click.option(
    "--k-core", type=int, metavar="K", help="Leave out users and items with fewer interactions.  [default: 0]"
)

repeats_option = click.option(
    "--repeats", metavar="first|last|all", help="Which interaction of a repeated pair counts.  [default: first]"
)

ties_option = click.option(
    "--ties", metavar="random|file|exclude", help="What orders interactions of equal times.  [default: random]"
)

item_text_option = click.option(
    "--item-text",
    metavar="TEMPLATE",
    help="What the text of an item is made of, such as '{title}; {categories}'.  [default: {title}]",
)

device_option = click.option("--device", metavar="NAME", help="Device for training, such as cuda.  [default: cpu]")


def set_option(text: str = "Change one setting.") -> Callable[[Command], Command]:
    """Return the option that changes settings of components."""
    return click.option("--set", "sets", multiple=True, metavar="NAME.KEY=VALUE", help=text)


def config_option(text: str) -> Callable[[Command], Command]:
    """Return the option that names a run file."""
    return click.option("--config", metavar="FILE.toml|NAME", shell_complete=complete_run_files, help=text)


def one_cell_options(command: Command) -> Command:
    """Add the options that say which one is meant of the stored cells of a name; see `chosen_settings`, too."""
    for option in (
        click.option(
            "--benchmark", metavar="NAME", help="Benchmark of the cell.  [default: default, or the only one]"
        ),
        click.option("--seed", type=int, metavar="N", help="Seed of the cell.  [default: the lowest]"),
        click.option(
            "--dataset", metavar="NAME", help="Data set, by name or folder as it was run.  [default: the only one]"
        ),
    ):
        command = option(command)
    return choice_options(command)


results_option = click.option(
    "--results",
    default="results",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the results.",
)

format_option = click.option(
    "--format",
    "format_",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Format, such as markdown, latex, html, csv or json (`corecbench list reporters`).",
)
