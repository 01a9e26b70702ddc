"""Inputs that are meant to take all time or memory: what is spent grows with the size of an input and no faster."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from click.testing import CliRunner

from corecbench.api import CorecbenchError, UsageError
from corecbench.cli.main import main
from corecbench.data.loaded import read_datasets
from corecbench.plugin.host import Host
from corecbench.results.layout import slug
from corecbench.results.privacy import without_private
from corecbench.settings.config import RunConfig
from corecbench.settings.values import parse_set, resources, seeds, shares
from corecbench.toolkit import load_tensors, word_vectors
from corecbench.toolkit.printable import one_line
from corecbench.tuning.tuned_file import read_tuned
from corecbench_plugins.controls.ciphered_texts import WORDS
from corecbench_plugins.datasets.atomic_folder import without_entities
from corecbench_plugins.datasets.ml100k import article_first
from corecbench_plugins.datasets.timestamps import parse_times
from corecbench_plugins.reporters.csv_json import harmless
from corecbench_plugins.reporters.latex_html import escape_latex
from corecbench_plugins.reporters.text_markdown import escape_markdown

HOSTILE = [
    *"a &-_[.=<\\|`:@é9",
    "a, ",
    "a ",
    "a(",
    "( a",
    ", The",
    "A, The ",
    "&a",
    "&amp",
    "&#1",
    "](",
    "1.",
    "1e",
    "0-1,",
    "a.b=",
]
HOSTILE += ["\n", " \n", "*_", "\u202e"]
"""Pieces of which texts of 80,000 characters are made."""
PASSED = [article_first, without_entities, escape_markdown, escape_latex, one_line, slug, harmless, without_private]
PASSED += [parse_set, seeds, shares, lambda text: resources([text]), lambda text: parse_times([text])]
PASSED += [lambda text: WORDS.sub("x", text), lambda text: word_vectors([text, "b"])]
"""What titles, labels and options pass."""


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_text_of_80_000_characters_passes_every_expression_in_a_moment(piece):
    text = (piece * 80_000)[:80_000]
    for each in PASSED:
        clock = time.process_time()
        with contextlib.suppress(ValueError, CorecbenchError):
            each(text)
        assert time.process_time() - clock < 1.5, each


def quadratic_article():
    """The expression as it was, which took 30 s for 80,000 letters."""
    return re.compile(r"([^() ][^()]*), (The|An?|Das|Der|Det|Die|Il|La|Les?|L'|O)(?=$|\)| \()")


def test_the_quick_expression_for_articles_finds_what_the_slow_one_finds():
    random = np.random.default_rng(0)
    pieces = ["a", "Bo", " ", ", The", ", A", ", L'", "(", ")", ",", ", Theo", "\n", " ("]
    for _ in range(20_000):
        text = "".join(random.choice(pieces, random.integers(1, 9)))
        expected = quadratic_article().sub(
            lambda match: match[2] + ("" if match[2].endswith("'") else " ") + match[1], text
        )
        assert article_first(text) == expected, text


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Ask for the counts of a data set, and return the line of the error."""
    monkeypatch.chdir(tmp_path)

    def info(name):
        result = CliRunner().invoke(main, ["datasets", "info", name])
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (4, "", 1)
        return result.stderr

    return info


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_data_set_that_is_no_file_is_refused(tmp_path, refused, kind):
    os.mkfifo(tmp_path / f"pipe.{kind}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"socket.{kind}")
        for name in (f"pipe.{kind}", f"socket.{kind}", "/dev/zero", "/dev/stdin"):
            assert re.search("a pipe, a device or a socket|No such device|no such file", refused(f"{kind}:{name}"))


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path, refused):
    (tmp_path / "a.csv").mkdir()
    assert "Is a directory" in refused("csv:a.csv")
    (tmp_path / "a.parquet").mkdir()
    os.mkfifo(tmp_path / "a.parquet" / "part.parquet")
    assert refused("parquet:a.parquet")


@pytest.mark.parametrize("name", ["toy.inter", "toy.item"])
def test_a_pipe_among_atomic_files_is_refused(tmp_path, refused, name):
    folder = tmp_path / "toy"
    folder.mkdir()
    rows = ["user_id:token\titem_id:token\ttimestamp:float", "a\tb\t1", "a\tc\t2", "a\td\t3"]
    (folder / "toy.inter").write_text("\n".join(rows))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert "a pipe, a device or a socket" in refused("./toy")


def test_a_file_that_is_larger_than_the_memory_is_refused(tmp_path, refused):
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(1 << 43)
    assert "larger than the memory" in refused("csv:huge.csv")


def test_a_plugin_file_that_is_a_pipe_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("plugin.py")
    result = CliRunner().invoke(main, ["describe", "--plugin", "plugin.py"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "a pipe, a device or a socket" in result.stderr


PEAK = """
    import resource, sys
    import numpy as np
    import torch
    from corecbench.api import States
    from corecbench.data.dataset import load_dataset
    from corecbench.data.split import leave_one_out
    from corecbench.evaluation.ranking import rank_task
    from corecbench.evaluation.text_similarity import target_similarity
    from corecbench.plugin.host import Host

    host = Host.discover()
    source = host.build(host.select("datasets", "csv:" + sys.argv[1], {}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    dataset = load_dataset("long", source)
    split = leave_one_out(dataset)
    task = split.task("test", 50)
    item = torch.randn(dataset.catalog.n_items + 1, 4)
    rank_task(lambda batch: States(torch.randn(len(batch.user), 4), item), task, top_k=10)
    target_similarity(dataset.catalog.item_texts, task)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_a_user_with_a_very_long_history_takes_memory_for_the_rows_not_for_rows_times_users(tmp_path):
    """The file has 2 MB. A table of users and the longest history has 2,000 x 100,000 x 8 bytes, 1.6 GB."""
    path = tmp_path / "long.csv"
    rows = [f"0,{n},{n}" for n in range(100_000)]
    rows += [f"{user},{(7 * user + n) % 1000},{n}" for user in range(1, 2000) for n in range(5)]
    path.write_text("user_id,item_id,timestamp\n" + "\n".join(rows))
    assert path.stat().st_size < 2_500_000
    command = [sys.executable, "-c", textwrap.dedent(PEAK), str(path)]
    peak_mib = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert peak_mib < 300


def test_no_more_best_items_are_kept_than_there_are(bench):
    (record,) = bench(models=("popularity",), top_k=10**12)
    assert (record["status"], record["error"]) == ("ok", None)


def test_a_kept_state_that_is_a_pipe_is_none(tmp_path):
    os.mkfifo(tmp_path / "state.safetensors")
    assert load_tensors(tmp_path / "state.safetensors") is None


def test_tuned_settings_that_are_a_pipe_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "tuned.toml")
    with pytest.raises(UsageError, match="it is a pipe"):
        read_tuned(tmp_path / "tuned.toml")


def test_a_file_whose_name_is_no_utf8_is_refused_in_one_line(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/shop\xff.csv")
    with pytest.raises(UsageError, match=r"'shop\\udcff.csv': its name is no UTF-8 text, as results"):
        read_datasets(RunConfig(datasets=(path,)), Host.discover())
