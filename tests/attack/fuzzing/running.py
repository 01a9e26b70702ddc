"""Changes an input many times, and counts what its reader makes of it."""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench import __version__
from corecbench.api import CorecbenchError
from fuzzing.inputs import Kind, kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_S = 10.0
"""Longest time for one input."""


@dataclass
class Count:
    """What became of the inputs of one kind."""

    inputs: int = 0
    refused: int = 0
    """One-line errors meant for the user."""
    equal: int = 0
    """Accepted, with the meaning of the good input."""
    different: int = 0
    """Accepted as another input; a fault where a checksum must tell."""
    faults: list[str] = field(default_factory=list)
    """What should not happen: another exception, a longer message, a hang, corruption that is accepted."""


class HangError(Exception):
    """An input took too long."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise a HangError in the context after so many seconds."""

    def ring(*_: object) -> None:
        raise HangError(f"more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_all(n_inputs: int, names: Sequence[str], seed: int, keep: Path | None) -> dict[str, Any]:
    """Try inputs of all kinds, or of those with these names, and return the counts."""
    chosen = [kind for kind in kinds() if not names or kind.name in names]
    each, clock, found = -(-n_inputs // len(chosen)), time.perf_counter(), {}
    for kind in chosen:
        started = time.perf_counter()
        count = found[kind.name] = run(kind, each, seed, keep)
        print(
            f"{kind.name:20} {count.inputs:5} inputs, {count.refused:5} refused, {count.equal:5} equal, "
            f"{count.different:5} other, {len(count.faults):3} faults, {time.perf_counter() - started:.0f} s",
            *(f"    {fault}" for fault in count.faults[:20]),
            sep="\n",
            flush=True,
        )
    names = ("inputs", "refused", "equal", "different")
    total = {name: sum(getattr(count, name) for count in found.values()) for name in names}
    total["faults"] = sum(len(count.faults) for count in found.values())
    return {
        "corecbench": __version__,
        "seed": seed,
        "seconds": round(time.perf_counter() - clock, 1),
        "total": total,
        "kinds": {name: asdict(count) for name, count in found.items()},
    }


def run(kind: Kind, n_inputs: int, seed: int = 0, keep: Path | None = None) -> Count:
    """Read changed inputs of one kind and count what happens.

    Args:
        kind: the kind of input.
        n_inputs: how many inputs are tried.
        seed: draws the changes.
        keep: a folder for the inputs that are faults; None keeps none.
    """
    count = Count()
    with tempfile.TemporaryDirectory() as place:
        template = Path(place, "good", "toy")
        template.mkdir(parents=True)
        good = kind.make(template)
        data, expected = good.read_bytes(), kind.read(good)
        for leftover in template.glob("into"):
            shutil.rmtree(leftover)
        for number in range(n_inputs):
            changed = kind.change(data, random.Random(f"{seed} {kind.name} {number}"))
            folder = shutil.copytree(
                template, Path(place, str(number), "toy")
            )  # the files are named like the folder
            path = folder / good.relative_to(template)
            path.write_bytes(changed)
            fault = _one(kind, path, changed == data, expected, count)
            shutil.rmtree(folder.parent)
            if fault:
                count.faults.append(f"{number}: {fault}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    name = f"{kind.name.replace(' ', '-')}-{hashlib.sha256(changed).hexdigest()[:12]}"
                    (keep / name).write_bytes(changed)
    return count


def _one(kind: Kind, path: Path, is_good: bool, expected: Any, count: Count) -> str:
    """Read one input and count it; return its fault, "" for none."""
    count.inputs += 1
    try:
        with limited(MOST_S), warnings.catch_warnings(action="error"):
            found = kind.read(path)
    except KeyboardInterrupt:
        raise
    except CorecbenchError as error:
        count.refused += 1
        return "" if str(error).strip() and "\n" not in str(error) else f"message of {str(error)!r:.200}"
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]!r} at {Path(last.filename).name}:{last.lineno}"
    if found == expected:
        count.equal += 1
        return ""
    count.different += 1
    return "a change that a checksum must tell was accepted" if kind.has_checksum and not is_good else ""
