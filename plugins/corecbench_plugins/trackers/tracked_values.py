"""The names and values that every tracker logs for a cell."""

from __future__ import annotations

from typing import Any

from corecbench.api import CellFacts, CellResult, EpochRecord, UsageError

SIDE_VALUES = ("n_users", "best_epoch", "validation", "train_s", "trainable_parameters", "inference_ms_per_user")
"""Keys of a side's record that are logged beside its metrics."""
CELL_VALUES = ("duration_s", "peak_memory_bytes")
"""Keys of a cell's result that are logged."""


def run_name(cell: CellFacts) -> str:
    """Return the name of a cell's run, such as "ml-100k/sasrec+llama+bdlm/seed0"."""
    return f"{cell['dataset']}/{cell['name']}/seed{cell['seed']}"


def cell_settings(cell: CellFacts) -> dict[str, Any]:
    """Return the facts of a cell, and "component.setting" -> value for its components."""
    values = {
        "dataset": cell["dataset"],
        "cell": cell["name"],
        "control": cell.get("control") or "",
        "seed": cell["seed"],
        "max_history": cell["max_history"],
        "hash": cell["hash"],
    }
    for component, settings in cell["settings"].items():
        values |= {f"{component}.{setting}": value for setting, value in settings.items()}
    return values


def epoch_values(record: EpochRecord) -> dict[str, float]:
    """Return loss, validation and duration of an epoch, under names that begin with the side.

    >>> epoch_values({"side": "llm", "epoch": 2, "loss": 3.5, "validation": 0.1, "duration_s": 9.0})
    {'llm/loss': 3.5, 'llm/validation NDCG@10': 0.1, 'llm/epoch_s': 9.0}
    """
    side = record["side"]
    return {
        f"{side}/loss": record["loss"],
        f"{side}/validation NDCG@10": record["validation"],
        f"{side}/epoch_s": record["duration_s"],
    }


def result_values(result: CellResult) -> dict[str, float]:
    """Return test metrics and costs of each side, and costs of the cell. A failed cell has costs only.

    >>> result_values({"sides": {"llm": {"metrics": {"MRR": 0.25}, "n_users": 9}}, "duration_s": 4.0})
    {'duration_s': 4.0, 'llm/test MRR': 0.25, 'llm/n_users': 9}
    """
    values: dict[str, Any] = {key: result.get(key) for key in CELL_VALUES}
    for side, record in result["sides"].items():
        values |= {f"{side}/test {metric}": value for metric, value in record["metrics"].items()}
        values |= {f"{side}/{key}": record.get(key) for key in SIDE_VALUES}
    return {name: value for name, value in values.items() if value is not None}


def failure_text(result: CellResult) -> str:
    """Return why a cell failed; "" if it did not."""
    return f"{result['error']['type']}: {result['error']['message']}" if result["error"] else ""


def missing_package(tracker: str, error: ImportError) -> UsageError:
    """Return the error for a tracker whose package is not installed."""
    return UsageError(f"tracker '{tracker}': {error}; install it by `pip install 'corecbench[{tracker}]'`")
