"""Writes a new project with one component: a plugin of `templates` under another name, and its test."""

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
    "control": "run --models sasrec --llm llama --control {name}",
    "dataset": "run --datasets {name} --models sasrec",
    "metric": "report --metrics {name},NDCG@10",
    "reporter": "report --format {name}",
    "tracker": "run --models sasrec --llm llama --set run.trackers={name}",
}
"""Kind -> arguments of `corecbench` that use a component of this kind."""

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
"""Runs the checks of the contract for this {kind}. Write tests of its own behaviour below."""

from corecbench.testing import conformance

test_conformance = conformance("{name}", kind="{kind}")
'''

README = """\
# {name}

A {kind} plugin for corecbench, all of it in `{module}.py`.

    pip install -e '.[test]' && pytest
    corecbench check {name}
    corecbench {use}

`pytest` runs each check of the contract as a test, and `corecbench check` runs the same checks. corecbench finds
the plugin by the entry point in `pyproject.toml`. The plugin imports nothing of corecbench but `corecbench.api`.
"""


def write_project(name: str, kind: str, parent: Path) -> Path:
    """Write pyproject.toml, README.md, a module and its test into a new folder, and return the folder.

    Args:
        name: the name of component, project and folder, such as "my-model"; the module is `my_model`.
        kind: "model", "llm", "sharing", "control", "dataset", "metric", "reporter" or "tracker".
        parent: the folder in which the new folder is made.

    Raises:
        UsageError: the name is no package name or is taken, or the folder exists.
    """
    module = module_name(name)
    folder = parent / name
    values = {"name": name, "module": module, "kind": kind, "use": USES[kind].format(name=name)}
    files = {
        "pyproject.toml": PYPROJECT.format(**values),
        "README.md": README.format(**values),
        f"{module}.py": plugin_source(name, kind),
        f"test_{module}.py": TEST.format(**values),
    }
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UsageError(f"{folder} exists; choose another name, or another folder by --out") from None
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}") from error
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8", newline="\n")
    return folder


def module_name(name: str) -> str:
    """Return the name of the module of a plugin.

    >>> module_name("my-model")
    'my_model'

    Raises:
        UsageError: the name is no package name, or another package has it.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise UsageError(f"{name!r} is no name of a package; allowed are lower-case letters, digits, '-' and '_'")
    if module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None:
        raise UsageError(f"'{module}' is the name of a package that is there already; choose another name")
    return module


def plugin_source(name: str, kind: str) -> str:
    """Return the source of a plugin of this kind under this name."""
    template = importlib.resources.files(f"{__name__}.templates").joinpath(f"{kind}.py").read_text(encoding="utf-8")
    class_name = "".join(part.capitalize() for part in re.split("[_-]", name))
    # A name that ends with the ending of the class, such as "Metric", does not repeat it.
    (ending,) = set(re.findall(r"class Plugname(?!Config)(\w+)", template))
    source = template.replace(f"Plugname{ending}", class_name.removesuffix(ending) + ending)
    return source.replace("Plugname", class_name).replace("plugname", name)
