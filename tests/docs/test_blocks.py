"""The settings and commands that the pages show exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from corecbench.cli.main import main
from corecbench.settings.config import load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
    if "--8<--" not in block
]
COMMANDS = [
    pytest.param(command, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, command in enumerate(
        re.findall(r"(?:^ {4}|`)(corecbench .*?)(?:`|  #|$)", page.read_text("utf-8"), re.MULTILINE)
    )
]


def options_of(command: str) -> set[str]:
    """Return the options in a command that there are not.

    Raises:
        KeyError: there is no such verb.
    """
    verb, known = main, {"--plugin", "--no-plugin", "--traceback", "--help"}
    _, *words = shlex.split(command)
    for word in words:
        if isinstance(verb, click.Group) and not word.startswith("-"):
            verb = verb.commands[word]
    known |= {option for parameter in verb.params for option in parameter.opts}
    return {word for word in words if word.startswith("--")} - known


@pytest.mark.parametrize("block", SETTINGS)
def test_the_settings_of_a_page_are_those_of_a_run(host, tmp_path, block):
    (tmp_path / "tuned.toml").touch()  # which a block includes
    (tmp_path / "run.toml").write_text(block, encoding="utf-8")
    host.check_settings(load(tmp_path / "run.toml", {}, []))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_a_page_has_options_that_there_are(command):
    assert options_of(command) == set()


def test_an_option_and_a_verb_that_are_not_there_are_found():
    assert options_of("corecbench run --models sasrec --sharign none") == {"--sharign"}
    assert options_of("corecbench datasets info toy --json") == set()
    with pytest.raises(KeyError):
        options_of("corecbench rnu --models sasrec")


def test_pages_show_both():
    assert len(SETTINGS) >= 2
    assert len(COMMANDS) >= 10
