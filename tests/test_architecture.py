"""Plugins see the contract only, and no plugin sees another; import-linter checks the rest of the layers."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(next(iter(importlib.util.find_spec("corecbench_plugins").submodule_search_locations)))
MODULES = sorted(ROOT.rglob("*.py"))


def imported(source, package):
    """Return the modules that a module of `package` imports, relative imports made absolute."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            whole_package = module in ("corecbench", "corecbench_plugins")
            found |= {f"{module}.{alias.name}" for alias in node.names} if whole_package else {module}
    return found


def faults(source, package):
    """Return what a module of the plugin package imports and must not."""
    own = ".".join(package.split(".")[:2])
    return {
        name
        for name in imported(source, package)
        if (name.split(".")[0] == "corecbench" and name not in ("corecbench.api", "corecbench.toolkit"))
        or (name.split(".")[0] == "corecbench_plugins" and not f"{name}.".startswith(f"{own}."))
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_imports_the_contract_its_tools_and_itself_only(path):
    package = ".".join(("corecbench_plugins", *path.relative_to(ROOT).parent.parts))
    assert faults(path.read_text(encoding="utf-8"), package) == set()


def test_the_plugins_are_there():
    assert {path.parent.name for path in MODULES} >= {"popularity", "recbole_models", "hf_llm", "sharing"}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import corecbench", "corecbench"),
        ("import corecbench.results.store as r", "corecbench.results.store"),
        ("from corecbench import python_api", "corecbench.python_api"),
        ("def f():\n    from corecbench.data.split import Split", "corecbench.data.split"),
        ("from corecbench_plugins import sharing", "corecbench_plugins.sharing"),
        ("from corecbench_plugins.sharing.store import Store", "corecbench_plugins.sharing.store"),
        ("from ..sharing import store", "corecbench_plugins.sharing"),
        ("from .. import sharing", "corecbench_plugins.sharing"),
    ],
)
def test_a_forbidden_import_is_found(source, fault):
    assert faults(source, "corecbench_plugins.popularity") == {fault}


@pytest.mark.parametrize(
    "source",
    [
        "from corecbench.api import hookimpl",
        "from corecbench import api",
        "from corecbench.toolkit import whitened",
        "from corecbench_plugins.popularity.counts import count",
        "from . import counts",
        "from .counts import count",
        "import torch",
    ],
)
def test_an_allowed_import_is_none(source):
    assert faults(source, "corecbench_plugins.popularity") == set()
