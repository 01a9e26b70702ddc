"""What is known of a cell before it is trained, as its record says it. Works without torch."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.evaluation.protocol import protocol_on
from corecbench.experiment import process
from corecbench.experiment.accounts import account_of
from corecbench.experiment.cells import Cell, record_of, settings_of
from corecbench.results.record import SCHEMA

if TYPE_CHECKING:
    from corecbench.api import RunRecord
    from corecbench.data.loaded import SplitDataset
    from corecbench.experiment.plan import Plan


def describe(cell: Cell, plan: Plan) -> dict[str, Any]:
    """Return what is known of a cell before it is trained."""
    data, config = cell.data, plan.config
    return {
        "schema": SCHEMA,
        "cell": record_of(cell),
        "hash": cell.hash,
        "settings": {part.label: settings_of(part) for part in cell.recorded},
        **({"in_pairs": in_pairs} if (in_pairs := plan.in_pairs(cell)) else {}),
        **({"tuning": tuning} if (tuning := account_of(cell, config)) else {}),
        "protocol": protocol_on(data, config),
        "data": {
            "fingerprint": data.dataset.fingerprint,
            "split_fingerprint": data.split.fingerprint,
            **data.facts,
            **reduced_facts(data),
        },
        **code(),
        "plugins": {
            part.label: {
                "distribution": part.plugin.distribution,
                "version": part.plugin.version,
                **({"variant_of": part.name} if part.is_variant else {}),
            }
            for part in cell.recorded
        },
        "device": config.device,
        "algorithms": dict(cell.algorithms),
        "fingerprints": {part.label: dict(part.fingerprint) for part in cell.components if part.fingerprint},
        "run": run_of(cell, plan),
    }


def run_of(cell: Cell, plan: Plan) -> RunRecord:
    """Return what it takes to run a cell again, as far as it is known before."""
    source, alone = cell.data.selected, plan.alone(cell)
    settings = {key: value for key, value in settings_of(source).items() if key != source.component.argument}
    record: RunRecord = {
        "dataset": source.label,
        "dataset_settings": {source.name: settings} if settings else {},
        "metrics": list(plan.config.metrics),
        "top_k": plan.config.top_k,
    }
    return {**record, "alone": alone} if alone else record


def reduced_facts(data: SplitDataset) -> dict[str, int]:
    if not data.reduction:
        return {}
    return {
        "training_users": len(np.unique(data.train.user)),
        "training_items": len(np.unique(data.train.item)),
        "training_interactions": len(data.train.user),
    }


@functools.cache
def code() -> dict[str, Any]:
    return {"versions": process.versions(), "commit": process.commit()}
