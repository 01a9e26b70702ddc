"""iALS of implicit, trained on what `corecbench split DATASET --out DIR` wrote; lists go to a Parquet file.

Needs an environment with implicit, pandas and pyarrow. Usage:

    python implicit_als.py SPLIT_DIR LISTS.parquet [plain|bm25] [SEED]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import bm25_weight
from scipy.sparse import csr_matrix

LENGTH = 100
IDS = {"user_id": str, "item_id": str}


def main(split: Path, out: Path, weights: str = "plain", seed: int = 0) -> None:
    """Train on the training part, and leave what was seen in it and in the validation part out of the lists."""
    names = ("train", "validation", "test", "items")
    train, validation, test, titles = (pd.read_csv(split / f"{name}.csv", dtype=IDS) for name in names)
    users, items = pd.Index(train["user_id"].unique()), pd.Index(titles["item_id"])

    def matrix(rows: pd.DataFrame) -> csr_matrix:
        place = users.get_indexer(rows["user_id"]), items.get_indexer(rows["item_id"])
        return csr_matrix((np.ones(len(rows), dtype=np.float32), place), shape=(len(users), len(items)))

    model = AlternatingLeastSquares(factors=64, regularization=0.05, random_state=seed, num_threads=1)
    examples = matrix(train)
    model.fit(bm25_weight(examples, K1=100, B=0.8).tocsr() if weights == "bm25" else examples, show_progress=False)
    seen = matrix(pd.concat([train, validation]))
    tested = test["user_id"].to_numpy()
    row = users.get_indexer(tested)
    best, score = model.recommend(row, seen[row], N=LENGTH, filter_already_liked_items=True)
    lists = {
        "user_id": np.repeat(tested, LENGTH),
        "item_id": items.to_numpy()[best.ravel()],
        "score": score.ravel(),
    }
    pd.DataFrame(lists).to_parquet(out, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4], *map(int, sys.argv[4:]))
