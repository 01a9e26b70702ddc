"""What is tracked of a cell, as flat names and values: the same for every tracker."""

from __future__ import annotations

from typing import Any

from corecbench.api import CellFacts, CellResult, EpochRecord, UsageError

OF_SIDES = ("n_users", "best_epoch", "validation", "train_s", "trainable_parameters", "inference_ms_per_user")
OF_CELLS = ("duration_s", "peak_memory_bytes")


def title(cell: CellFacts) -> str:
    """Return a name such as "ml-100k/sasrec+llama+bdlm/seed0"."""
    return f"{cell['dataset']}/{cell['name']}/seed{cell['seed']}"


def settings(cell: CellFacts) -> dict[str, Any]:
    """Return the cell's own facts, and "component.setting" -> value for its components."""
    facts = {
        "dataset": cell["dataset"],
        "cell": cell["name"],
        "control": cell.get("control") or "",
        "seed": cell["seed"],
        "max_history": cell["max_history"],
        "hash": cell["hash"],
    }
    for label, values in cell["settings"].items():
        facts |= {f"{label}.{key}": value for key, value in values.items()}
    return facts


def of_epoch(record: EpochRecord) -> dict[str, float]:
    """Return what an epoch gave, by side.

    >>> of_epoch({"side": "llm", "epoch": 2, "loss": 3.5, "validation": 0.1, "duration_s": 9.0})
    {'llm/loss': 3.5, 'llm/validation NDCG@10': 0.1, 'llm/epoch_s': 9.0}
    """
    values = {"loss": "loss", "validation NDCG@10": "validation", "epoch_s": "duration_s"}
    return {f"{record['side']}/{name}": record[key] for name, key in values.items()}


def of_result(result: CellResult) -> dict[str, float]:
    """Return the test metrics of both sides and what they cost; of a failed cell, its cost only.

    >>> of_result({"sides": {"llm": {"metrics": {"MRR": 0.25}, "n_users": 9}}, "duration_s": 4.0})
    {'duration_s': 4.0, 'llm/test MRR': 0.25, 'llm/n_users': 9}
    """
    found = {key: result.get(key) for key in OF_CELLS}
    for side, facts in result["sides"].items():
        found |= {f"{side}/test {name}": value for name, value in facts["metrics"].items()}
        found |= {f"{side}/{key}": facts.get(key) for key in OF_SIDES}
    return {name: value for name, value in found.items() if value is not None}


def failure(result: CellResult) -> str:
    """Return why a cell failed, "" if it did not."""
    return f"{result['error']['type']}: {result['error']['message']}" if result["error"] else ""


def missing(tracker: str, error: ImportError) -> UsageError:
    """Return the error for a tracker whose package is not installed."""
    return UsageError(f"tracker '{tracker}': {error}; install it by `pip install 'corecbench[{tracker}]'`")
