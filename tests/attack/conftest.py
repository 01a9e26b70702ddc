"""Fixtures for attacks: a model folder that a test may damage."""

import json
import shutil
import time

import pytest

from corecbench.api import UsageError


@pytest.fixture
def folder(tiny_llama, tmp_path):
    """A copy of the tiny Llama."""
    return shutil.copytree(tiny_llama, tmp_path / "model")


@pytest.fixture
def change_json(folder):
    """Change settings in a JSON file of the folder: `change_json("config.json", hidden_size=9)`."""

    def change(name, **settings):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))

    return change


@pytest.fixture
def refused():
    """Call something that must raise a UsageError of one line within seconds, and return the line."""

    def call(function, *arguments, seconds=10):
        clock = time.process_time()
        with pytest.raises(UsageError) as caught:
            function(*arguments)
        assert time.process_time() - clock < seconds
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return call
