"""Where plugins come from: entry points of installed distributions, and loose files. Nothing is loaded here yet."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from corecbench.api import PROJECT, CorecbenchError, UsageError
from corecbench.plugin.own_modules import checksum, files_of
from corecbench.toolkit import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSTALL = {
    "recbole": "pip install --no-deps recbole==1.2.1",
    **{name: f"pip install {name}" for name in ("accelerate", "gguf", "peft", "torch", "transformers")},
}
"""Import package -> the command that gets it. RecBole pins an old Ray, which has no wheel for Python 3.12 and
later. Its model classes never import Ray; what they do import is among our own requirements."""


@dataclass(frozen=True)
class Origin:
    """A plugin that can be loaded."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]


def installed() -> list[Origin]:
    """Return the plugins that installed distributions register, our own first."""
    found: dict[str, list[Origin]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, ValueError):  # unreadable, so no plugin of ours can be named
            continue
        if f"[{PROJECT}]" in re.sub(r"\s", "", text):
            name = distribution_name(distribution)
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), entry_points(distribution, name))
    origins = [origin for plugins in found.values() for origin in plugins]
    return sorted(origins, key=lambda origin: (origin.distribution != PROJECT, origin.distribution, origin.name))


def distribution_name(distribution: importlib.metadata.Distribution) -> str:
    try:
        return str(distribution.metadata["Name"])
    except Exception:
        return "a damaged distribution"


def entry_points(distribution: importlib.metadata.Distribution, name: str) -> list[Origin]:
    try:
        version = str(distribution.version)
        ours = [point for point in distribution.entry_points if point.group == PROJECT]
    except Exception as error:
        return [Origin(name, name, "", functools.partial(fail, error))]
    return [Origin(point.name, name, version + edited(distribution, point), point.load) for point in ours]


def edited(distribution: importlib.metadata.Distribution, point: importlib.metadata.EntryPoint) -> str:
    """Return what tells the present code of an editable installation, whose version stays; "" for another one."""
    try:
        where = json.loads(distribution.read_text("direct_url.json") or "{}")
        if not where.get("dir_info", {}).get("editable") or distribution_name(distribution) == PROJECT:
            return ""
        top = importlib.util.find_spec(point.module.partition(".")[0])
        origin = Path(str(top and top.origin))
        root = origin.parents[1] if top and top.submodule_search_locations else origin.parent
        return f"+sha256:{checksum([*files_of(root, point.module), origin][-1], root)}"
    except (OSError, ValueError, AttributeError, IndexError):  # loading it will say
        return ""


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Let a plugin that ends the process while it is loaded or asked be one that raised SystemExit."""

    def leave(status: int) -> NoReturn:
        raise SystemExit(f"it ends the process by os._exit({status})")

    before = os._exit
    os._exit = leave
    try:
        yield
    finally:
        os._exit = before


def fail(error: Exception) -> NoReturn:
    raise error


def loose_file(path: Path) -> Origin:
    """Return the plugin in a Python file, named like the file.

    Its version is a checksum of the file and of the modules in its folder that it imports.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    if path.suffix != ".py":
        raise UsageError(f"plugin file {path} must end in .py")
    try:
        version = f"sha256:{checksum(ordinary_file(path), path.parent)}"
    except OSError as error:
        raise UsageError(f"cannot read plugin file {path}: {error.strerror}") from error
    return Origin(path.stem, str(path), version, functools.partial(load_file, path))


class Compiled(importlib.machinery.SourceFileLoader):
    """Compiles a file at each loading: bytecode beside it may be of a text that was replaced within a second."""

    def path_stats(self, path: str) -> NoReturn:
        raise OSError(path)


def load_file(path: Path) -> object:
    """Import a file under a name of its own, so that it shadows nothing."""
    place = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = re.sub(r"\W", "_", f"{PROJECT}_file_{place}_{path.stem}")
    spec = importlib.util.spec_from_file_location(name, path, loader=Compiled(name, str(path)))
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load plugin file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if not isinstance(error, CorecbenchError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    missing = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    return f"{text}; install it by `{INSTALL[missing]}`" if missing in INSTALL else text
