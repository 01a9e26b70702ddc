"""The benchmarks in a folder of results, and the choice of one of them."""

from collections.abc import Sequence
from pathlib import Path

from corecbench.api import UsageError
from corecbench.results.choice import AS_STORED, Choice
from corecbench.results.layout import RECORD_FILE, slug
from corecbench.results.record import ResultsError
from corecbench.results.record_file import read_record
from corecbench.results.store import Store


def stores(folder: Path) -> list[Store]:
    """Return the benchmarks of a folder of results, or the one benchmark whose own folder it is.

    Raises:
        ResultsError: the folder holds no results.
    """
    if any(folder.glob("*/*/seed*/result.json")):
        own = folder if folder.name not in ("", "..") else folder.resolve()
        if slug(own.name) != own.name:
            raise ResultsError(f"{folder}: no name of a benchmark; rename the folder to {slug(own.name)}")
        return [Store(own.parent, own.name)]
    benchmarks = {file.parents[3].name for file in folder.glob("*/*/*/seed*/result.json")}
    if not benchmarks:
        raise ResultsError(f"{folder}: no results here; `corecbench run` makes them")
    return [Store(folder, benchmark) for benchmark in sorted(benchmarks)]


def cell_at(path: Path, choice: Choice = AS_STORED, seed: int | None = None) -> Path:
    """Return the folder of the one cell that a path names.

    Args:
        path: the folder of a cell, its result.json, or the folder above, which holds all settings and seeds.
        choice: which of several settings are meant.
        seed: which of several seeds is meant; the lowest if it is None.

    Raises:
        UsageError: there are several settings and nothing says which to take, or what is asked for is not there.
        ResultsError: a record cannot be read.
    """
    folder = path.parent if path.name == RECORD_FILE else path
    below = sorted(file.parent for file in folder.glob(f"seed*/{RECORD_FILE}"))
    if not below:
        return folder
    entries = [(each, read_record(each)) for each in below]
    choice.check(entries)
    by_seed = {record["cell"]["seed"]: each for each, record in choice.of(entries)}
    if seed is not None and seed not in by_seed:
        raise UsageError(f"{folder}: no cell with seed {seed}; have: {', '.join(map(str, sorted(by_seed)))}")
    return by_seed[min(by_seed) if seed is None else seed]


def place_of(folder: Path) -> Store:
    """Return the benchmark whose own folder is the given one, which is made if it does not exist.

    Raises:
        UsageError: the name of the folder cannot be the name of a benchmark.
    """
    name = folder.resolve().name
    if not name or slug(name) != name:
        raise UsageError(f"{folder}: no name of a benchmark; choose one such as {slug(name or 'tables')}")
    folder.mkdir(parents=True, exist_ok=True)
    return Store(folder.parent if folder.name == name else folder.resolve().parent, name)


def choose(benchmarks: Sequence[Store], name: str | None) -> Store:
    """Return the benchmark of a name. Without a name it is "default", or the only one that there is.

    Raises:
        ResultsError: there is no benchmark of that name.
        UsageError: there are several benchmarks and none was named.
    """
    by_name = {store.benchmark: store for store in benchmarks}
    place, have = benchmarks[0].root, ", ".join(by_name)
    if name is not None:
        if slug(name) not in by_name:
            raise ResultsError(f"{place}: no results of benchmark '{name}'; have: {have}")
        return by_name[slug(name)]
    if len(benchmarks) > 1 and "default" not in by_name:
        raise UsageError(f"several benchmarks in {place}; choose one by --benchmark: {have}")
    return by_name.get("default", benchmarks[0])
