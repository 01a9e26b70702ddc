"""Counts LensKit's item neighbours and ranks the test: `lenskit_model.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lenskit import topn_pipeline
from lenskit.batch import recommend
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from measuring.clock import timed

from sides.work import LISTED, TrainingWork, ndcg_and_hits, places_with_ties, report_parts

LIBRARIES = ("lenskit", "torch", "numpy", "pandas", "scipy")


def main(folder: Path) -> None:
    """Count and rank, and report what it took."""
    work = TrainingWork.load(folder)
    dataset = from_interactions_df(pd.DataFrame({"user_id": work.user, "item_id": work.item}))
    scorer = ItemKNNScorer(feedback="implicit")
    pipeline = topn_pipeline(scorer, n=LISTED)
    user, item = work.before(work.validation)
    known = np.isin(item, work.item)  # LensKit refuses a history with an item that did not train
    user, item = user[known], item[known]
    histories = zip(work.users.tolist(), np.split(item, np.searchsorted(user, work.users[1:])), strict=True)
    queries = [RecQuery(user_id=one, user_items=ItemList(item_ids=seen)) for one, seen in histories]
    _, training = timed(lambda: pipeline.train(dataset))
    lists, ranking = timed(lambda: recommend(pipeline, queries, n_jobs=1).to_df())
    columns = (lists[name].to_numpy() for name in ("user_id", "item_id", "score"))
    facts = ndcg_and_hits(places_with_ties(work.users, work.test, *columns))
    report_parts(LIBRARIES, facts, train=training, rank=ranking)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
