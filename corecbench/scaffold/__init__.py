"""Writes a project that offers one component: the plugin of `templates` under another name, and what it needs."""

from __future__ import annotations

import importlib.resources
import importlib.util
import keyword
import re
import sys
from typing import TYPE_CHECKING

from corecbench.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

USES = {
    "model": "run --models {name} --llm llama",
    "llm": "run --models sasrec --llm {name}",
    "sharing": "run --models sasrec --llm llama --sharing {name},none",
    "dataset": "run --datasets {name} --models sasrec",
    "metric": "report --metrics {name},NDCG@10",
    "reporter": "report --format {name}",
    "tracker": "run --models sasrec --llm llama --tracker {name}",
}
"""Kind -> how a component of it is used."""

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "A {kind} plugin for corecbench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["corecbench"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points.corecbench]
{name} = "{module}"

[tool.setuptools]
py-modules = ["{module}"]
"""

TEST = '''\
"""What every {kind} of corecbench must keep to; tests of what is special about this one stand beside it."""

from corecbench.testing import conformance

test_conformance = conformance("{name}", kind="{kind}")
'''

README = """\
# {name}

A {kind} plugin for corecbench, all of it in `{module}.py`.

    pip install -e '.[test]' && pytest
    corecbench check {name}
    corecbench {use}

Each check of the contract is a test, and `corecbench check` runs the same ones. The entry point in `pyproject.toml`
is how corecbench finds the plugin; of corecbench it imports `corecbench.api` only.
"""


def write_project(name: str, kind: str, parent: Path) -> Path:
    """Write pyproject.toml, README.md, a module and its test into a new folder, and return the folder.

    Args:
        name: of the component, the project and the folder, such as "my-model"; its module is `my_model`.
        kind: "model", "llm", "sharing", "dataset", "metric", "reporter" or "tracker".
        parent: where the folder is made.

    Raises:
        UsageError: the name cannot be that of a package, is taken, or the folder exists.
    """
    module = module_name(name)
    folder = parent / name
    words = {"name": name, "module": module, "kind": kind, "use": USES[kind].format(name=name)}
    files = {
        "pyproject.toml": PYPROJECT.format(**words),
        "README.md": README.format(**words),
        f"{module}.py": plugin(name, kind),
        f"test_{module}.py": TEST.format(**words),
    }
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UsageError(f"{folder} exists; choose another name, or another folder by --out") from None
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}") from error
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def module_name(name: str) -> str:
    """Return the name of a plugin's module.

    >>> module_name("my-model")
    'my_model'

    Raises:
        UsageError: it cannot be the name of a package, or is that of another one.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise UsageError(f"{name!r} is no name of a package; allowed are lower-case letters, digits, '-' and '_'")
    if module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None:
        raise UsageError(f"'{module}' is the name of a package that is there already; choose another one")
    return module


def plugin(name: str, kind: str) -> str:
    """Return the source of the plugin of a kind under this name."""
    template = importlib.resources.files(f"{__name__}.templates").joinpath(f"{kind}.py").read_text(encoding="utf-8")
    class_name = "".join(part.capitalize() for part in re.split("[_-]", name))
    ending = re.search(r"class Plugname(?!Config)(\w+)", template)[1]  # such as "Metric", which is not said twice
    source = template.replace(f"Plugname{ending}", class_name.removesuffix(ending) + ending)
    return source.replace("Plugname", class_name).replace("plugname", name)
