"""How a plugin offers its components."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.api.sources import Download

PROJECT = "corecbench"
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""


@dataclass(frozen=True)
class Component:
    """One thing that a plugin offers. It is listed without being built."""

    name: str
    build: str | Callable[..., Any]
    """A callable or "module:attribute", loaded only when the component is used. It is called as
    `build(config, setup, ids)` for domain models, `build(config, setup, ids_or_None)` for LLMs,
    `build(config, setup)` for sharing modules, `build(config)` for data sets, metrics, reporters and trackers."""
    config: type | None = None
    """A frozen dataclass: the settings with their types and defaults; None if there are none."""
    summary: str = ""
    paper: str = ""
    """Authors or method, year, DOI or arXiv id."""
    argument: str | None = None
    """The setting that NAME:VALUE (or NAME@VALUE) fills on the command line."""
    joint: bool | str | Callable[[Any], bool] = True
    """False for a domain model that reads no ids and cannot be trained together with an LLM. Where that depends on
    the settings, `joint(config) -> bool` (or "module:attribute" of it), which must not import heavy libraries."""
    shares: bool = True
    """False for a sharing module under which nothing is shared: a control itself, it has no further controls."""
    combines: bool = False
    """True for a sharing module with `combine`: a pair under it has a third row, `ensemble`."""
    untrained: bool = False
    """True for an LLM that heeds `Setup.untrained_llm`; another one gets no such control."""
    needs: str | Callable[..., Any] | None = None
    """`needs(config, cache) -> list[str]` (or "module:attribute" of it) names what would be downloaded, one line
    each; it must not import heavy libraries."""
    download: Download | None = None
    """Where `corecbench datasets fetch NAME` gets a data set; None for one that needs no download."""


def resolve(reference: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return a callable, importing it first when it is given as "module:attribute"."""
    if not isinstance(reference, str):
        return reference
    module, _, attribute = reference.partition(":")
    resolved: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return resolved
