"""Every hook has its entry in docs/plugins.md, with its exact arguments, and a test that calls it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from corecbench.plugin import spec as hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("corecbench_")}
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### `((\w+)\(.*)`$", PAGE, flags=re.MULTILINE))
TESTS = ast.parse((ROOT / "tests" / "plugin" / "test_spec.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_with_its_arguments_and_what_it_returns(name):
    signature = f"{name}{inspect.signature(HOOKS[name])}".replace("'", "")
    assert f"### `{signature}`\n" in PAGE


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test_of_its_own(name):
    functions = [node.name for node in TESTS.body if isinstance(node, ast.FunctionDef)]
    assert any(function.startswith(f"test_{name}_") for function in functions), f"test_{name}_... is missing"


def test_the_page_has_no_hook_that_does_not_exist():
    assert set(ENTRIES.values()) == set(HOOKS)


def test_the_page_has_the_hooks_in_the_order_of_their_specifications():
    assert list(ENTRIES.values()) == list(HOOKS)
