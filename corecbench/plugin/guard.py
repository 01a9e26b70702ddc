"""Names the component at fault, whatever the code of a plugin raises or changes."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any

from corecbench.api import CorecbenchError, PluginError
from corecbench.plugin.discovery import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


@contextlib.contextmanager
def guard(owner: str, hook: str) -> Iterator[None]:
    """Turn what is raised into a PluginError that names component (as `str(Selected)` does), version and hook.

    Errors that are meant for the user pass as they are, but for a PluginError without such names.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, CorecbenchError) and (error.named if isinstance(error, PluginError) else True):
            raise
        raise named_fault(f"{owner} failed in {hook}: {reason(error)}") from error


def named_fault(message: str) -> PluginError:
    fault = PluginError(message)
    fault.named = True
    return fault


@contextlib.contextmanager
def unchanged(given: dict[str, torch.Tensor | None]) -> Iterator[None]:
    """Make sure that tensors, by what each is called, are not changed in place in the context.

    Torch counts the changes of a tensor and of its views, and misses those made through `data` or numpy.

    Raises:
        PluginError: one was changed.
    """
    before = {name: n_changes(tensor) for name, tensor in given.items()}
    yield
    changed = [name for name, tensor in given.items() if n_changes(tensor) != before[name]]
    if changed:
        raise PluginError(f"it changed {changed[0]} in place, which it is only given to read; change a copy")


def n_changes(tensor: torch.Tensor | None) -> int:
    return 0 if tensor is None or tensor.is_inference() else tensor._version


class LackingError(PluginError, AttributeError):
    """A component lacks a method that it must have; `getattr` and `hasattr` take it as one that it may lack."""

    named = True


class Guarded:
    """A built component, each of whose methods is called under `guard`."""

    def __init__(self, built: Any, owner: str) -> None:
        self._built, self._owner = built, owner

    def __getattr__(self, name: str) -> Any:
        try:
            found = getattr(self._built, name)
        except AttributeError as error:
            if name.startswith("__") or hasattr(type(self._built), name):  # a property that fails is there
                raise
            raise LackingError(f"{self._owner} lacks method {name}") from error
        if not inspect.isroutine(found):
            return found

        @functools.wraps(found)
        def call(*args: Any, **options: Any) -> Any:
            with guard(self._owner, name):
                return found(*args, **options)

        return call


def owner_of(component: Any) -> str:
    return component._owner if isinstance(component, Guarded) else f"the {type(component).__name__}"
