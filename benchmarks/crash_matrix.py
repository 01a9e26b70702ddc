"""Kills runs at many points, starts each again, and compares the end with that of a run that nothing disturbed.

    python benchmarks/crash_matrix.py [--short]

A case is a run of SASRec, a tiny random Llama and their pair on toy data, in a folder of its own. At the point of
the case, or after a random time, all of its processes are killed by SIGKILL. Then the same command is run again.
Ranks and tables must be those of the undisturbed run bit for bit, and no file may be left that it has not left. The
last cases start the same command several times at once: all runs must end so, and no epoch may be trained twice.

All runs are copies (`fork`) of this process, in which the libraries are loaded already, so a case takes seconds.
Everything else is as in the command `corecbench run --jobs 1`: cells run in a worker process.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OUT = Path(__file__).resolve().parents[1] / "results" / "attack" / "crash_matrix.json"
EXECUTION, TRAINING = "corecbench.experiment.execution", "corecbench.training"
CELL_TRAINING, SIDE, STATES = (
    f"{TRAINING}.cell:CellTraining",
    f"{TRAINING}.loop:SideTraining",
    f"{TRAINING}.checkpoints",
)
PAIR_EPOCHS = 11
"""Epochs of the models alone; those of the pair follow."""


@dataclass(frozen=True)
class Point:
    """Where a run is killed: before or after the n-th call of a function in one of its processes."""

    phase: str
    place: str = ""
    """Module and function; empty for a random time."""
    call: int = 1
    after: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.place:
            return f"after {self.seconds:.2f} s"
        return f"{'after' if self.after else 'before'} call {self.call} of {self.place.rpartition('.')[2]}"


def both(phase: str, place: str, *calls: int) -> list[Point]:
    """Return the points before and after some calls of a function."""
    return [Point(phase, place, call, after) for call in calls or (1,) for after in (False, True)]


POINTS = [
    *both("planning", "corecbench.experiment.plan:lay_out"),
    *both("reading data", "corecbench.experiment.plan:read_datasets"),
    *both("reading data in the worker", f"{EXECUTION}.workplace:read_datasets"),
    *both("claiming a cell", "corecbench.results.lease:Lease.take", 1, 2),
    *both("encoding texts", "corecbench_plugins.hf_llm.text_encoder:TextEncoder.cached"),
    *both("epochs of a model alone", f"{SIDE}.train_epoch", 1, 4),
    *both("epochs of the LLM alone", f"{SIDE}.train_epoch", 8, 9),
    *both("warm-up", f"{SIDE}.train_epoch", PAIR_EPOCHS + 1, PAIR_EPOCHS + 2),
    *both("turns", f"{SIDE}.train_epoch", PAIR_EPOCHS + 4, PAIR_EPOCHS + 5, PAIR_EPOCHS + 7),
    *both("between turns", f"{STATES}:Checkpoints.turn_ended", 1, 3, 4, 5),
    *both("writing a state", f"{STATES}:Checkpoints.write", 2, 7),
    *both("writing a state", f"{STATES}:save_tensors", 3),
    *both("keeping a state for others", f"{STATES}:Checkpoints.share"),
    *both("ranking", f"{CELL_TRAINING}.rank", 3),
    *both("ranking at the end", "corecbench.experiment.attempt:Attempt.rank_side", 1, 3, 4),
    *both("writing a checkpoint", "corecbench.experiment.runner:save_checkpoint"),
    *both("writing results", "corecbench.results.store:Store.write", 1, 3),
    *both("writing results", "corecbench.results.store:put_in_place", 1, 3),
    *both("giving a cell back", "corecbench.results.lease:Lease.release", 1, 3),
    *both("publishing", "corecbench.report.publish:publish_run"),
    *both("publishing", "corecbench.report.publish:write", 1, 2),
]
RUN_LOGS = "results/*/run-*.log"
"""Each run has a log of its own."""
N_RANDOM = 12
"""Kills at random times of the whole run."""
SHORT = (
    "planning", "claiming a cell", "encoding texts", "warm-up", "between turns", "keeping a state for others",
    "ranking at the end", "writing a checkpoint", "writing results", "giving a cell back", "publishing",
)  # fmt: skip
"""The phases of which `--short` and the tests take the last point."""


def short() -> list[Point]:
    """Return a dozen of the points."""
    last = {point.phase: point for point in POINTS}
    return [last[phase] for phase in SHORT]


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
        return ["run", *names, *sets, "--jobs=1", "--checkpoint-minutes=0", f"--results={home / 'results'}"]

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


class Substitute:
    """Stands in for the module `subprocess` where a worker process is started: it is a copy of this process."""

    DEVNULL, PIPE, STDOUT, TimeoutExpired = (
        subprocess.DEVNULL,
        subprocess.PIPE,
        subprocess.STDOUT,
        subprocess.TimeoutExpired,
    )

    class Popen:
        """A copy of this process that does what a worker process does."""

        def __init__(self, command: Sequence[str], pass_fds: Sequence[int], **_: Any) -> None:
            ours, theirs = os.pipe()
            self.stdout = os.fdopen(ours, errors="replace")
            self.returncode: int | None = None
            self.pid = forked(functools.partial(self.work, command, pass_fds, theirs))
            os.close(theirs)

        def work(self, command: Sequence[str], kept: Sequence[int], out: int) -> None:
            """Be the worker process."""
            from corecbench.experiment.execution.worker import main

            os.setsid()
            os.dup2(out, 1)
            os.dup2(out, 2)
            kept_all = sorted({0, 1, 2, *kept})
            for low, high in zip(kept_all, [*kept_all[1:], 1024], strict=True):
                os.closerange(low + 1, high)  # else it would keep its parent's end of the pipe open
            sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
            descriptor, n_threads, _ = json.loads(command[-1])
            main(descriptor, n_threads)

        def wait(self, timeout: float | None = None) -> int:
            """Wait until the process has ended, and return how."""
            if self.returncode is None:
                if timeout is not None and not ended_within(self.pid, timeout):
                    raise subprocess.TimeoutExpired("worker", timeout)
                self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return self.returncode


def forked(work: Callable[[], None]) -> int:
    """Start a copy of this process that does something and ends; return its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def ended_within(pid: int, seconds: float) -> bool:
    """Return whether a child ends within some seconds; it is left for `waitpid`."""
    until = time.monotonic() + seconds
    while True:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)


