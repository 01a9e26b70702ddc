"""The examples in docstrings, of the installed packages under the names that they are imported by."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("corecbench", "corecbench_plugins")


def modules():
    """Yield the names of all modules with examples."""
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            source = module.module_finder.find_spec(module.name).loader.get_source(module.name)
            if ">>> " in source:
                yield module.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_examples_of_both_packages_are_found():
    assert {name.split(".")[0] for name in modules()} == set(PACKAGES)
