"""The verbs for authors of plugins: check one, begin one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.api import DataError, UsageError
from corecbench.cli.options import (
    Verb,
    be_a_good_neighbour,
    config_option,
    discover,
    option_value,
    read_data,
    run_config,
    set_option,
    wants_traceback,
)
from corecbench.cli.saying import say
from corecbench.plugin.kinds import WORDS
from corecbench.settings.config import RUN
from corecbench.settings.values import parse_sets
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

FAILED = 1
STATUSES = ("ok", "failed", "not applicable")


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(sorted(WORDS)), help="Kind of the component, where several kinds have the name."
)
@click.option(
    "--dataset",
    metavar="NAME",
    help="Check it on 200 users of this data set, where it is bound to one.  [default: toy data]",
)
@config_option("Run file with settings of the component and of the data set.")
@set_option()
def check(name: str, kind: str | None, dataset: str | None) -> int:
    """Check that a component keeps the contract.

    Each check prints one line.

    NAME is written as for a run, such as sasrec, llama:PATH, HR@10 or a folder of atomic files. The component is an
    installed one or that of a file (--plugin FILE.py). Models and LLMs are trained on toy data, for a moment unless
    --set says for how long.
    """
    be_a_good_neighbour()
    from corecbench.testing.kit import checks

    host = discover()
    data = read_data(host, dataset)[1] if dataset else None
    selected = chosen(host, name, kind, data.selected.name if data else None)
    say(str(selected))
    say(*(f"to download: {line}" for line in host.needs(selected, cache_folder())), err=True)
    counts: Counter[str] = Counter()
    for one in checks(host, selected, data.dataset if data else None):
        outcome = one.outcome()
        if data is None and isinstance(outcome.error, DataError):
            remedy = f"to check {selected.name} on the items of a data set instead of toy data, add --dataset NAME"
            raise UsageError(f"{outcome.error}; {remedy}")
        counts[outcome.status] += 1
        say(f"{outcome.status:15} {outcome.name}{f': {outcome.reason}' if outcome.reason else ''}")
        if outcome.error is not None and wants_traceback():
            import traceback

            say("".join(traceback.format_exception(outcome.error)), err=True)
    say(", ".join(f"{counts[status]} {status}" for status in STATUSES))
    return FAILED if counts["failed"] else 0


def chosen(host: Host, name: str, kind: str | None, source: str | None = None) -> Selected:
    """Return the component that is checked, with its settings; others may be of the source of the data set.

    Raises:
        UsageError: there is no such component, or a setting that it does not have.
    """
    from corecbench.testing.kit import component_of, find, select

    found = find(host, name, kind)
    component = component_of(host, found, name)
    others = parse_sets(option_value("sets", ())).keys() - {component.name, source, RUN}
    if others:
        names = ", ".join(sorted(others))
        raise UsageError(f"--set is of {names}, which is not checked; use {component.name}.KEY=VALUE")
    return select(host, found, name, run_config().settings.get(component.name, {}))


@click.command(cls=Verb, name="new-plugin")
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(sorted(WORDS)), help="Kind of component that it offers.")
@click.option(
    "--out",
    default=".",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder in which its own is made.",
)
def new_plugin(name: str, kind: str, out: Path) -> None:
    """Begin a plugin project.

    It offers one component and passes its checks.

    NAME is what the component, its project and the folder are called: lower-case letters, digits, '-' and '_'.
    """
    from corecbench.scaffold import write_project

    host = discover(strict=False)
    if name in {component.name for component, _ in host.list(WORDS[kind])}:
        raise UsageError(f"there is a {kind} '{name}' already; choose another name")
    folder = write_project(name, kind, out)
    say(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    say(f"next: cd {folder} && pip install -e '.[test]' && pytest")
