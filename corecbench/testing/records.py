"""A toy record: what is stored of a cell, for tests of what reads it, such as trackers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from corecbench.data.reduction import Reduction
from corecbench.results.record import SCHEMA, sides_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import CellRecord, CellResult


def toy_record(
    domain: str | None = "sasrec",
    llm: str | None = None,
    sharing: str | None = None,
    control: str | None = None,
    *,
    seed: int = 0,
    dataset: str = "toy",
    n_users: int = 2,
    combines: bool = False,
    train_share: float = 1.0,
    cold_items: float = 0.0,
    window: tuple[int, int] | None = None,
    side: Mapping[str, Any] | None = None,
    **fields: Any,
) -> CellResult:
    """Return the contents of the result.json of a cell, which went well unless `status` says otherwise.

    `domain=None` makes an LLM alone; a pair is under "bdlm" unless `sharing` says otherwise. A window is its number
    and that of all.
    `side` has fields of each side that are to be different, and `fields` those of the record.
    """
    sharing = (sharing or "bdlm") if domain and llm else None
    name = "+".join(part for part in (domain, llm, sharing, control) if part)
    cell: dict[str, Any] = {
        "name": name,
        "dataset": dataset,
        "domain": domain,
        "llm": llm,
        "sharing": sharing,
        "seed": seed,
    }
    cell |= {"control": control} if control else {}  # not there in older results
    cell |= {"combines": True} if combines else {}
    reduction = Reduction(train_share, cold_items, *(window or ()))
    cell |= {"dataset": reduction.name_of(dataset), **reduction.fields()}
    failed = fields.get("status") == "failed"
    of_side = {
        "metrics": {},
        "n_users": n_users,
        "epochs": 3,
        "best_epoch": 2,
        "validation": 0.1,
        "stopped_by": "patience",
        "train_s": 1.0,
        "trainable_parameters": 1,
        **(side or {}),
    }
    record = {
        "schema": SCHEMA,
        "status": "ok",
        "error": {"type": "RuntimeError", "message": "no luck", "traceback": "Traceback"} if failed else None,
        "cell": cell,
        "hash": "0123abcd",
        "settings": {},
        "protocol": {"split": "leave-one-out"},
        "data": {"fingerprint": "f", "split_fingerprint": "s"},
        "versions": {},
        "plugins": {},
        "commit": None,
        "device": "cpu",
        "started": "2026-11-24T16:00:00+00:00",
        "duration_s": 1.0,
        "peak_memory_bytes": 1,
        "sides": {} if failed else {name: dict(of_side) for name in sides_of(cast("CellRecord", cell))},
        "epochs": [],
        **fields,
    }
    return cast("CellResult", record)
