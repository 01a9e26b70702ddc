"""The benchmarks in a folder of results, and the choice of one of them."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from corecbench.api import UsageError
from corecbench.results.choice import AS_STORED, Choice
from corecbench.results.layout import RECORD_FILE, slug
from corecbench.results.packed import bundle_at, files_below, is_bundle
from corecbench.results.record import ResultsError
from corecbench.results.record_file import read_record
from corecbench.results.store import Store

SEED_RECORD = re.compile(rf"seed[^/]*/{re.escape(RECORD_FILE)}")


def stores(folder: Path, checked: bool = True) -> list[Store]:
    """Return the benchmarks of a folder of results and of the bundles in it, or of one bundle.

    The folder may also be that of one benchmark. A bundle may have been packed beside the folder of its benchmark,
    which is taken; where there is no such folder, its name stands for NAME.zip. If they are `checked`, bundles are
    refused that are not as their manifests say.

    Raises:
        ResultsError: there are no results, two bundles have the same benchmark, or one is refused.
    """
    if not folder.exists():
        folder = next((file for file in (folder.with_name(f"{folder.name}.zip"),) if file.is_file()), folder)
    if folder.is_file():
        return packed_in(folder, checked)
    if any(folder.glob("*/*/seed*/result.json")):
        own = folder if folder.name not in ("", "..") and not folder.is_symlink() else folder.resolve()
        if slug(own.name) != own.name:
            raise ResultsError(f"{folder}: no name of a benchmark; rename the folder to {slug(own.name)}")
        return [Store(own.parent, own.name)]
    found = {
        file.parents[3].name: Store(folder, file.parents[3].name) for file in folder.glob("*/*/*/seed*/result.json")
    }
    packed = [
        store for file in sorted(folder.glob("*.zip")) if is_bundle(file) for store in packed_in(file, checked)
    ]
    for store in packed:
        if (other := found.setdefault(store.benchmark, store)).is_packed and other is not store:
            raise ResultsError(
                f"{other.root} and {store.root} both have benchmark {store.benchmark}; name one of them"
            )
    if not found:
        raise ResultsError(f"{folder}: no results here; `corecbench run` makes them")
    return [found[benchmark] for benchmark in sorted(found)]


def packed_in(file: Path, checked: bool = True) -> list[Store]:
    bundle = bundle_at(file)
    if bundle.faults and checked:
        raise ResultsError(f"{bundle.faults[0]}; `corecbench results verify {file}` checks all files")
    entries = (PurePosixPath(name).parts for name in bundle.entries)
    return [Store(file, name) for name in sorted({parts[0] for parts in entries if parts[-1] == RECORD_FILE})]


def cell_at(path: Path, choice: Choice = AS_STORED, seed: int | None = None) -> Path:
    """Return the folder of the one cell that a path names: it, its result.json, or the folder above.

    The folder above holds all settings and seeds of the cell; the lowest seed is taken if none is named.

    Raises:
        UsageError: there are several settings and nothing says which to take, or what is asked for is not there.
        ResultsError: a record cannot be read.
    """
    folder = path.parent if path.name == RECORD_FILE else path
    below = [folder / name.split("/")[0] for name in files_below(folder) if SEED_RECORD.fullmatch(name)]
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
