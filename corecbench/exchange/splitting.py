"""Writes the split of a data set into a folder, in the files that other libraries read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corecbench.api import UsageError
from corecbench.evaluation.protocol import protocol_on
from corecbench.exchange.layouts import LAYOUTS
from corecbench.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.data.loaded import SplitDataset
    from corecbench.settings.config import RunConfig

MANIFEST, README = "manifest.json", "README.txt"

TEXT = """\
The leave-one-out split of data set {name}, written by corecbench {version}.

Parts
  train        {n_train:,} interactions: all of users with fewer than 3, and all but the last two of the others
  validation   the second to last interaction of each of {n_users:,} users
  test         the last interaction of each of them
  items        {n_items:,} items with their texts

Train on train, and choose settings on validation. Rank all items for the test items, but leave out what the user
saw in train and in validation; both may be read as history. The rows of a user are in the order in which they
happened: keep it where times are equal (a stable sort does).

Files
{files}

{hint}

Bring lists of every tested user back, as CSV, Parquet or a TREC run with user, item and score:
  corecbench import lists.csv --dataset {dataset} --name my-model --seed 0

Longer lists tell more: a metric at a cutoff beyond the length of the lists has no value, and neither has MRR.
"""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a split as tables with ids, user by user, the oldest interaction first."""

    data: SplitDataset
    max_history: int
    """Number of most recent items of a history, where a layout lists histories."""

    @cached_property
    def _part(self) -> np.ndarray:
        """The part of each interaction, int64 [M]: 0 for training, 1 for validation, 2 for test."""
        user = self.data.dataset.user
        counts = np.bincount(user, minlength=self.data.catalog.n_users + 1)
        last = np.cumsum(counts)[self.data.split.users] - 1
        part = np.zeros(len(user), dtype=np.int64)
        part[last - 1], part[last] = 1, 2
        return part

    def _of(self, *parts: int) -> pd.DataFrame:
        dataset, chosen = self.data.dataset, np.isin(self._part, parts)
        user_ids, item_ids = (
            np.array(ids, dtype=object) for ids in (dataset.catalog.user_ids, dataset.catalog.item_ids)
        )
        return pd.DataFrame(
            {
                "user_id": user_ids[dataset.user[chosen]],
                "item_id": item_ids[dataset.item[chosen]],
                "timestamp": dataset.timestamp[chosen],
            }
        )

    @cached_property
    def train(self) -> pd.DataFrame:
        """The training interactions: user_id, item_id, timestamp."""
        return self._of(0)

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation item of each tested user, with the same columns."""
        return self._of(1)

    @cached_property
    def test(self) -> pd.DataFrame:
        """The test item of each tested user, with the same columns."""
        return self._of(2)

    @cached_property
    def all(self) -> pd.DataFrame:
        """All interactions in order, with the same columns and `part`: 0, 1 or 2."""
        return self._of(0, 1, 2).assign(part=self._part)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items: item_id, title."""
        catalog = self.data.catalog
        return pd.DataFrame({"item_id": catalog.item_ids[1:], "title": catalog.item_texts[1:]}, dtype=str)


def write_split(data: SplitDataset, config: RunConfig, format_: str, out: Path) -> dict[str, Any]:
    """Write the parts of a split, a README and a manifest, and return the manifest.

    Args:
        data: the data set.
        config: its settings.
        format_: the name of one of LAYOUTS.
        out: the folder, which is made; it must be empty.

    Raises:
        UsageError: the folder is not empty, or ids cannot stand in the files of the format.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: not an empty folder; choose another one for the split")
    parts = Parts(data, config.max_history_on(data.whole_name))
    out.mkdir(parents=True, exist_ok=True)
    layout = LAYOUTS[format_]
    layout.write(parts, out)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    counts = {"n_train": len(parts.train), "n_users": len(parts.test), "n_items": len(parts.items)}
    text = TEXT.format(
        name=data.name,
        version=__version__,
        dataset=config.datasets[0],
        files="\n".join(f"  {path.relative_to(out).as_posix()}" for path in files),
        hint=layout.hint.format(name=data.name),
        **counts,
    )
    (out / README).write_text(text, encoding="utf-8")
    manifest = {
        "dataset": data.name,
        "format": format_,
        "fingerprint": data.dataset.fingerprint,
        "split_fingerprint": data.split.fingerprint,
        "protocol": protocol_on(data.whole_name, config),
        "k_core": data.dataset.facts["k_core"],
        "training_interactions": counts["n_train"],
        "tested_users": counts["n_users"],
        "items": counts["n_items"],
        "corecbench": __version__,
        "files": {
            path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        },
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest
