"""The tutorial's code is what is run here, and its outputs are what that prints."""

import doctest
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from corecbench.plugin.host import Host
from corecbench.testing.kit import checks, select

DOCS = Path(__file__).parents[2] / "docs"
sessions = SimpleNamespace(**runpy.run_path(str(DOCS / "examples" / "sessions.py")))


@pytest.fixture(autouse=True)
def _folder_of_a_reader(tmp_path, monkeypatch, cache):
    sessions.copy_examples(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))


def masked(text: str) -> str:
    """Return an output without numbers, their marks, and the length of lines."""
    return re.sub("-{2,}", "--", re.sub(r"(#[12] |(?<!\w)[+-])?\.?\d[\d.]*", "0", text.replace("*", "")))


def alike(shown: str, printed: str) -> bool:
    """Whether two outputs are equal but for numbers, which another processor may change; "..." is any text."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(masked(shown), masked(printed), options)


def test_commands_print_what_the_tutorial_shows():
    """Run them in one test, in the reader's order, since a later one needs what an earlier one made."""
    for session in sessions.SESSIONS:
        shown = session.read_text(encoding="utf-8").partition("\n")[2]
        printed = sessions.run(sessions.command_of(session))
        assert alike(shown, printed), f"{printed}\nif that is right: python docs/examples/sessions.py"


def test_only_numbers_may_differ():
    assert alike("average  #1 .1166  -5.5%\n---\n...\n", "average  #2 .09   +1.25%*\n-----\nProtocol: x\n")
    assert not alike("average  ok", "average  failed")
    assert not alike("1 ok, 1 failed", "1 ok, 1 failed, 1 not applicable")


def test_each_session_and_example_stands_in_the_tutorial():
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    shown = {name.split(":")[0] for name in re.findall('--8<-- "examples/(.*)"', text)}
    files = {path.relative_to(DOCS / "examples").as_posix() for path in (DOCS / "examples").rglob("*.[pt][yxo]*")}
    assert shown == {name for name in files if "__pycache__" not in name} - {"sessions.py"}


def test_the_tests_of_the_tutorial_are_those_of_the_kit():
    found = runpy.run_path("test_mine.py")
    for name in ("test_average", "test_tied"):
        (mark,) = found[name].pytestmark
        assert {"settings survive json", "the same seed gives the same states"} <= {
            check.name for check in mark.args[1]
        }


def test_the_control_of_the_tutorial_keeps_the_contract():
    host = Host.discover([Path("colours.py")])
    outcomes = [check.outcome() for check in checks(host, select(host, "controls", "no-colours", {}))]
    assert {outcome.status for outcome in outcomes} == {"ok", "not applicable"}
