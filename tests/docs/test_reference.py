"""The reference has every public name of the contract."""

import inspect
import re
from pathlib import Path

import pytest

from corecbench import api

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")


def test_every_public_name_is_there_once():
    assert sorted(re.findall(r"^::: corecbench\.api\.(\w+)$", PAGE, flags=re.MULTILINE)) == sorted(api.__all__)


DOCUMENTED = [
    name for name in api.__all__ if inspect.isclass(getattr(api, name)) or inspect.isfunction(getattr(api, name))
]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_class_or_function_has_a_docstring_of_its_own(name):
    doc = getattr(api, name).__doc__
    assert doc
    assert not doc.startswith(f"{name}(")  # what dataclass writes where there is none