def kill_all(run: int) -> None:
    """Kill the groups of a run and of its workers."""
    children = Path(f"/proc/{run}/task/{run}/children").read_text().split()
    for pid in (run, *map(int, children)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


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


def load_everything() -> None:
    """Import what a run imports, once for all of its copies; nothing may start a thread."""
    import torch

    torch.set_num_threads(1)
    for name in (
        "corecbench.cli.main", "corecbench.experiment.session", f"{EXECUTION}.worker",
        f"{EXECUTION}.workplace", "corecbench.report.publish", "corecbench_plugins.hf_llm.backend",
        "corecbench_plugins.recbole_models", "transformers.models.llama.modeling_llama", "peft", "rich.console",
    ):  # fmt: skip
        importlib.import_module(name)


def table(cases: Sequence[Case]) -> str:
    """Return the matrix: a line for each phase."""
    lines = [f"{'phase':36} {'cases':>5} {'equal':>5} {'epochs repeated':>16}"]
    for phase, kills in Counter(case.phase for case in cases if case.killed).items():
        own = [case for case in cases if case.killed and case.phase == phase]
        repeated = [case.epochs_repeated for case in own]
        lines.append(
            f"{phase:36} {kills:5} {sum(not case.faults for case in own):5} {min(repeated):>9} to {max(repeated):3}"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the cases, print the matrix and write all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="a dozen points, and nothing is written")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    load_everything()
    with tempfile.TemporaryDirectory(prefix="crash-matrix-") as folder:
        bench = Bench(Path(folder))
        draw = random.Random(0)  # noqa: S311
        at_random = [Point("random times", seconds=draw.uniform(0, 0.8 * bench.seconds)) for _ in range(N_RANDOM)]
        cases = []
        for point in short() if options.short else [*POINTS, *at_random]:
            cases.append(bench.case(point))
            print(cases[-1], flush=True)
        for runs in ((3, 1),) if options.short else ((2, 0), (4, 0), (8, 0), (4, 1), (8, 4)):
            cases.append(bench.together(*runs))
            print(cases[-1], flush=True)
    print(table(cases))
    missed = [case for case in cases if not case.killed]
    print(f"{len(cases)} cases, {len(missed)} of which were not reached")
    if not options.short:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"cases": [asdict(case) for case in cases]}, indent=2) + "\n")
    return int(any(case.faults or not case.killed for case in cases))


if __name__ == "__main__":
    sys.exit(main())
