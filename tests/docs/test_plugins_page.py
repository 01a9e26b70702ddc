"""Every hook has its entry in docs/plugins.md, with its exact arguments, and a test that calls it.

The tables of the page have the fields of the classes of `corecbench.api`, each with its type.
"""

import ast
import dataclasses
import inspect
import re
import types
import typing
from pathlib import Path

import pytest

from corecbench.api import CellFacts, CellResult, Component, EpochRecord, ImportRecord, SideRecord
from corecbench.api.models import RowSide, Side
from corecbench.plugin import spec as hookspecs
from corecbench.plugin.kinds import KINDS

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


# --- the dictionaries that hooks are given ------------------------------------------------------------------------

NAMES = {Side: "Side", RowSide: "RowSide", types.NoneType: "None"}


def words(hint: object) -> str:
    """Return a type as the page writes it."""
    if hint in NAMES:
        return NAMES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.NotRequired:
        return words(*arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(words, arguments))
    if origin is typing.Literal:
        return " or ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in arguments)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(words, arguments))}]"
    return hint.__name__


def fields(record: type) -> dict[str, str]:
    """Return key -> type of a TypedDict as the page writes them."""
    return {
        key: words(hint) + ("; may be absent" if key in record.__optional_keys__ else "")
        for key, hint in typing.get_type_hints(record, include_extras=True).items()
    }


def shown(record: type) -> dict[str, str]:
    """Return key -> type of the page's table of a TypedDict."""
    table = re.search(rf"^\| `{record.__name__}` \| type \|.*\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    assert table, f"no table of {record.__name__}"
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \| .*\|$", table[1], flags=re.MULTILINE))


@pytest.mark.parametrize(
    "record", [CellFacts, EpochRecord, CellResult, SideRecord, ImportRecord], ids=lambda each: each.__name__
)
def test_a_table_has_the_keys_and_types_of_the_dictionary(record):
    assert shown(record) == fields(record)


class Toy(typing.TypedDict):
    side: Side
    count: int | None
    status: typing.Literal["ok", 1]
    rows: typing.NotRequired[dict[RowSide, str | None]]


def test_types_are_written_in_words():
    assert fields(Toy) == {
        "side": "Side",
        "count": "int or None",
        "status": '"ok" or 1',
        "rows": "dict[RowSide, str or None]; may be absent",
    }


# --- the classes of components ------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", [kind.component for kind in KINDS.values()], ids=lambda each: each.__name__)
def test_the_fields_of_a_class_of_components_are_named(component):
    row = re.search(rf"^\| \[`{component.__name__}`\].*$", PAGE, flags=re.MULTILINE)
    assert row, f"no row of {component.__name__}"
    common = {field.name for field in dataclasses.fields(Component)}
    own = [field.name for field in dataclasses.fields(component) if field.name not in common]
    assert re.findall(r"`(\w+)`", row[0].rpartition("|")[0].rpartition("|")[2]) == own


def test_what_all_components_have_is_named():
    (sentence,) = re.findall(r"All of them take (.*?), which", PAGE, flags=re.DOTALL)
    assert re.findall(r"`(\w+)`", sentence) == [field.name for field in dataclasses.fields(Component)]
