"""The reference has every public name of the contract."""

import inspect
import re
from pathlib import Path

import pytest

from corecbench import api, toolkit

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")


def public(module):
    return [name for name, value in vars(module).items() if name[0] != "_" and not inspect.ismodule(value)]


@pytest.mark.parametrize("module", [api, toolkit], ids=lambda module: module.__name__)
def test_every_public_name_is_there_once(module):
    name = module.__name__.replace(".", r"\.")
    assert sorted(re.findall(rf"^- \[`{name}\.(\w+)`\]", PAGE, flags=re.MULTILINE)) == sorted(public(module))


DOCUMENTED = [
    getattr(module, name)
    for module in (api, toolkit)
    for name in public(module)
    if inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name))
]


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda documented: documented.__name__)
def test_a_class_or_function_has_a_docstring_of_its_own(documented):
    assert documented.__doc__
    assert not documented.__doc__.startswith(f"{documented.__name__}(")  # what dataclass writes where there is none
