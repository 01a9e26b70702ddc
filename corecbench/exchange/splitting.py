"""Writes the split of a data set into a folder, in the files that other libraries read."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.data.archive import sha256_of
from corecbench.evaluation.protocol import protocol_on
from corecbench.exchange.layouts import LAYOUTS
from corecbench.exchange.parts import Parts
from corecbench.toolkit import printable
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from corecbench.data.loaded import SplitDataset
    from corecbench.settings.config import RunConfig

MANIFEST, README = "manifest.json", "README.txt"

TEXT = """\
The leave-one-out split of data set {name}, written by corecbench {version}.

Parts
  train        {n_train:,} interactions: {of_train}
  validation   the second to last interaction of each of {n_validated:,} users
  test         the last interaction of each of {n_users:,} users
  items        {n_items:,} items with their texts{left_out}

Train on train, and choose settings on validation. Rank all items for the test items, but leave out what the user
saw in {seen}. The rows of a user are in the order in which they
happened: keep it where times are equal (a stable sort does).{again}

Files
{files}

{hint}

Bring lists of every tested user back, as CSV, Parquet or a TREC run with user, item and score:
  corecbench import lists.csv --dataset {dataset} --name my-model --seed 0{refit_setting}

Longer lists tell more: a metric at a cutoff beyond the length of the lists has no value, and neither has MRR.
"""

OF_TRAIN = "all of users with fewer than 3, and all but the last two of the others"
OF_TRAIN_RANDOM = "all of users who are not ranked, and of the others all before the time of a held-out item"
LEFT_OUT = """
  left_out     {n_left_out:,} interactions in no part because of equal times; train on none of them"""
SEEN = "train and in validation; both may be read as history"
SEEN_RANDOM = """train, in validation and in left_out; what is older than the
test item may be read as history. In validation, the same holds for the validation item, and the test item is a
candidate. A hash of user and item orders what a user did at the same time"""


TEXT_BY_TIME = """\
The split by time of data set {name}, written by corecbench {version}.

Parts
  train        {n_train:,} interactions, all before {validation_begins}
  validation   {target} from there to {test_begins} of each of {n_validated:,} users with a history
  test         {target} from {test_begins} on of each of {n_users:,} users with a history
  left_out     {n_left_out:,} other interactions from {validation_begins} on; train on none of them
  items        {n_items:,} items with their texts; learn nothing of those that are not in train

Train on train, and choose settings on validation. A user's history is all that the user did before the item that is
ranked, from every part. Interactions of one time have no order, so others of the ranked item's time are neither
history nor candidates. Candidates are all other items that somebody has interacted with by the time of the
item.{again}

Files
{files}

{hint}

Bring lists of every tested user back, as CSV, Parquet or a TREC run with user, item and score:
  corecbench import lists.csv --dataset {dataset} --name my-model --seed 0 --split time --set run.cut={cut} \\
    --set run.target={target_setting}{window_setting}{refit_setting}
"""
AGAIN = """

When all is chosen, train again on everything before {until}, whatever part it is in."""


def options_of(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield settings as options of the command line.

    >>> list(options_of({"csv": {"user": "who", "normalise_ids": True}}))
    ['--set', 'csv.user=who', '--set', 'csv.normalise_ids=true']
    """
    for component, values in settings.items():
        for name, value in values.items():
            yield from ("--set", f"{component}.{name}={value if isinstance(value, str) else json.dumps(value)}")


def write_split(data: SplitDataset, config: RunConfig, format_: str, out: Path) -> dict[str, Any]:
    """Write the parts of a split, a README and a manifest into an empty folder, and return the manifest.

    Raises:
        UsageError: the folder is not empty, or ids cannot stand in the files of the format.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: not an empty folder; choose another one for the split")
    parts = Parts(data.choosing, config.max_history_on(data.whole_name))
    out.mkdir(parents=True, exist_ok=True)
    layout = LAYOUTS[format_]
    layout.write(parts, out)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    names = {"train": "train", "users": "test", "items": "items", "validated": "validation", "left_out": "left_out"}
    counts: dict[str, Any] = {f"n_{what}": len(parts.tables.get(name, ())) for what, name in names.items()}
    by_hash = config.ties == "random"
    counts |= {name: value for name, value in data.split.facts.items() if name.endswith("_begins")}
    text = (TEXT_BY_TIME if data.split.by_time else TEXT).format(
        target="an interaction" if config.target == "random" else f"the {config.target} interaction",
        target_setting=config.target,
        window_setting=f" --set run.windows={config.windows} --set run.window={config.window}"
        if config.windows > 1
        else "",
        refit_setting="" if config.refit is None else f" --set run.refit={str(config.refit).lower()}",
        again=AGAIN.format(until=counts.get("test_begins", "a user's test item")) * config.refits,
        cut=",".join(config.cut),
        name=data.name,
        version=__version__,
        dataset=" ".join(map(shlex.quote, [config.datasets[0], *options_of(data.given(config))])),
        files="\n".join(f"  {path.relative_to(out).as_posix()}" for path in files),
        hint=layout.hint.format(name=data.name),
        of_train=OF_TRAIN_RANDOM if by_hash else OF_TRAIN,
        left_out=LEFT_OUT.format(**counts) if counts["n_left_out"] else "",
        seen=SEEN_RANDOM if by_hash else SEEN,
        **counts,
    )
    (out / README).write_text(printable(text, kept="\n"), encoding="utf-8", newline="\n")
    manifest = {
        "dataset": data.name,
        "format": format_,
        "fingerprint": data.dataset.fingerprint,
        "split_fingerprint": data.split.fingerprint,
        "settings": data.given(config),
        "protocol": protocol_on(data, config),
        "k_core": data.dataset.facts["k_core"],
        "training_interactions": counts["n_train"],
        "tested_users": counts["n_users"],
        "validated_users": counts["n_validated"],
        "items": counts["n_items"],
        "corecbench": __version__,
        "files": {path.relative_to(out).as_posix(): sha256_of(path) for path in files},
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8", newline="\n")
    return manifest
