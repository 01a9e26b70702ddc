"""Which modules a plugin's source imports from its own folder: a change of any of them is another version."""

from __future__ import annotations

import ast
import hashlib
import os
import re
from typing import TYPE_CHECKING

from corecbench.api import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = re.compile(r"(\w+(?:\.\w+)*)(?::\w+(?:\.\w+)*)?")
"""A module, or an attribute of it as `build` has it: "module:attribute"."""


def checksum(start: Path, root: Path) -> str:
    """Return 12 hexadecimal digits of a file and of all modules below `root` that it imports, in any depth.

    Raises:
        OSError: a file cannot be read.
    """
    found = own_modules(start, root)
    first = hashlib.sha256(start.read_bytes())
    if found == [start]:
        return first.hexdigest()[:12]
    for path in found:
        first.update(f"\0{path.relative_to(root).as_posix()}\0".encode(errors="surrogateescape"))
        first.update(hashlib.sha256(path.read_bytes()).digest())
    return first.hexdigest()[:12]


def own_modules(start: Path, root: Path) -> list[Path]:
    """Return a file and the modules below `root` that it imports, also inside functions and by name, sorted."""
    found, left = {start}, [start]
    while left:
        path = left.pop()
        for folder, name in imports(path, root):
            new = set(files_of(folder, name)) - found
            found |= new
            left += new
    return sorted(found)


def imports(path: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folder and the dotted name of whatever a file may import from there."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # which importing it will say
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((root, alias.name) for alias in node.names)
            case ast.ImportFrom():
                folder = [path, *path.parents][node.level] if node.level else root
                begin = f"{node.module}." if node.module else ""
                yield from ((folder, begin + alias.name) for alias in node.names)
            case ast.Constant(value=str(text)) if match := NAME.fullmatch(text):
                yield root, match[1]


def files_of(folder: Path, name: str) -> Iterator[Path]:
    parts = name.split(".")
    if parts[0] in (PROJECT, f"{PROJECT}_plugins"):  # whose algorithms have numbers
        return
    for part in parts:
        folder = folder / part
        candidates = folder.with_name(f"{part}.py"), folder / "__init__.py"
        yield from (path for path in candidates if os.path.isfile(path))  # False, too, for a name that is too long
