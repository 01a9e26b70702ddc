"""Prints how often a method is called different from itself under other seeds, as Markdown tables.

    python benchmarks/aa.py --work aa > docs/tables/aa.md

Three rows are trained under twelve seeds each: SASRec alone, LightGCN alone, and SASRec with frozen texts of
MiniLM. Then every three seeds of a row are compared with every other three, as a table compares two rows. What is
trained is kept in the folder --work, so that a call that was interrupted goes on; --no-train reads what is there.
Beside it stand simulated methods whose seeds vary by a known share of the hit rate.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from false_alarms import ALPHA, SIZES, ndcg, table

import corecbench
from corecbench.cli.options import data_dir_option
from corecbench.python_api import discover
from corecbench.report.evidence.reading import read_rows
from corecbench.report.publish import TESTED, build_metric
from corecbench.results.folders import stores
from corecbench.results.selection import datasets_in, on_datasets
from corecbench.stats.paired import USERS_AND_SEEDS, paired_test
from corecbench.stats.student import student_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.results.rows import RowKey

    Values = Mapping[int, np.ndarray]
    """Seed -> the metric of each user, float64 [U]."""

SMALL, LARGE = "ml-100k", "amazon-toys-games"
PART = 10
"""One user of so many is taken of the large data set."""
TESTS = (USERS_AND_SEEDS, "t")
TOGETHER = 3
"""The seeds of one side of a comparison."""
SEEDS_OF_A_SIDE = (2, 3, 4, 5)
EFFECTS = (0.0, 0.02, 0.05)
"""The standard deviation of the hit rate between seeds, as a share of it."""
HITS, KEPT = 0.2, 0.5
"""The hit rate of simulated models, and the share of users whose target is at the same place under all seeds."""


# --- training -----------------------------------------------------------------------------------------------------


def is_taken(user_id: str) -> bool:
    """Return whether a user is among those that are taken: the rule looks at nothing but the id.

    >>> round(sum(is_taken(str(number)) for number in range(10_000)) / 10_000, 2)
    0.1
    """
    return int(hashlib.sha256(user_id.encode()).hexdigest(), 16) % PART == 0


def part_of(source: Path, work: Path) -> Path:
    """Write the users of a data set that are taken, with the items that they have, and return the folder."""
    name = f"{source.name}-part"
    folder = work / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    head, *rows = (source / f"{source.name}.inter").read_text(encoding="utf-8").splitlines()
    user, item = (head.split("\t").index(column) for column in ("user_id:token", "item_id:token"))
    kept = [row for row in rows if is_taken(row.split("\t")[user])]
    present = {row.split("\t")[item] for row in kept}
    titles, *items = (source / f"{source.name}.item").read_text(encoding="utf-8").splitlines()
    place = titles.split("\t").index("item_id:token")
    known = [row for row in items if row.split("\t")[place] in present]
    for suffix, lines in (("inter", [head, *kept]), ("item", [titles, *known])):
        (folder / f"{name}.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def train(work: Path, datasets: Sequence[str], seeds: Sequence[int], epochs: int | None) -> None:
    """Train what is not stored yet: the rows of all data sets under all seeds."""
    settings: dict[str, dict[str, Any]] = {"bdlm": {"content": True}}
    if epochs:
        settings |= {"sasrec": {"epochs": epochs}, "lightgcn": {"epochs": epochs}}
        settings["bdlm"] |= {"warm_up_epochs": epochs, "domain_epochs": epochs, "rounds": 1}
    variants = {"bdlm-frozen": {"of": "bdlm", "llm_epochs": 0}}
    place: dict[str, Any] = {"out": work / "results", "benchmark": "aa", "seeds": list(seeds), "progress": True}
    run = partial(corecbench.run, **place, solo_llms=False, references=False, variants=variants, settings=settings)
    run(datasets=list(datasets), models=["sasrec"], llms=["minilm"], sharing=["bdlm-frozen"])
    run(datasets=list(datasets), models=["lightgcn"], llms=[], sharing=["bdlm-frozen"])


# --- comparisons --------------------------------------------------------------------------------------------------


def stored_rows(results: Path) -> Iterator[tuple[RowKey, Values]]:
    """Yield each stored row that a seed can change, and its values."""
    metric = build_metric(discover([]), TESTED)
    for store in stores(results):
        entries = store.sound()
        for dataset in datasets_in(entries):
            for key, row in read_rows(on_datasets(entries, [dataset]), store, {TESTED: metric}).items():
                if row.has(TESTED) and not row.is_deterministic:
                    yield key, {seed: row.column(TESTED, seed) for seed in row.values}


def groups(seeds: Sequence[int], size: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield all pairs of groups of seeds that share none, each pair once.

    >>> list(groups([0, 1, 2], 1))
    [((0,), (1,)), ((0,), (2,)), ((1,), (2,))]
    >>> len(list(groups(range(6), 3))), len(list(groups(range(12), 3)))
    (10, 9240)
    """
    for own, base in itertools.combinations(itertools.combinations(seeds, size), 2):
        if not set(own) & set(base):
            yield own, base


def found_different(values: Values, size: int, tests: Sequence[str]) -> dict[str, list[bool]]:
    """Return test -> of each pair of groups of seeds of a row, whether the test calls them different.

    The seeds of both sides are paired by their position, as those of two rows of a table are by their number.
    """
    found: dict[str, list[bool]] = {test: [] for test in tests}
    for own, base in groups(sorted(values), size):
        sides = [np.column_stack([values[seed] for seed in side]) for side in (own, base)]
        for test in tests:
            found[test].append(paired_test(*sides, test).p < ALPHA)
    return found


