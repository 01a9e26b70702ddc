"""Options that several verbs share.

Most are kept in click's context, before or after the verb alike. The functions below make of them what a verb
needs, and no verb hands them on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from corecbench.cli.completion import complete, complete_run_files, complete_settings

if TYPE_CHECKING:
    from corecbench.data.loaded import SplitDataset
    from corecbench.experiment.session import Steps
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig

Command = TypeVar("Command", bound=Callable[..., Any])
Config = TypeVar("Config")

OPTIONS, SETTINGS = "corecbench.options", "corecbench.settings"
"""Where the context keeps options, and those that are settings of the verb."""
OTHER = "Options"
"""The last heading of a help."""


# --- kinds of options ---------------------------------------------------------------------------------------------


def context_option(*names: str, place: str = OPTIONS, **how: Any) -> Callable[[Command], Command]:
    """Return an option that the context keeps.

    Args:
        *names: the spellings and, if need be, the name that it is kept under.
        place: which options it is kept among.
        **how: as for `click.option`.
    """

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is None or value == ():
            return
        found = context.meta.setdefault(place, {})
        earlier = found.get(parameter.name, ())
        found[parameter.name] = (*earlier, *value) if isinstance(value, tuple) else value

    if how.get("is_flag") or "/" in names[0]:
        how.setdefault("default", None)
    return click.option(*names, expose_value=False, callback=keep, **how)


def setting(*names: str, **how: Any) -> Callable[[Command], Command]:
    return context_option(*names, place=SETTINGS, **how)


def names_setting(*names: str, kind: str = "", metavar: str = "A,B", **how: Any) -> Callable[[Command], Command]:
    completed = complete([kind]) if kind else None
    return setting(*names, multiple=True, metavar=metavar, shell_complete=completed, **how)


def option_group(*options: Callable[[Command], Command], group: str = "") -> Callable[[Command], Command]:
    """Return a decorator that adds options in their order, under a heading of the help if one is given."""

    def add(command: Command) -> Command:
        n_known = len(getattr(command, "__click_params__", ()))
        for each in reversed(options):
            command = each(command)
        added = getattr(command, "__click_params__", [])[n_known:]
        for parameter in added if group else ():
            parameter.group = group
        return command

    return add


# --- verbs --------------------------------------------------------------------------------------------------------


def _use_data_dir(context: click.Context, parameter: click.Parameter, folder: str | None) -> None:
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

common_options = option_group(
    context_option("--plugin", "files", multiple=True, metavar="FILE.py", help="Load a plugin from a file."),
    context_option("--no-plugin", "blocked", multiple=True, metavar="NAME", help="Leave a plugin out."),
    data_dir_option,
    context_option("--traceback", is_flag=True, help="Show where an error came from."),
)
"""The options that are taken both before and after every verb."""


class Verb(click.Command):
    """A verb, whose help has its options under headings. It takes the options of all verbs, too."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        common = common_options(lambda: None).__click_params__  # type: ignore[attr-defined]
        for each in common:
            each.hidden = True
        self.params += reversed(common)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each heading."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(context):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
                groups.setdefault(getattr(parameter, "group", OTHER), []).append(record)
        for group in sorted(groups, key=OTHER.__eq__):
            with formatter.section(group):
                formatter.write_dl(groups[group])
        formatter.write_paragraph()
        formatter.write_text("All verbs take the options of corecbench --help, too.")


class VerbGroup(click.Group):
    """A group of verbs."""

    command_class = Verb


def verb(function: Callable[..., Any]) -> click.Command:
    return click.command(cls=Verb)(function)


def steps() -> Steps | None:
    given: Steps | None = click.get_current_context().obj
    return given


def option_value(name: str, default: Any = None, place: str = OPTIONS) -> Any:
    return click.get_current_context().meta.get(place, {}).get(name, default)


def wants_traceback() -> bool:
    return bool(option_value("traceback"))


