import hashlib
import stat
import zipfile

import pytest

from corecbench.api import DataError
from corecbench.data.archive import sha256_of, unpack

WANTED = {".inter": "toy.inter", ".item": "toy.item"}
GOOD = {"Toy_Set.inter": b"events", "Toy_Set.item": b"things", "README.txt": b"read me"}


@pytest.fixture
def make_zip(tmp_path):
    """Write an archive: `make_zip({path: content}, kind=0)`; `kind` is the Unix type of the last entry."""

    def make(contents, kind=0, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "toy.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for number, (name, content) in enumerate(contents.items(), start=1):
                entry = zipfile.ZipInfo(name)
                entry.compress_type = compression
                if kind and number == len(contents):
                    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
                archive.writestr(entry, content)
        return path

    return make


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "out" / "toy"
    path.mkdir(parents=True)
    return path


def fault(archive, folder, max_bytes=1000):
    """The message of the error that unpacking ends in; nothing may have been written anywhere."""
    before = sorted(folder.parent.parent.rglob("*"))
    with pytest.raises(DataError) as error:
        unpack(archive, folder, WANTED, max_bytes)
    assert sorted(folder.parent.parent.rglob("*")) == before
    return str(error.value)


@pytest.mark.parametrize("prefix", ["", "Toy_Set/", "a/b/"])
def test_the_wanted_files_are_written_under_our_names_and_no_others(make_zip, folder, prefix):
    unpack(make_zip({prefix + name: content for name, content in GOOD.items()}), folder, WANTED, 1000)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "toy.inter": b"events",
        "toy.item": b"things",
    }
    assert sha256_of(folder / "toy.inter") == hashlib.sha256(b"events").hexdigest()


def test_hidden_files_and_those_of_macos_are_not_looked_at(make_zip, folder):
    extra = {"__MACOSX/._Toy_Set.inter": b"x", "._Toy_Set.item": b"x", ".git/a.item": b"x"}
    unpack(make_zip(GOOD | extra), folder, WANTED, 1000)
    assert (folder / "toy.item").read_bytes() == b"things"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../evil.inter", "leads out of the folder"),
        ("a/../../evil.txt", "leads out of the folder"),
        ("a\\..\\..\\evil.txt", "leads out of the folder"),
        ("..", "leads out of the folder"),
        ("/etc/evil", "has an absolute path"),
        ("\\\\server\\share\\evil", "has an absolute path"),
        ("C:\\evil", "has an absolute path"),
        ("c:evil", "has an absolute path"),
    ],
)
def test_an_archive_with_a_path_that_leads_out_is_refused_as_a_whole(make_zip, folder, path, reason):
    message = fault(make_zip(GOOD | {path: b"x"}), folder)
    assert message == f"toy.zip: entry {path!r} {reason}; nothing was unpacked"


@pytest.mark.parametrize(
    ("kind", "reason"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is no file"), (stat.S_IFCHR, "is no file")]
)
def test_an_archive_with_a_link_or_a_device_is_refused(make_zip, folder, kind, reason):
    message = fault(make_zip(GOOD | {"link": b"/etc/passwd"}, kind), folder)
    assert message == f"toy.zip: entry 'link' {reason}; nothing was unpacked"


def test_a_wanted_file_that_is_a_link_is_refused(make_zip, folder):
    archive = make_zip({"a.item": b"things", "a.inter": b"/etc/passwd"}, stat.S_IFLNK)
    assert "entry 'a.inter' is a link" in fault(archive, folder)


def test_an_archive_that_unpacks_to_too_much_is_refused(make_zip, folder):
    bomb = make_zip({"a.inter": b"0" * 60_000, "a.item": b"0" * 40_001})
    assert bomb.stat().st_size < 1_000
    assert fault(bomb, folder, max_bytes=100_000) == "toy.zip: 100,001 bytes unpacked, at most 100,000 are allowed"


def test_an_archive_that_lies_about_its_size_is_not_unpacked_beyond_it(make_zip, folder):
    archive = make_zip({"a.inter": b"0" * 60_000, "a.item": b"1"})
    data = archive.read_bytes()
    true, stated = (60_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert data.count(true) == 2
    archive.write_bytes(data.replace(true, stated))
    with pytest.raises(DataError, match="not a zip archive that can be read"):
        unpack(archive, folder, WANTED, 1_000)
    assert (folder / "toy.inter").stat().st_size <= 10


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"a.inter": b"x"}, "0 files with the suffix .item, 1 is needed; have: a.inter"),
        (
            {"a.inter": b"x", "b.inter": b"y", "a.item": b"z"},
            "2 files with the suffix .inter, 1 is needed; have: a.inter, b.inter",
        ),
        ({}, "0 files with the suffix .inter, 1 is needed; have: nothing"),
    ],
)
def test_a_wanted_file_that_is_missing_or_there_twice_is_named(make_zip, folder, contents, message):
    assert fault(make_zip(contents), folder) == f"toy.zip: {message}"


@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_a_damaged_archive_is_named(make_zip, folder, damage):
    archive = make_zip(GOOD, compression=zipfile.ZIP_STORED)
    data = archive.read_bytes()
    damaged = {"text": b"<html>", "cut": data[:-30], "flipped": data.replace(b"events", b"evints")}[damage]
    archive.write_bytes(damaged)
    with pytest.raises(DataError, match=r"^toy\.zip: not a zip archive that can be read: "):
        unpack(archive, folder, WANTED, 1_000)
