"""Measures ranking: corecbench beside the bare matrix product, RecBole's evaluator and RecTools.

    python benchmarks/perf/evaluation.py

Each side ranks the held-out item of every user among the whole catalogue by given vectors of width 64; what the
user has seen is left out. The clock runs from vectors to ranks or to metrics, not while libraries and data are
loaded. The vectors are random, the interactions those of amazon-beauty.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from measuring.comparison import Comparison, Target
from measuring.environments import peer_side
from measuring.options import Options, measuring_options
from measuring.record import measure_all
from measuring.sides import SideError, own_side
from sides.work import K, RankingWork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.data.loaded import SplitDataset

WIDTH = 64
ALONE, OURS, PRODUCT = "corecbench, ranks alone", f"corecbench, ranks with the {K} best", "matrix product alone"
OWN = {ALONE: "0", OURS: str(K), PRODUCT: "product", f"matrix product and topk {K}": "topk"}
"""Side that runs in this environment -> what it does, as `corecbench_ranking.py` names it."""


def vectors(n_users: int, n_items: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return random states of users and items."""
    shapes = {"user_state": n_users + 1, "item_state": n_items + 1}
    return {name: rng.standard_normal((rows, WIDTH), dtype=np.float32) for name, rows in shapes.items()}


def work_of(data: SplitDataset) -> RankingWork:
    """Return the test of a data set, to be ranked by random vectors."""
    held = data.split.held["test"]
    row, item = held.known.pairs(np.arange(len(held.users)))
    states = vectors(data.catalog.n_users, data.catalog.n_items, np.random.default_rng(0))
    return RankingWork(**states, seen_user=held.users[row], seen_item=item, target=held.target)


def check(folder: Path, first: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare at which places of their lists the sides have the held-out items.

    Raises:
        SideError: more than one user in 1,000 differs. The vectors are random, so scores practically never tie, but
            the order of summation differs, so two scores that differ in the last digit may change places.
    """
    ours = np.load(folder / f"places-corecbench-{K}.npy")
    sentences = []
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


def catalogue(work: RankingWork, data: str, folder: Path, options: Options) -> Comparison:
    """Compare all sides."""
    work.save(folder)
    best_batch = str(512 * (work.n_items + 1))
    sides = [
        *(own_side(name, "corecbench_ranking.py", folder, kind) for name, kind in OWN.items()),
        peer_side("RecBole, its default batch", "recbole", options, "recbole_ranking.py", folder, "0"),
        peer_side("RecBole, 512 users a batch", "recbole", options, "recbole_ranking.py", folder, best_batch),
        peer_side("RecTools, torch", "rectools", options, "rectools_ranking.py", folder, "torch"),
        peer_side("RecTools, implicit", "rectools", options, "rectools_ranking.py", folder, "implicit"),
    ]
    targets = [
        Target(ALONE, PRODUCT, at_most=1.25),
        Target(OURS, PRODUCT, at_most=1.6),
        Target("RecBole, its default batch", OURS, at_least=5),
        Target("RecBole, 512 users a batch", OURS),
        Target("RecTools, torch", OURS, at_least=1.5),
        Target("RecTools, implicit", OURS, at_least=1.5),
    ]
    notes = [
        f"Interactions: {data}; vectors: random, width {WIDTH}.",
        "Ties: corecbench counts them against the model. RecBole and RecTools keep whichever of equal "
        + "scores their selection finds first, so they are compared where scores do not tie.",
        f"corecbench has the rank of every user; RecBole and RecTools know the {K} best only.",
    ]
    size = f"{work.n_users:,} users x {work.n_items:,} items"
    return Comparison(size, sides, targets, notes, functools.partial(check, folder))


@click.command()
@measuring_options
def main(options: Options) -> None:
    """Measure ranking beside peers."""
    with tempfile.TemporaryDirectory() as place:
        (data,) = options.data("amazon-beauty", Path(place) / "data")
        measure_all("evaluation", [catalogue(work_of(data), data.name, Path(place), options)], options)


if __name__ == "__main__":
    main()