def trained(rng: np.random.Generator, places: np.ndarray, effect: float) -> np.ndarray:
    """Return NDCG@10 of a simulated method under three seeds, float64 [U, 3].

    Args:
        rng: the generator of the draws.
        places: float64 [U], what users have whose target is at the same place under all seeds.
        effect: the standard deviation between seeds, as a share of the hit rate of all users.
    """
    drawn = []
    for _ in range(TOGETHER):
        hits = HITS * (1 + effect / (1 - KEPT) * rng.normal())  # the other users carry all of the effect
        drawn.append(np.where(rng.random(len(places)) < KEPT, places, ndcg(rng, len(places), hits)))
    return np.column_stack(drawn)


def simulated(n_users: int, effect: float, n: int, seed: int) -> dict[str, float]:
    """Return test -> the share of n pairs of one simulated method that it calls different."""
    rng = np.random.default_rng(seed)
    alarms = dict.fromkeys(TESTS, 0)
    for _ in range(n):
        places = ndcg(rng, n_users, HITS)
        own, base = (trained(rng, places, effect) for _ in range(2))
        for test in TESTS:
            alarms[test] += paired_test(own, base, test).p < ALPHA
    return {test: count / n for test, count in alarms.items()}


# --- output -------------------------------------------------------------------------------------------------------


def print_simulated(n: int, seed: int) -> None:
    """Print the shares of simulated methods."""
    print(f"**Simulated methods, {HITS:.0%} hits, {TOGETHER} seeds, {n:,} comparisons a figure.**\n")
    rows = (
        [f"{n_users:,}", f"{effect:.0%}", *simulated(n_users, effect, n, seed).values()]
        for n_users in SIZES
        for effect in EFFECTS
    )
    table(["users", "between seeds", *TESTS], rows)


def print_trained(results: Path) -> None:
    """Print the shares of trained rows, and last that of all of them."""
    rows, different = [], []
    for key, values in stored_rows(results) if results.is_dir() else ():
        if key.side != "domain":
            continue
        found = found_different(values, TOGETHER, TESTS)
        n = len(found[USERS_AND_SEEDS])
        if n:
            shares = (float(np.mean(of)) for of in found.values())
            rows.append([key.cell, key.dataset, f"{len(values)}", f"{n:,}", *shares])
            different += found[USERS_AND_SEEDS]
    print(f"\n**One row under {TOGETHER} seeds against the same row under {TOGETHER} others, called different.**\n")
    table(["row", "data set", "seeds", "comparisons", *TESTS], rows)
    share = f"{np.mean(different):.1%} of {len(different):,}" if different else "none of 0"
    print(f"\nCalled different by the default test, over all comparisons of trained rows: {share}.")


def print_by_seeds(results: Sequence[Path]) -> None:
    """Print the shares of rows under fewer and more seeds, with an interval over rows."""
    print("\n**One row under so many seeds against the same row under as many others, by the default test.**\n")
    stored = [each for folder in results for each in stored_rows(folder) if each[0].side == "domain"]
    lines = []
    for size in SEEDS_OF_A_SIDE:
        of_rows = [found_different(values, size, TESTS[:1])[TESTS[0]] for _, values in stored]
        shares = np.array([np.mean(found) for found in of_rows if found])
        if len(shares) > 1:
            interval = student_test(shares).interval()
            lines.append([size, len(shares), shares.mean(), f"{max(interval.low, 0):.1%} to {interval.high:.1%}"])
    table(["seeds of a side", "rows", "called different", "95 % over rows"], lines)
    means = [np.array([values.mean() for values in of.values()]) for _, of in stored if len(of) >= TOGETHER]
    deviations = [of.std(ddof=1) / of.mean() for of in means if of.all()]
    if deviations:
        half, most = np.percentile(deviations, [50, 90])
        said = f"half below {half:.1%} of the mean, nine of ten below {most:.1%}"
        print(f"\nStandard deviation between seeds, {len(deviations)} rows of {TOGETHER} seeds or more: {said}.")


@click.command()
@click.option("--work", default="aa", show_default=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--seeds", default=12, show_default=True, help="Number of seeds.")
@click.option("--datasets", help="Data sets, by comma.  [default: ml-100k and a tenth of amazon-toys-games]")
@click.option("--epochs", type=int, help="Epochs of each model, for a try.  [default: those of the models]")
@click.option("--no-train", is_flag=True, help="Read what is stored.")
@click.option("--also", multiple=True, type=click.Path(path_type=Path), help="A bundle whose rows count, too.")
@click.option("--simulations", default=2000, show_default=True, help="Simulated comparisons a figure.")
@data_dir_option
def main(
    work: Path,
    seeds: int,
    datasets: str | None,
    epochs: int | None,
    no_train: bool,
    also: Sequence[Path],
    simulations: int,
) -> None:
    """Print how often a method is called different from itself under other seeds."""
    if not no_train:
        large = Path(os.environ.get("CORECBENCH_DATA", "")) / LARGE
        found = datasets.split(",") if datasets else [SMALL]
        if not datasets and "CORECBENCH_DATA" in os.environ and large.is_dir():
            found.append(str(part_of(large, work)))
        train(work, found, range(seeds), epochs)
    print_simulated(simulations, seed=0)
    print_trained(work / "results")
    print_by_seeds([*([work / "results"] if (work / "results").is_dir() else []), *also])


if __name__ == "__main__":
    main()