def discover(strict: bool = True) -> Host:
    from corecbench.plugin.host import Host
    from corecbench.settings.run_files import plugins_of

    files = [*map(Path, option_value("files", ())), *plugins_of(option_value("config", ()))]
    return Host.discover(files, option_value("blocked", ()), strict)


def be_a_good_neighbour() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


# --- settings -----------------------------------------------------------------------------------------------------


def set_option(text: str = "Change one setting.") -> Callable[[Command], Command]:
    return context_option(
        *("--set", "sets"),
        multiple=True,
        metavar="NAME.KEY=VALUE",
        help=text,
        shell_complete=complete_settings,
    )


def config_option(text: str) -> Callable[[Command], Command]:
    return context_option(
        "--config",
        multiple=True,
        metavar="FILE.toml|NAME",
        shell_complete=complete_run_files,
        help=f"{text} Repeatable; a later one wins.",
    )


split_options = option_group(
    setting(
        "--split",
        metavar="leave-one-out|time",
        help="What is held out: each user's last items, or all after a cut (run.cut).  [default: leave-one-out]",
    ),
    setting(
        "--ties",
        metavar="random|file|exclude",
        help="What orders interactions of equal times.  [default: random]",
    ),
    group="Data",
)
"""How a data set is read and split."""

data_options = option_group(
    option_group(
        config_option("Run file whose settings of the data set hold; options win over it."),
        set_option("Change one setting, also of the split, such as run.k_core=5."),
        group="What",
    ),
    split_options,
)
"""Options of a verb that reads a data set, which must be those of the run that it is compared with."""

device_option = setting("--device", metavar="NAME", help="Device for training, such as cuda.  [default: cpu]")


def run_config(files: Sequence[str] = (), **values: Any) -> RunConfig:
    """Return the settings of a run: those given here and by options over those of run files, `--set` over both.

    The run files of the options win over those given here.
    """
    from corecbench.api import UsageError
    from corecbench.settings.config import load

    options = click.get_current_context().meta.get(SETTINGS, {})
    if re.fullmatch("[1-9][0-9]{0,2}", n := str(options.get("seeds", ""))):
        several = "one seed (write 0)" if n == "1" else f"{n} seeds (write 0-{int(n) - 1})"
        raise UsageError(f"--seeds {n} could be {several} or seed number {n} (write {n}-{n})")
    return load([*files, *option_value("config", ())], {**values, **options}, option_value("sets", ()))


def read_data(host: Host, dataset: str, **values: Any) -> tuple[RunConfig, SplitDataset]:
    """Return the settings of a run on one data set, and the data set as that run reads it.

    Raises:
        UsageError: the data set has several windows, and none of them is chosen.
    """
    from corecbench.api import UsageError
    from corecbench.data.loaded import read_datasets

    settings = run_config(datasets=[dataset], **values)
    host.check_settings(settings)
    data, *others = read_datasets(settings, host)
    if others:
        raise UsageError(
            f"run.windows is {settings.windows}, and this is done for one; choose it by --set run.window=1 to "
            f"{settings.windows}"
        )
    return settings, data


def verb_config(config: type[Config]) -> Config:
    """Return the settings of a verb, from its options and `--set VERB.KEY=VALUE`.

    Raises:
        UsageError: there is no such setting, or a value does not fit.
    """
    from corecbench.settings.configure import configure, unknown
    from corecbench.settings.values import names, parse_sets

    context = click.get_current_context()
    owner, sets = str(context.info_name), parse_sets(option_value("sets", ()))
    for other in set(sets) - {owner}:
        raise unknown("owner of settings", other, [owner])
    values = {**context.meta.get(SETTINGS, {}), **sets.get(owner, {})}
    lists = {field.name for field in fields(config) if isinstance(field.default, tuple)}  # type: ignore[arg-type]
    return configure(config, {key: names(each) if key in lists else each for key, each in values.items()}, owner)
