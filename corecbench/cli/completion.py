"""Completes names of components and run files in a shell, after `source <(_CORECBENCH_COMPLETE=... corecbench)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.plugin.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click
    from click.shell_completion import CompletionItem

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete(kinds: Iterable[str]) -> Complete:
    """Return what completes the last of several names with commas between them, each a component of these kinds."""

    def items(context: click.Context, option: click.Parameter, given: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from corecbench.plugin.host import Host

        before, comma, begun = given.rpartition(",")
        host = Host.discover(strict=False)
        return [
            CompletionItem(f"{before}{comma}{component.name}", help=component.summary)
            for kind in kinds
            for component, _ in host.list(kind)
            if component.name.startswith(begun)
        ]

    return items


complete_components = complete(KINDS)


def complete_run_files(context: click.Context, option: click.Parameter, given: str) -> list[CompletionItem]:
    """Complete the name of a run file that comes with corecbench, or else a file."""
    from click.shell_completion import CompletionItem

    from corecbench.settings import run_files

    packaged = run_files.packaged().items()
    names = [
        CompletionItem(name, help=run_files.summary(path)) for name, path in packaged if name.startswith(given)
    ]
    return names or [CompletionItem(given, type="file")]
