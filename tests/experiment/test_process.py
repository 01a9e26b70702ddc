import importlib.metadata
import mmap
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from corecbench.experiment import process

MEBIBYTE = 2**20
on_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak can be reset on Linux only"
)


def use_and_give_back(n_bytes):
    """Use memory that goes back to the system at once, whatever the C library does with what it frees."""
    with mmap.mmap(-1, n_bytes) as memory:
        memory.write(b"x" * n_bytes)


def test_the_peak_holds_what_was_used_and_given_back():
    process.reset_peak_memory()
    before = process.peak_memory_bytes()
    use_and_give_back(256 * MEBIBYTE)
    assert process.peak_memory_bytes() - before > 200 * MEBIBYTE


@on_linux
def test_a_reset_forgets_an_earlier_peak():
    process.reset_peak_memory()
    use_and_give_back(256 * MEBIBYTE)
    peak = process.peak_memory_bytes()
    process.reset_peak_memory()
    assert peak - process.peak_memory_bytes() > 200 * MEBIBYTE


@on_linux
def test_memory_that_an_earlier_cell_freed_is_not_in_the_peak_of_the_next():
    process.keep_freed_memory()
    process.reset_peak_memory()
    np.ones(256 * MEBIBYTE, dtype=np.uint8)
    peak = process.peak_memory_bytes()
    process.reset_peak_memory()
    assert peak - process.peak_memory_bytes() > 200 * MEBIBYTE


def test_without_proc_the_peak_of_the_whole_process_is_given(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(Path, "write_text", missing)
    monkeypatch.setattr(resource, "getrusage", lambda _: resource.struct_rusage([0.0, 0.0, 7, *[0] * 13]))
    monkeypatch.setattr(sys, "platform", "linux")
    process.reset_peak_memory()
    assert process.peak_memory_bytes() == 7 * 1024


def test_freed_memory_can_be_kept_twice():
    process.keep_freed_memory()
    process.keep_freed_memory()


def test_where_there_is_no_mallopt_nothing_happens(monkeypatch):
    monkeypatch.setattr(process.ctypes, "CDLL", lambda _: object())
    process.keep_freed_memory()


@pytest.mark.parametrize(
    ("quota", "n_cores"),
    [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8), ("", 8)],
)
def test_a_container_s_quota_limits_the_cores(monkeypatch, tmp_path, quota, n_cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(process, "CPU_QUOTA", tmp_path / "cpu.max")
    assert process.n_cores() == n_cores


def test_without_a_quota_all_cores_are_there(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    monkeypatch.setattr(process, "CPU_QUOTA", tmp_path / "absent")
    assert process.n_cores() == 3


def test_versions_are_those_that_are_installed():
    found = process.versions()
    assert found["numpy"] == np.__version__
    assert found["corecbench"] == importlib.metadata.version("corecbench")


def test_a_library_that_is_not_there_is_missing(monkeypatch):
    monkeypatch.setattr(process, "LIBRARIES", ("no-such-library",))
    assert process.versions()["no-such-library"] == "missing"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_the_last_of_package_and_plugins(monkeypatch, tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *who, "-C", str(tmp_path), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(file):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
        git("add", file)
        git("commit", "-m", file)
        return git("rev-parse", "HEAD")

    git("init")
    monkeypatch.setattr(process, "__file__", str(tmp_path / "corecbench" / "experiment" / "process.py"))
    of_package = commit("corecbench/process.py")
    assert process.commit() == of_package
    of_plugins = commit("plugins/sharing.py")
    commit("docs/index.md")
    assert process.commit() == of_plugins


@pytest.mark.parametrize(
    "fault", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)], ids=["no git", "git hangs"]
)
def test_without_an_answer_of_git_there_is_no_commit(monkeypatch, fault):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(subprocess, "run", fail)
    assert process.commit() is None


def test_an_installed_package_has_no_commit(monkeypatch, tmp_path):
    (tmp_path / "corecbench").mkdir()
    monkeypatch.setattr(process, "__file__", str(tmp_path / "corecbench" / "experiment" / "process.py"))
    assert process.commit() is None


def test_a_machine_is_its_processor_with_instructions_and_threads():
    assert re.fullmatch(r"\S.* \(\S.*\), \d+ threads?", process.machine("cpu"))


def test_instructions_are_those_that_torch_finds(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert "(AVX512, AVX-512 bf16), " in process.machine("cpu")


def test_a_device_that_is_not_there_is_not_named():
    assert process.machine("cuda:99") == process.machine("cpu")
