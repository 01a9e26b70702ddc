"""Which benchmarks lie in a folder of results, and which one is meant."""

from collections.abc import Sequence
from pathlib import Path

from corecbench.api import UsageError
from corecbench.results.record import ResultsError
from corecbench.results.store import Store, slug


def stores(folder: Path) -> list[Store]:
    """Return the benchmarks of a folder of results, or the one whose own folder it is.

    Raises:
        ResultsError: there is nothing.
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


def place_of(folder: Path) -> Store:
    """Return the benchmark that a folder is, or would be; it is made.

    Raises:
        UsageError: its name is none of a benchmark.
    """
    name = folder.resolve().name
    if not name or slug(name) != name:
        raise UsageError(f"{folder}: no name of a benchmark; choose one such as {slug(name or 'tables')}")
    folder.mkdir(parents=True, exist_ok=True)
    return Store(folder.parent if folder.name == name else folder.resolve().parent, name)


def choose(found: Sequence[Store], benchmark: str | None) -> Store:
    """Return the benchmark of a name; without one "default", or the only one there is.

    Raises:
        ResultsError: it is not there.
        UsageError: there are several and none was named.
    """
    by_name = {store.benchmark: store for store in found}
    place, have = found[0].root, ", ".join(by_name)
    if benchmark is not None:
        if slug(benchmark) not in by_name:
            raise ResultsError(f"{place}: no results of benchmark '{benchmark}'; have: {have}")
        return by_name[slug(benchmark)]
    if len(found) > 1 and "default" not in by_name:
        raise UsageError(f"several benchmarks in {place}; choose one by --benchmark: {have}")
    return by_name.get("default", found[0])
