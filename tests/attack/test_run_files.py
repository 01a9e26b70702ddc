"""Run files that are meant to take all time or memory: one line, exit code 2, within seconds."""

import os
import time

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.settings.config import load
from corecbench.settings.run_files import MOST_FILES

LIMIT_S = 10.0


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Plan a run with a run file and further arguments, and return the line of the error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, file="run.toml"):
        clock = time.process_time()
        result = CliRunner().invoke(
            main, ["run", "--plan", "--no-references", "--models", "popularity", "--config", file, *arguments]
        )
        assert time.process_time() - clock < LIMIT_S
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert len(result.stderr) < 5000
        return result.stderr

    return run


def write_chain(folder, n_files, times):
    """Write files of which each includes the next one so many times; the first is run.toml."""
    names = ["run.toml", *(f"{number}.toml" for number in range(1, n_files))]
    for name, following in zip(names, [*names[1:], None], strict=True):
        included = f"include = {[following] * times}\n" if following else ""
        (folder / name).write_text(included)


@pytest.mark.parametrize(("n_files", "times"), [(40, 2), (1500, 1)])
def test_includes_that_double_or_nest_deep_are_refused(tmp_path, refused, n_files, times):
    write_chain(tmp_path, n_files, times)
    assert refused() == "error: run.toml includes more than 100 files, counted with what they include\n"


def test_as_many_files_as_are_allowed_may_include_each_other(tmp_path):
    write_chain(tmp_path, MOST_FILES, times=1)
    assert load(tmp_path / "run.toml", {}, []).models == ()


def test_a_circle_of_includes_is_named(tmp_path, refused):
    (tmp_path / "run.toml").write_text('include = ["b.toml"]')
    (tmp_path / "b.toml").write_text('include = ["./c.toml"]')
    (tmp_path / "c.toml").write_text('include = ["run.toml"]')
    assert "includes itself" in refused()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 100_000, "more than 50 tables or lists within each other"),
        ("x = " + "{a = " * 40_000, "more than 50 tables or lists within each other"),
        ("x = " + "[" * 60 + "]" * 60, "more than 50 tables or lists within each other"),
        ("[" + "a." * 900 + "a]", "more than 50 tables or lists within each other"),
        ("a." * 120_000 + "a = 1", "run.toml:1: more than 1,000 dots"),
        ("seeds = [" + "9" * 5000 + "]", "is no TOML file"),
        ("seeds = [" + "9" * 30 + "]", "must be one number or more, each from 0 to 9223372036854775807"),
        ("seeds = " + str(list(range(1001))), "1,001 seeds, at most 1,000 are allowed"),
        ("x = 1\n" * 50_000, "more than 262,144 bytes"),
        ("\0", "is no TOML file"),
        ("# \xff", "is no TOML file"),
    ],
    ids=["lists", "inlines", "some-lists", "tables", "dots", "digits", "seed", "seeds", "bytes", "NUL", "latin"],
)
def test_what_no_run_file_holds_is_refused(tmp_path, refused, text, message):
    (tmp_path / "run.toml").write_bytes(text.encode("latin-1"))
    assert message in refused()


def test_a_file_of_a_terabyte_is_refused_without_being_read(tmp_path, refused):
    with (tmp_path / "run.toml").open("wb") as file:
        file.truncate(1 << 40)
    assert "more than 262,144 bytes" in refused()


def test_a_pipe_a_device_or_a_folder_is_refused(tmp_path, refused):
    os.mkfifo(tmp_path / "run.toml")
    assert "it is a pipe, a device or a socket" in refused()
    assert "it is a pipe, a device or a socket" in refused(file="/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    assert "Is a directory" in refused(file="folder.toml")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seeds", "0-999999999", "more than 1,000, which is the most of a run"),
        ("--seeds", ",".join(map(str, range(1001))), "more than 1,000, which is the most of a run"),
        ("--seeds", "9" * 5000, "do not have the form"),
        ("--seeds", "0-" * 40_000, "do not have the form"),
        ("--set", "popularity.x=" + "[" * 100_000, "popularity"),
        ("--set", "a" * 80_000, "is not of the form component.key=value"),
        ("--benchmark", "a" * 80_000 + "/", "is no folder name"),
        ("--threads", "1000000000", "threads is 1000000000, must be at most 1024"),
        ("--set", "run.seeds=true", "run.seeds is (true,), which does not fit"),
        ("--train-share", ",".join(["." + "9" * n for n in range(1, 200)]), "popularity"),
    ],
)
def test_what_no_option_holds_is_refused(tmp_path, refused, option, value, message):
    (tmp_path / "run.toml").write_text("[settings.popularity]\nnothing = 1")
    assert message in refused(option, value)


def test_more_cells_than_can_be_meant_are_refused_before_they_are_laid_out(tmp_path, refused, toy_folder):
    (tmp_path / "run.toml").write_text("")
    shares = ",".join(f"0.{number:03}" for number in range(1, 100))
    line = refused("--datasets", str(toy_folder), "--seeds", "0-999", "--train-share", shares)
    assert "99,000 cells on each data set, at most 10,000 are allowed" in line
