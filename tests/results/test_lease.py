"""Who may train a cell: one process at a time, until it gives the cell back or is dead."""

import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from corecbench.results import lease
from corecbench.results.lease import EXPIRES_S, Lease, lease_of, owner_of
from corecbench.toolkit.system import birth, machine


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "seed0-0123abcd"


def write(folder, **changes):
    """Write the lease of another process, and return its file."""
    lease_of(folder).unlink(missing_ok=True)
    owner = Lease.take(folder).owner
    lease_of(folder).write_text(json.dumps(asdict(replace(owner, token="other", **changes))))
    return lease_of(folder)


def age(path, seconds):
    """Let a file be older."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def ended_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_cell_has_one_owner_until_it_is_given_back(folder):
    first = Lease.take(folder)
    assert Lease.take(folder) is None
    first.release()
    assert Lease.take(folder) is not None


def test_a_lease_says_who_has_the_cell(folder):
    Lease.take(folder)
    owner = owner_of(lease_of(folder))
    assert (owner.pid, owner.machine, owner.born) == (os.getpid(), machine(), birth(os.getpid()))
    assert str(owner) == f"process {os.getpid()} on {owner.host}"


def test_the_lease_of_a_process_of_this_machine_that_has_ended_is_taken_over_at_once(folder, ended_pid):
    write(folder, pid=ended_pid)
    assert Lease.take(folder).is_held()
    assert [path.name for path in folder.parent.iterdir()] == [lease_of(folder).name]


def test_another_process_that_has_got_the_same_number_does_not_keep_the_lease(folder):
    write(folder, born="1")
    assert Lease.take(folder) is not None


@pytest.mark.parametrize(("seconds", "is_taken"), [(EXPIRES_S / 2, False), (EXPIRES_S + 5, True)])
def test_the_lease_of_another_machine_is_taken_over_once_it_is_old(folder, ended_pid, seconds, is_taken):
    age(write(folder, machine="elsewhere", pid=ended_pid), seconds)
    assert (Lease.take(folder) is not None) == is_taken


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, False), (EXPIRES_S + 5, True)])
def test_a_lease_that_says_nothing_counts_until_it_is_old(folder, seconds, is_taken):
    path = lease_of(folder)
    path.parent.mkdir(parents=True)
    path.touch()
    age(path, seconds)
    assert (Lease.take(folder) is not None) == is_taken


def test_the_same_work_is_taken_over_at_once(folder):
    write(folder, machine="elsewhere")
    assert Lease.take(folder, token="mine") is None
    assert Lease.take(folder, token="other") is not None


def test_a_heartbeat_makes_a_lease_young(folder):
    held = Lease.take(folder)
    age(held.path, 1000)
    held.renew()
    assert lease.age_s(held.path) < 5


def test_an_owner_that_lost_its_cell_neither_renews_nor_removes_the_lease(folder):
    lost = Lease.take(folder)
    write_over = replace(lost.owner, token="other")
    lost.path.write_text(json.dumps(asdict(write_over)))
    age(lost.path, 50)
    lost.renew()
    lost.release()
    assert owner_of(lost.path) == write_over
    assert lease.age_s(lost.path) > 40


def test_a_lease_that_was_claimed_meanwhile_is_put_back(folder, ended_pid, monkeypatch):
    dead = owner_of(write(folder, pid=ended_pid))
    living = write(folder, machine="elsewhere")
    found = owner_of(living)
    seen = iter([dead])  # what the slower process had read before
    monkeypatch.setattr(lease, "owner_of", lambda path: next(seen, None) or owner_of(path))
    assert Lease.take(folder) is None
    assert owner_of(living) == found


STORM = """
import os, random, signal, sys, time
from pathlib import Path
from corecbench.results import lease
root, number = Path(sys.argv[1]), int(sys.argv[2])
left = list(range(int(sys.argv[3])))
if number % 2:
    left.reverse()
while left:
    for cell in list(left):
        held = lease.Lease.take(root / f"seed{cell}-0123abcd")
        if held is None:
            continue
        done = root / f"done-{cell}"
        if not done.exists():
            with open(root / "log", "a") as log:
                log.write(f"begin {cell} {os.getpid()}\\n")
            time.sleep(random.random() / 100)
            if number >= 6 and cell % 5 == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            done.touch()
            with open(root / "log", "a") as log:
                log.write(f"end {cell} {os.getpid()}\\n")
        held.release()
        left.remove(cell)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("n_processes", [2, 4, 8])
def test_of_several_processes_one_does_each_cell_also_if_some_are_killed(tmp_path, n_processes):
    command = [sys.executable, "-c", STORM, str(tmp_path)]
    started = [subprocess.Popen([*command, str(number), "30"]) for number in range(n_processes)]
    ended = [process.wait(timeout=60) for process in started]
    assert ended[:6] == [0] * min(6, n_processes)
    assert set(ended[6:]) <= {0, -9}  # one that came when all was done found nothing to be killed at
    at_work, done = {}, []
    for what, cell, pid in (line.split() for line in (tmp_path / "log").read_text().splitlines()):
        if what == "begin":
            killed = {str(process.pid) for process, code in zip(started, ended, strict=True) if code}
            assert at_work.get(cell) in (None, *killed)
            at_work[cell] = pid
        else:
            assert at_work.pop(cell) == pid
            done.append(cell)
    assert sorted(map(int, done)) == list(range(30))
    assert not list(tmp_path.glob(".*"))


def test_on_a_full_disk_a_cell_is_claimed_without_a_file(tmp_path, monkeypatch):
    def full(value, file):
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = tmp_path / "seed0-0123abcd"
    with monkeypatch.context() as patched:
        patched.setattr("corecbench.results.lease.json.dump", full)
        claimed = Lease.take(folder)
    assert claimed is not None
    claimed.renew()
    claimed.release()
    assert not any(tmp_path.iterdir())
    assert Lease.take(folder).is_held()
