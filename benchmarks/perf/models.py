"""Measures whole models, from the training part to the ranks of the test: corecbench beside RecTools and LensKit.

    python benchmarks/perf/models.py --rounds 1

All sides learn from the same interactions, and rank the same users' test items among the whole catalogue. What a
user has seen, the validation item too, is left out and is the history. Ties count against the model.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import click
from domain_training import work_of
from measuring.comparison import Comparison, Target
from measuring.environments import peer_side
from measuring.options import Options, measuring_options
from measuring.record import measure_all
from measuring.sides import own_side

PATIENCE = 20
"""Epochs without a better validation after which training ends."""
SHARES = {"ml-100k": 1.0, "amazon-toys-games": 0.25, "amazon-beauty": 1.0}
"""Data set -> share of its users."""
PUBLISHED = {
    "n_factors": 64,
    "n_blocks": 2,
    "n_heads": 1,
    "dropout_rate": 0.1,
    "loss": "sampled_softmax",
    "n_negatives": 256,
    "use_key_padding_mask": True,
    "transformer_layers_type": "rectools.models.nn.transformers.ligr.LiGRLayers",
}
"""RecTools' eSASRec as published for ml-1m with Tikhonovich et al., RecSys 2025, arXiv 2508.06450."""
KEEP_MEMORY = ("env", "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=100000000000")
"""glibc then keeps freed memory, as it does in corecbench; RecTools takes 1.6 times as long without it."""
PLAIN = {"shrinkage": 0, "user_power": 0, "decay": 1}
NOTES = (
    "An epoch includes its validation. Of Toys there is a quarter of the users, and esasrec trains for two epochs.",
    "corecbench trains on all windows of a history, in bfloat16 where the processor multiplies faster in it. "
    "RecTools trains on the latest 50 items of each user, in float32, with glibc told to keep freed memory.",
    "LensKit keeps all similar items, and adds up the 20 nearest of a history. corecbench keeps the 200 nearest of "
    "each item; by default it shrinks similarities, and late items and users with few items count more.",
    "RecTools and LensKit rank items that trained only, 100 a user; others have no place.",
)


def esasrec(name: str, folder: Path, options: Options, epochs: int) -> Comparison:
    """Compare eSASRec of RecTools with our `esasrec`, SASRec in settings of the same paper."""
    ours = json.dumps({"epochs": epochs, "patience": PATIENCE})
    arguments = (folder, json.dumps(PUBLISHED), str(epochs), str(PATIENCE))
    peer = peer_side("RecTools", "rectools", options, "rectools_model.py", *arguments)
    sides = [
        own_side("corecbench", "corecbench_model.py", folder, "esasrec", ours, "whole"),
        replace(peer, command=[*KEEP_MEMORY, *peer.command]),
    ]
    ratios = [Target("RecTools", "corecbench", quantity=each) for each in ("epoch_cpu_s", "train_cpu_s")]
    return Comparison(f"{name}: esasrec", sides, ratios, NOTES)


def item_knn(name: str, folder: Path, options: Options) -> Comparison:
    """Compare LensKit's neighbours of items with ours."""
    program = ("corecbench_model.py", folder, "item-knn")
    sides = [
        own_side("corecbench", *program, "{}", "whole"),
        own_side("corecbench, plain cosine", *program, json.dumps(PLAIN), "whole"),
        peer_side("LensKit", "lenskit", options, "lenskit_model.py", folder),
    ]
    ratios = [Target("LensKit", "corecbench", quantity=each) for each in ("train_cpu_s", "rank_cpu_s")]
    return Comparison(f"{name}: item-knn", sides, ratios, NOTES)


@click.command()
@measuring_options
def main(options: Options) -> None:
    """Measure whole models beside peers."""
    with tempfile.TemporaryDirectory() as scratch:
        dense, quarter, beauty = (Path(scratch) / "work" / name for name in SHARES)
        for folder, share in zip((dense, quarter, beauty), SHARES.values(), strict=True):
            data = options.data(folder.name, Path(scratch) / folder.name)
            work_of(*data).of_share(share).save(folder)
        knn = [item_knn("Toys, a quarter", quarter, options), item_knn("Beauty", beauty, options)]
        short = esasrec("Toys, a quarter", quarter, options, 2)
        long = esasrec("ml-100k", dense, options, 2 if options.tiny else 200)
        measure_all("models", [*knn, short, long], options)


if __name__ == "__main__":
    main()
