"""Names the component at fault, whatever the code of a plugin raises."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any

from corecbench.api import CorecbenchError, PluginError
from corecbench.plugin.discovery import reason

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def guard(owner: str, hook: str) -> Iterator[None]:
    """Turn what is raised into a PluginError that names component, plugin, distribution, version and hook.

    Errors that are meant for the user pass as they are, but for a PluginError without such names.

    Args:
        owner: the component, as `str(Selected)` names it.
        hook: what was called, such as "states".
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, CorecbenchError) and (error.named if isinstance(error, PluginError) else True):
            raise
        raise named_fault(f"{owner} failed in {hook}: {reason(error)}") from error


def named_fault(message: str) -> PluginError:
    """Return an error whose message names the component at fault already."""
    fault = PluginError(message)
    fault.named = True
    return fault


class Guarded:
    """A built component, each of whose methods is called under `guard`."""

    def __init__(self, built: Any, owner: str) -> None:
        self._built, self._owner = built, owner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._built, name)
        if not inspect.isroutine(found):
            return found

        @functools.wraps(found)
        def call(*args: Any, **options: Any) -> Any:
            with guard(self._owner, name):
                return found(*args, **options)

        return call


def owner_of(component: Any) -> str:
    """Return how a component is named in errors."""
    return component._owner if isinstance(component, Guarded) else f"the {type(component).__name__}"
