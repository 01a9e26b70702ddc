"""A bench of toy results for the tests of tables."""

import numpy as np
import pandas as pd
import pytest

from corecbench.report.table import build
from corecbench.results import Store

PROTOCOL = {
    "split": "leave-one-out",
    "candidates": "full catalogue",
    "seen items": "left out",
    "ties": "against the model",
}


class ReciprocalRank:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return 1 / rank


class First:
    higher_is_better = True

    def per_user(self, rank, n_candidates):
        return (rank == 1).astype(float)


METRICS = {"HR@1": First(), "MRR": ReciprocalRank()}


class Bench:
    """Stores cells of toy users and makes their table."""

    def __init__(self, root, benchmark="default"):
        self.store = Store(root, benchmark)
        self.entries = []

    def add(
        self, domain=None, llm=None, seed=0, dataset="toy", stopped_by="patience", users=None, counts=None, **of
    ):
        """Store a cell; `domain_ranks` and `llm_ranks` say at which rank each user's item is."""
        ranks = {side: of.pop(f"{side}_ranks") for side in ("domain", "llm") if f"{side}_ranks" in of}
        frames = {
            side: pd.DataFrame(
                {
                    "user_id": users or [f"u{i}" for i in range(len(rank))],
                    "target_item_id": ["i"] * len(rank),
                    "rank": np.array(rank, dtype=np.int64),
                    "n_candidates": np.full(len(rank), 9),
                    **(counts or {}),
                }
            )
            for side, rank in ranks.items()
        }
        sharing, control = of.pop("sharing", "bdlm" if domain and llm else None), of.pop("control", None)
        name = "+".join(part for part in (domain, llm, sharing, control) if part)
        cell = {"name": name, "dataset": dataset, "domain": domain, "llm": llm, "sharing": sharing, "seed": seed}
        cell |= {"control": control} if control else {}  # not there in older results
        side_record = {
            "metrics": {},
            "epochs": 3,
            "best_epoch": 2,
            "validation": 0.1,
            "stopped_by": stopped_by,
            "train_s": 1.0,
            "trainable_parameters": 1,
            **of.pop("costs", {}),
        }
        record = {
            "schema": 1,
            "status": "ok",
            "error": None,
            "cell": cell,
            "hash": "0123abcd",
            "settings": {},
            "protocol": PROTOCOL,
            "data": {"fingerprint": "f", "split_fingerprint": "s"},
            "versions": {},
            "plugins": {},
            "commit": None,
            "device": "cpu",
            "started": "2026-11-24",
            "duration_s": 1.0,
            "peak_memory_bytes": 1,
            "sides": {side: side_record | {"n_users": len(rank)} for side, rank in ranks.items()},
            "epochs": [],
            **of,
        }
        folder = self.store.folder(name, dataset, seed, record["hash"])
        self.store.write(folder, record, frames)
        self.entries.append((folder, record))
        return folder

    def add_failed(self, message="no luck", **of):
        error = {"type": "RuntimeError", "message": message, "traceback": ""}
        return self.add(status="failed", error=error, **of)

    def table(self, metrics=METRICS, tested="MRR", **options):
        return build(self.entries, self.store, metrics, tested=tested, **options)

    def rows(self, **options):
        return {(row.model, row.side): row for row in self.table(**options).rows}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def pair(bench):
    """Alone, both models rank all six items second; together, the domain side ranks them first, the LLM fourth."""
    bench.add("sasrec", domain_ranks=[2] * 6)
    bench.add(llm="llama", llm_ranks=[2] * 6)
    bench.add("sasrec", "llama", domain_ranks=[1] * 6, llm_ranks=[4] * 6)
    return bench
