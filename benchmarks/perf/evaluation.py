"""Measures ranking: corecbench beside the bare matrix product, RecBole's evaluator, RecTools and ranx.

    python benchmarks/perf/evaluation.py

Each side ranks the held-out item of every user among the whole catalogue by given vectors of width 64; what the
user has seen is left out. The clock runs from vectors to ranks or to metrics, not while libraries and data are
loaded. The vectors are random. Interactions are those of amazon-beauty where CORECBENCH_DATA has it, else random
ones of the same shape.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.environments import python_of
from measuring.record import measure_all
from measuring.sides import FOLDER, Side, SideError, own_side
from sides.corecbench_ranking import ranks_of, task_of
from sides.ranking_work import K, RankingWork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measuring.options import Options

WIDTH = 64
BEAUTY = (22_363, 12_101, 176_139)
"""Users, items, and interactions that are neither for validation nor for test, of amazon-beauty."""
MANY_ITEMS = 1_000_000
GIBIBYTE = 1024**3
SMALL = "matrix products in a cache"
OURS = {"ranks": f"corecbench, ranks with the {K} best", "only": "corecbench, ranks alone"}


def vectors(n_users: int, n_items: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return random states of users and items."""
    shapes = {"user_state": n_users + 1, "item_state": n_items + 1}
    return {name: rng.standard_normal((rows, WIDTH), dtype=np.float32) for name, rows in shapes.items()}


def random_work(n_users: int, n_items: int, n_seen: int, seed: int = 0) -> RankingWork:
    """Return work with random interactions; popular items are seen more often, by the square of their number."""
    rng = np.random.default_rng(seed)
    user = np.sort(np.concatenate([np.arange(1, n_users + 1), rng.integers(1, n_users + 1, n_seen - n_users)]))
    item = 1 + (n_items * rng.random(n_seen) ** 2).astype(np.int64)
    pairs = np.unique(np.stack([user, item], axis=1), axis=0)
    target = rng.integers(1, n_items + 1, n_users)
    unseen = target[pairs[:, 0] - 1] != pairs[:, 1]
    return RankingWork(
        **vectors(n_users, n_items, rng), seen_user=pairs[unseen, 0], seen_item=pairs[unseen, 1], target=target
    )


def beauty_work() -> tuple[str, RankingWork]:
    """Return the work of amazon-beauty's test, or of random interactions of its shape, and the name of the data."""
    from corecbench.api import CorecbenchError
    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig

    try:
        (data,) = read_datasets(RunConfig(datasets=("amazon-beauty",), ties="file"), Host.discover())
    except CorecbenchError:
        return "random interactions", random_work(*BEAUTY)
    held = data.split.held["test"]
    row, item = held.known.pairs(np.arange(len(held.users)))
    states = vectors(data.catalog.n_users, data.catalog.n_items, np.random.default_rng(0))
    return data.name, RankingWork(**states, seen_user=held.users[row], seen_item=item, target=held.target)


def check_ties(n_users: int = 500, n_items: int = 700) -> str:
    """Compare our ranks with those counted one by one, where most scores tie, and return what was found equal.

    Raises:
        SideError: a rank differs.
    """
    work = random_work(n_users, n_items, 10 * n_users)
    rng = np.random.default_rng(1)
    whole = {
        name: rng.integers(-1, 2, getattr(work, name).shape).astype(np.float32)
        for name in ("user_state", "item_state")
    }  # products of whole numbers are exact, so equal scores are equal
    work = RankingWork(**{**vars(work), **whole})
    ranks = ranks_of(work, task_of(work), K)
    scores = work.user_state.astype(np.int64) @ work.item_state.astype(np.int64).T
    tied = 0
    for row, target in enumerate(work.target):
        candidate = np.ones(n_items + 1, dtype=bool)
        candidate[0] = False
        candidate[work.seen_item[work.seen_user == row + 1]] = False
        candidate[target] = True
        of_user = scores[row + 1]
        expected = (of_user[candidate] >= of_user[target]).sum()
        tied += (of_user[candidate] == of_user[target]).sum() > 1
        if ranks.rank[row] != expected:
            raise SideError(f"corecbench ranks user {row + 1} at {ranks.rank[row]}, counted: {expected}")
    return f"ranks are equal to those counted one by one for {n_users} users, {tied} of whom have tied targets"


