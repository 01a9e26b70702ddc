"""A folder in which runs are started, killed and compared."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crashing.points import SIDE, Point
from crashing.processes import Substitute, ended_within, forked, kill_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN_LOGS = "results/*/run-*.log"
"""Each run has a log of its own."""


@dataclass(frozen=True)
class Case:
    """How a case ended."""

    phase: str
    point: str
    killed: bool
    """Whether the run came to the point."""
    faults: tuple[str, ...]
    """What is not as in the undisturbed run."""
    epochs_repeated: int
    seconds: float


class Bench:
    """A folder with toy data and a tiny LLM, in which runs are started, killed and compared."""

    def __init__(self, folder: Path) -> None:
        from corecbench.testing.tiny_llama import save_tiny_llama
        from corecbench.testing.toys import circle, write_atomic

        self.folder = folder
        self.data = write_atomic(circle(), folder / "toy")
        self.llm = save_tiny_llama(folder / "tiny")
        self.undisturbed = folder / "undisturbed"
        if self.start(self.undisturbed):
            raise RuntimeError((self.undisturbed / "log").read_text())
        self.seconds = self.longest_s
        self.expected = self.outcome(self.undisturbed)

    def arguments(self, home: Path) -> list[str]:
        """Return the arguments of the command."""
        few = ["batch_size=32", "learning_rate=0.01"]
        settings = {
            "sasrec": [
                "epochs=9",
                "averaging=0.9",
                "embedding_size=16",
                "inner_size=16",
                "n_layers=1",
                "n_heads=1",
                *few,
            ],
            "llama": ["epochs=4", "embedding_size=16", "lora_layers=2", "lora_rank=2", "dtype=float32", *few],
            "bdlm": ["start=new", "warm_up_epochs=2", "rounds=2", "domain_epochs=2", "llm_epochs=2"],
        }
        sets = [f"--set={name}.{value}" for name, values in settings.items() for value in values]
        sets += ["--set=sasrec.patience=99", "--set=llama.patience=99"]
        names = ["--models=sasrec", f"--llm=llama:{self.llm}", f"--datasets={self.data}"]
        return ["run", *names, *sets, "--jobs=1", "--set=run.checkpoint_minutes=0", f"--results={home / 'results'}"]

    def start(self, home: Path, point: Point | None = None) -> int:
        """Run the command in a copy of this process, killed at a point. Return how it ended, below 0 if killed."""
        home.mkdir(exist_ok=True)
        started = time.monotonic()
        pid = forked(functools.partial(self.run, home, point))
        if point is not None and not point.place:
            with contextlib.suppress(ChildProcessError):
                if not ended_within(pid, point.seconds):
                    kill_all(pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.longest_s = time.monotonic() - started
        return code

    def run(self, home: Path, point: Point | None) -> None:
        """Run the command in this process."""
        from corecbench.cli.main import main
        from corecbench.experiment.execution import worker_process

        os.setsid()
        log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
        os.environ["CORECBENCH_CACHE"] = str(home / "cache")
        worker_process.subprocess = Substitute  # type: ignore[attr-defined]
        around(f"{SIDE}.train_epoch", functools.partial(note, home / "epochs"))
        if point is not None and point.place:
            around(point.place, functools.partial(killing, os.getpid(), point))
        main(self.arguments(home))

    def outcome(self, home: Path) -> dict[str, bytes]:
        """Return what must be equal: ranks, lists, weights and tables, by the name of the file."""
        root = home / "results"
        same = [
            *root.rglob("*.parquet"),
            *root.rglob("*.safetensors"),
            *root.rglob("*.csv"),
            *root.rglob("table.txt"),
        ]
        return {str(path.relative_to(root)): path.read_bytes() for path in same if not is_hidden(path, root)}

    def faults(self, home: Path, code: int) -> Iterator[str]:
        """Yield what is not as in the undisturbed run."""
        if code:
            yield f"exit code {code}: {(home / 'log').read_text().splitlines()[-1]}"
        found = self.outcome(home)
        for name in sorted(found.keys() | self.expected.keys()):
            if found.get(name) != self.expected.get(name):
                yield f"{name} {'differs' if name in found else 'is missing'}"
        for name in sorted(files(home) - files(self.undisturbed)):
            if not fnmatch(name, RUN_LOGS):
                yield f"{name} is left behind"

    def case(self, point: Point) -> Case:
        """Kill a run at a point, start it again, and look at the end."""
        started, home = time.monotonic(), Path(tempfile.mkdtemp(dir=self.folder))
        killed = self.start(home, point) == -signal.SIGKILL
        code = self.start(home)
        repeated = n_epochs(home) - n_epochs(self.undisturbed)
        faults = tuple(self.faults(home, code))
        if not faults:
            shutil.rmtree(home)
        return Case(point.phase, str(point), killed, faults, repeated, time.monotonic() - started)

    def together(self, n_runs: int, n_killed: int = 0) -> Case:
        """Start several runs of the same command at once, kill some of them, and look at the end of all."""
        started, home = time.monotonic(), Path(tempfile.mkdtemp(dir=self.folder))
        runs = [forked(functools.partial(self.run, home, None)) for _ in range(n_runs)]
        time.sleep(self.seconds / 2 if n_killed else 0)
        for run in runs[:n_killed]:
            kill_all(run)
        codes = [os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]) for run in runs]
        faults = tuple(self.faults(home, max(map(abs, codes[n_killed:]))))
        killed = f", {n_killed} of which {'is' if n_killed == 1 else 'are'} killed" if n_killed else ""
        repeated = n_epochs(home) - n_epochs(self.undisturbed)
        if repeated and not n_killed:
            faults += (f"{repeated} epochs were trained twice",)
        was_killed = all(code == -signal.SIGKILL for code in codes[:n_killed])
        return Case(f"{n_runs} runs at once{killed}", "", was_killed, faults, repeated, time.monotonic() - started)


def around(place: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put something around a function, or a method, of a module."""
    module, _, names = place.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = names.split(".")
    for each in outer:
        holder = getattr(holder, each)
    found = vars(holder)[name]
    if isinstance(found, classmethod):
        setattr(holder, name, classmethod(wrap(found.__func__)))
    else:
        setattr(holder, name, wrap(found))


def note(path: Path, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that leaves a line in a file at each call that ends."""

    @functools.wraps(function)
    def noting(*args: Any, **options: Any) -> Any:
        value = function(*args, **options)
        with path.open("a") as file:
            file.write("epoch\n")
        return value

    return noting


def killing(run: int, point: Point, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that kills all processes of a run at its n-th call."""
    calls = 0

    @functools.wraps(function)
    def sabotaged(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        now = calls == point.call
        if now and not point.after:
            kill_all(run)
        value = function(*args, **options)
        if now:
            kill_all(run)
        return value

    return sabotaged


def files(home: Path) -> set[str]:
    """Return the names of all files of results and cache."""
    return {str(path.relative_to(home)) for part in ("results", "cache") for path in (home / part).rglob("*")}


def is_hidden(path: Path, root: Path) -> bool:
    """Return whether a file, or a folder that it lies in, is hidden."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def n_epochs(home: Path) -> int:
    """Return the number of epochs that all runs in a folder have trained."""
    return len((home / "epochs").read_text().splitlines())
