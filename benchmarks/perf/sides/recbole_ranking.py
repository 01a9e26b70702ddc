"""Ranks held-out items by RecBole's evaluator: `recbole_ranking.py FOLDER EVAL_BATCH_SIZE`.

The model is a product of given vectors, so nothing but the evaluator is measured: its loader, its collector, its
metrics.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.clock import report, timed
from recbole.data import create_dataset, data_preparation
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.trainer import Trainer
from recbole.utils import InputType

from sides.recbole_data import LIBRARIES, configure, numbers, write_atomic
from sides.work import RankingWork, ndcg_and_hits, save_places


class GivenVectors(GeneralRecommender):  # type: ignore[misc]
    """Scores are products of vectors that are given."""

    input_type = InputType.PAIRWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.user = torch.nn.Parameter(torch.empty(0))
        self.item = torch.nn.Parameter(torch.empty(0))

    def full_sort_predict(self, interaction: Any) -> torch.Tensor:
        """Return the scores of all items."""
        return (self.user[interaction["user_id"]] @ self.item.T).view(-1)


def main(folder: Path, batch_size: int) -> None:
    """Rank, and report what it took."""
    work = RankingWork.load(folder)
    user = np.concatenate([work.seen_user, np.arange(1, work.n_users + 1)])
    order = np.argsort(user, kind="stable")
    item = np.concatenate([work.seen_item, work.target])[order]
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)  # RecBole writes logs where it runs
        scratch = Path(place)
        write_atomic(scratch, user[order], item, work.n_items)
        settings = {"eval_batch_size": batch_size} if batch_size else {}
        config = configure(GivenVectors, scratch, scratch, **settings)
        dataset = create_dataset(config)
        _, _, test = data_preparation(config, dataset)
        model = GivenVectors(config, dataset)
        user_number, item_number = numbers(dataset, "user_id"), numbers(dataset, "item_id")
        model.user.data = torch.from_numpy(work.user_state[user_number])
        model.item.data = torch.from_numpy(work.item_state[item_number])
        trainer = Trainer(config, model)
        kept: list[torch.Tensor] = []
        collect = trainer.eval_collector.get_data_struct

        def keep() -> Any:
            struct = collect()
            kept.append(struct.get("rec.topk"))
            return struct

        trainer.eval_collector.get_data_struct = keep
        result, cost = timed(lambda: trainer.evaluate(test, load_best_model=False))
    hit = kept[-1][:, :-1].numpy().astype(bool)
    place_of = np.zeros(work.n_users, dtype=np.int64)
    place_of[user_number[test.uid_list.numpy()] - 1] = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0)
    save_places(folder, f"recbole-{batch_size}", place_of)
    report(
        cost,
        LIBRARIES,
        users_per_cpu_s=work.n_users / cost.cpu_s,
        eval_batch_size=config["eval_batch_size"],
        users_per_batch=test.step,
        its_ndcg=float(result["ndcg@10"]),
        **ndcg_and_hits(place_of),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