def check(folder: Path, first: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare at which places of their lists the sides have the held-out items.

    Raises:
        SideError: more than one user in 1,000 differs. The vectors are random, so scores practically never tie, but
            the order of summation differs, so two scores that differ in the last digit may change places.
    """
    ours = np.load(folder / f"places-corecbench-{K}.npy")
    sentences = [check_ties()]
    for path in sorted(folder.glob("places-*.npy")):
        differing = int((np.load(path) != ours).sum())
        side = path.stem.removeprefix("places-")
        if differing > len(ours) / 1000:
            raise SideError(
                f"{side} has {differing} of {len(ours)} held-out items at another place than corecbench"
            )
        if side != f"corecbench-{K}":
            sentences.append(f"{side}: places in the lists differ for {differing} of {len(ours)} users")
    for name, measured in first.items():
        facts = measured.get("facts", {})
        if "its_ndcg" in facts and abs(facts["its_ndcg"] - facts["ndcg"]) > 1e-6:
            raise SideError(f"{name} says NDCG@{K} {facts['its_ndcg']}, its lists have {facts['ndcg']}")
    return sentences


def our_sides(folder: Path) -> list[Side]:
    """Return our own sides and the plain ones."""
    return [
        own_side(OURS["only"], "corecbench_ranking.py", folder, "0"),
        own_side(OURS["ranks"], "corecbench_ranking.py", folder, str(K)),
        own_side("matrix product alone", "plain_ranking.py", folder, "product"),
        own_side(f"matrix product and topk {K}", "plain_ranking.py", folder, "topk"),
    ]


def peer_side(name: str, peer: str, options: Options, program: str, *arguments: str | Path) -> Side:
    """Return a side in the environment of a peer."""
    python = python_of(peer, options)
    missing = "" if python else "its environment is not there, and --no-install was given"
    return Side(name, [python or "python", FOLDER / "sides" / program, *arguments], cannot=missing)


def catalogue(work: RankingWork, data: str, folder: Path, options: Options) -> Comparison:
    """Compare all sides on a catalogue of usual size."""
    work.save(folder)
    best_batch = str(512 * (work.n_items + 1))
    sides = [
        *our_sides(folder),
        own_side(SMALL, "plain_ranking.py", folder, "small-products"),
        peer_side("RecBole, its default batch", "recbole", options, "recbole_ranking.py", folder, "0"),
        peer_side("RecBole, 512 users a batch", "recbole", options, "recbole_ranking.py", folder, best_batch),
        peer_side("RecTools, torch", "rectools", options, "rectools_ranking.py", folder, "torch"),
        peer_side("RecTools, implicit", "rectools", options, "rectools_ranking.py", folder, "implicit"),
        peer_side("numpy and ranx", "ranx", options, "ranx_ranking.py", folder),
    ]
    ours = OURS["ranks"]
    targets = [
        Target(OURS["only"], "matrix product alone", at_most=1.25),
        Target(ours, "matrix product alone", at_most=1.6),
        Target(OURS["only"], SMALL),
        Target(ours, SMALL),
        Target("RecBole, its default batch", ours, at_least=5),
        Target("RecBole, 512 users a batch", ours),
        Target("RecTools, torch", ours, at_least=1.5),
        Target("RecTools, implicit", ours, at_least=1.5),
        Target("numpy and ranx", ours, at_least=1.5),
    ]
    notes = [
        f"Interactions: {data}; vectors: random, width {WIDTH}.",
        "Ties: corecbench counts them against the model. RecBole, RecTools and numpy keep whichever of equal "
        + "scores their selection finds first, so they are compared where scores do not tie.",
        f"corecbench has the rank of every user; RecBole, RecTools and ranx know the {K} best only.",
        "ranx ranks nothing: numpy makes its lists.",
    ]
    size = f"{work.n_users:,} users x {work.n_items:,} items"
    return Comparison(size, sides, targets, notes, functools.partial(check, folder))


def large_catalogue(n_users: int, n_items: int, folder: Path, options: Options) -> Comparison:
    """Compare time and memory on a catalogue of a million items."""
    random_work(n_users, n_items, 10 * n_users).save(folder)
    sides = [
        *our_sides(folder),
        peer_side("RecTools, torch", "rectools", options, "rectools_ranking.py", folder, "torch"),
    ]
    targets = [
        Target(OURS["only"], "matrix product alone", at_most=1.25),
        Target(OURS["ranks"], "matrix product alone", at_most=1.6),
        Target(OURS["ranks"], at_most=2 * GIBIBYTE, quantity="peak_memory_bytes"),
    ]
    notes = [
        f"Random interactions and vectors of width {WIDTH}.",
        "RecBole and ranx are measured on the usual catalogue only.",
    ]
    return Comparison(
        f"{n_users:,} users x {n_items:,} items", sides, targets, notes, functools.partial(check, folder)
    )


@click.command()
@click.option(
    "--users", type=click.IntRange(1), default=1000, show_default=True, help="Users of the million items."
)
@measuring_options
def main(options: Options, users: int) -> None:
    """Measure ranking beside peers."""
    with tempfile.TemporaryDirectory() as place:
        if options.tiny:
            works: Sequence[Any] = [("random interactions", random_work(300, 200, 2000))]
            large = (200, 5_000)
        else:
            works, large = [beauty_work()], (users, MANY_ITEMS)
        comparisons = [catalogue(work, data, Path(place) / "usual", options) for data, work in works]
        comparisons.append(large_catalogue(*large, Path(place) / "large", options))
        measure_all("evaluation", comparisons, options)


if __name__ == "__main__":
    main()
