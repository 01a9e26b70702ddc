import json
import os

import pytest

from corecbench.api import PROJECT
from corecbench.plugin.discovery import installed, loose_file
from corecbench.plugin.own_modules import own_modules

PLUGIN = """
import os
import helper
import pack.inner
from corecbench.api import hookimpl

def build():
    from later import value

BUILD = "by_name:build"
"""
FILES = {
    "mine.py": PLUGIN,
    "helper.py": "import deeper",
    "deeper.py": "import helper",
    "later.py": "",
    "by_name.py": "",
    "pack/__init__.py": "",
    "pack/inner.py": "from .beside import a\nfrom . import alike\nfrom .. import nothing",
    "pack/beside.py": "",
    "pack/alike.py": "",
    "stranger.py": "",
    "corecbench/api.py": "",
    "os/data.py": "",
}
IMPORTED = [name for name in FILES if name not in ("mine.py", "stranger.py", "corecbench/api.py", "os/data.py")]


@pytest.fixture
def plugin(tmp_path):
    """A plugin file and what it imports."""
    for name, source in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return tmp_path / "mine.py"


def test_all_modules_of_its_own_folder_that_a_plugin_imports_are_found(plugin):
    found = own_modules(plugin, plugin.parent)
    assert {path.relative_to(plugin.parent).as_posix() for path in found} == {"mine.py", *IMPORTED}


@pytest.mark.parametrize("name", ["mine.py", *IMPORTED])
def test_a_change_of_any_of_them_is_another_version(plugin, name):
    before = loose_file(plugin).version
    path = plugin.parent / name
    path.write_text(path.read_text() + "\nx = 1")
    assert loose_file(plugin).version != before


def test_what_it_does_not_import_changes_nothing(plugin):
    before = loose_file(plugin).version
    (plugin.parent / "stranger.py").write_text("x = 1")
    assert loose_file(plugin).version == before


def test_a_file_that_stands_alone_keeps_the_checksum_of_its_contents(tmp_path):
    (tmp_path / "one.py").write_bytes(b"abc")
    assert loose_file(tmp_path / "one.py").version == "sha256:ba7816bf8f01"


def test_a_text_too_long_for_the_name_of_a_file_is_no_module(tmp_path):
    (file := tmp_path / "mine.py").write_text(f'KEY = "{"ab" * 200}"')
    assert own_modules(file, tmp_path) == [file]


def test_a_pipe_beside_a_plugin_is_not_read(plugin):
    (plugin.parent / "helper.py").unlink()
    os.mkfifo(plugin.parent / "helper.py")
    assert loose_file(plugin).version


def test_the_code_of_an_editable_installation_is_part_of_its_version(distribution, tmp_path):
    def version():
        (found,) = [origin.version for origin in installed() if origin.name == "third"]
        return found

    distribution("third", "import third_helper")
    helper = tmp_path / "site/third_helper.py"
    helper.write_text("")
    assert version() == "1.2"
    record = tmp_path / "site/third-1.2.dist-info/direct_url.json"
    record.write_text(json.dumps({"url": "file:///", "dir_info": {"editable": True}}))
    before = version()
    assert before.startswith("1.2+sha256:")
    helper.write_text("x = 1")
    assert version() != before


def test_the_version_of_this_project_has_no_checksum():
    assert not [origin for origin in installed() if origin.distribution == PROJECT and "+" in origin.version]
