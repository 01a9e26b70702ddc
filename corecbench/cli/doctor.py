"""Examines this machine: what works, what is missing, and how to get it. It never fails on what is missing."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.experiment import process
from corecbench.experiment.number_formats import format_of
from corecbench.plugin.discovery import INSTALL, reason
from corecbench.toolkit import cache_folder
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.api import Component
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

LIBRARIES = ("torch", "recbole", "transformers", "peft", "accelerate", "gguf", "numpy", "pandas", "scipy", "pluggy")


def examine(host: Host) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "versions"
    yield f"  corecbench {__version__}, Python {platform.python_version()}, {platform.platform()}"
    for name in LIBRARIES:
        yield f"  {name} {version(name)}"
    yield "machine"
    yield from (f"  {line}" for line in machine())
    yield "plugins"
    for info in host.plugins():
        yield f"  {info}: {f'BROKEN, {info.error}' if info.error else 'ok'}"
    yield f"weights (cache: {cache_folder()})"
    yield from (f"  {line}" for line in available(host, "llms"))
    yield "data sets"
    yield from (f"  {line}" for line in available(host, "datasets"))


def version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"missing; install it by `{INSTALL.get(name, f'pip install {name}')}`"


def machine() -> Iterator[str]:
    """Yield processor and devices."""
    yield f"{os.cpu_count()} processors, {platform.machine()}"
    try:
        import torch
    except Exception as error:
        yield f"torch cannot be imported: {reason(error)}"
        return
    yield f"torch uses {torch.get_num_threads()} threads, instructions {torch.backends.cpu.get_cpu_capability()}"
    yield f"bfloat16 on the processor: {', '.join(process.bfloat16()) or 'not native, float32 is faster'}"
    yield f"number format that `auto` is on the processor: {number_format()}"
    if not torch.cuda.is_available():
        yield "no CUDA device"
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield f"cuda:{index} {properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def number_format() -> str:
    try:
        return format_of("auto", "cpu")
    except UsageError as error:
        return str(error)


def available(host: Host, kind: str) -> Iterator[str]:
    """Yield one line for each component of a kind: found, to be downloaded, or what is wrong."""
    for component, _ in host.list(kind):
        if is_open(component):
            yield f"{component.name}: not set, needs {component.name}:{str(component.argument).upper()}"
            continue
        try:
            selected = host.select(kind, component.name, {})
            needed = host.needs(selected, cache_folder())
            state = f"to download: {'; '.join(needed)}" if needed else found(host, selected)
        except Exception as error:
            state = reason(error)
        yield f"{component.name}: {state}"


def is_open(component: Component) -> bool:
    if component.argument is None or component.config is None:
        return False
    field = next(each for each in dataclasses.fields(component.config) if each.name == component.argument)
    return field.default in (dataclasses.MISSING, None, "") and field.default_factory is dataclasses.MISSING


def found(host: Host, selected: Selected) -> str:
    if selected.kind != "datasets":
        return "found"
    interactions = host.build(selected).interactions()
    return f"found, {len(interactions):,} interactions"
