"""The page about controls names all of them, and its example runs."""

import re
from pathlib import Path

import pytest

from corecbench.plugin.host import Host
from corecbench.testing.kit import checks, select

PAGE = (Path(__file__).parents[2] / "docs" / "controls.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def example(loose_file):
    """Write the example to a file of its own."""
    return loose_file("first_words", EXAMPLE)


def test_the_table_has_every_control_and_says_how_it_differs(host):
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE, flags=re.MULTILINE))
    ours = {component.name: component.summary for component, info in host.list("controls")}
    assert rows.keys() == ours.keys()
    assert rows["ciphered-texts"] == ours["ciphered-texts"]


def test_the_example_keeps_the_contract(example):
    host = Host.discover([example])
    outcomes = [check.outcome() for check in checks(host, select(host, "controls", "no-first-words", {}))]
    assert {outcome.status for outcome in outcomes} == {"ok", "not applicable"}


def test_the_example_is_a_row_of_a_run_with_its_settings(example, bench, tiny_llama, quick):
    llm = f"llama:{tiny_llama}"
    settings = quick | {"no-first-words": {"words": 2}}
    *_, record = bench([example], models=("sasrec",), llms=(llm,), controls=("no-first-words",), settings=settings)
    assert (record["cell"]["control"], record["error"]) == ("no-first-words", None)
    assert record["settings"]["no-first-words"] == {"words": 2}
    assert record["plugins"]["no-first-words"]["version"].startswith("sha256:")
