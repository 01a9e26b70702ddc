"""Completes components, settings and run files in a shell: `source <(_CORECBENCH_COMPLETE=... corecbench)`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from corecbench.plugin.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import click
    from click.shell_completion import CompletionItem

    from corecbench.api import Component

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def components(kinds: Iterable[str]) -> Iterator[Component]:
    from corecbench.plugin.host import Host

    host = Host.discover(strict=False)
    return (component for kind in kinds for component, _ in host.list(kind))


def complete(kinds: Iterable[str]) -> Complete:
    """Return what completes the last of several names with commas between them, each a component of these kinds.

    Behind a colon it is the argument of the component, if the field that it fills has `COMPLETED` in its metadata.
    """

    def items(context: click.Context, option: click.Parameter, given: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        before, comma, begun = given.rpartition(",")
        base, colon, _ = begun.partition(":")
        found: list[CompletionItem] = []
        for component in components(kinds):
            names = {component.name: component.summary}
            if colon and component.name == base:
                names = {f"{base}:{argument}": "" for argument in arguments(component)}
            found += [
                CompletionItem(f"{before}{comma}{name}", help=summary)
                for name, summary in names.items()
                if name.startswith(begun)
            ]
        return found

    return items


COMPLETED = "completed"
"""Key in the metadata of a field: the values that a shell offers for it."""


def arguments(component: Component) -> tuple[str, ...]:
    fields = dataclasses.fields(component.config) if component.config is not None else ()
    return next((each.metadata.get(COMPLETED, ()) for each in fields if each.name == component.argument), ())


complete_components = complete(KINDS)


def complete_settings(context: click.Context, option: click.Parameter, given: str) -> list[CompletionItem]:
    """Complete COMPONENT.KEY=, or run.KEY= for a setting of the run."""
    from click.shell_completion import CompletionItem

    from corecbench.settings.config import RUN, RunConfig

    owners: dict[str, type] = {each.name: each.config for each in components(KINDS) if each.config is not None}
    owners[RUN] = RunConfig
    owner, dot, begun = given.partition(".")
    if not dot:
        return [CompletionItem(f"{name}.", type="plain") for name in owners if name.startswith(owner)]
    fields = dataclasses.fields(owners[owner]) if owner in owners else ()
    return [CompletionItem(f"{owner}.{each.name}=") for each in fields if each.name.startswith(begun)]


def complete_run_files(context: click.Context, option: click.Parameter, given: str) -> list[CompletionItem]:
    """Complete the name of a run file that comes with corecbench, or else a file."""
    from click.shell_completion import CompletionItem

    from corecbench.settings import run_files

    packaged = run_files.packaged().items()
    names = [
        CompletionItem(name, help=run_files.summary(path)) for name, path in packaged if name.startswith(given)
    ]
    return names or [CompletionItem(given, type="file")]
