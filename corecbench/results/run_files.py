"""The settings and run files that make stored results again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from corecbench.data.reduction import reduction_of, whole_dataset
from corecbench.evaluation.protocol import split_settings, users_setting
from corecbench.results.record import model_of, settings_in, variant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corecbench.api import CellResult

Settings = dict[str, Any]

LISTS = {"models": "domain", "llms": "llm", "sharing": "sharing", "controls": "control"}
"""Key of a run file -> the part of a cell that it lists."""


def run_files(benchmark: str, records: Sequence[CellResult]) -> list[str]:
    import tomlkit

    return [tomlkit.dumps(values) for values in run_settings(benchmark, records)]


def run_settings(benchmark: str, records: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Return the fields of a `RunConfig` for each group of data sets, or models, for which the same was run.

    A sharing module with other settings for each model makes each a group. Every setting is stated, also those that
    are defaults. Results of earlier versions know a data set that is a folder only by the last part of its path,
    which stands here.
    """
    groups: list[tuple[dict[str, Any], list[CellResult]]] = []
    for dataset in _distinct(record["cell"]["dataset"] for record in records):
        for found in _by_model([record for record in records if record["cell"]["dataset"] == dataset]):
            alike = _alike(found)
            group = next((earlier for earlier in groups if earlier[0] == alike), None)
            if group is None:
                groups.append((alike, found))
            else:
                group[1].extend(found)
    return [
        {"benchmark": benchmark, "datasets": _datasets(group), **alike, **_settings(group)}
        for alike, group in groups
    ]


def _by_model(records: Sequence[CellResult]) -> list[list[CellResult]]:
    """Return the results of one data set, by model if a sharing module has other settings with another one."""
    found: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for label, setting, value, _ in settings_in(record):
            if model_of(record, label):
                found.setdefault((label, setting), set()).add(repr(value))
    if all(len(values) == 1 for values in found.values()):
        return [list(records)]
    models = _distinct(record["cell"]["domain"] for record in records)
    return [[record for record in records if (record["cell"]["domain"] or models[0]) == model] for model in models]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _datasets(records: Sequence[CellResult]) -> list[str]:
    return _distinct(_run(record).get("dataset", whole_dataset(record["cell"])) for record in records)


def _run(record: CellResult) -> Mapping[str, Any]:
    return record.get("run", {})


def _alike(records: Sequence[CellResult]) -> dict[str, Any]:
    """Return the entries that a run file states once, from the results on one data set."""
    reduction = reduction_of(records[0]["cell"])
    lists = {key: _distinct(record["cell"].get(part) for record in records) for key, part in LISTS.items()}
    run, protocol = _run(records[0]), records[0]["protocol"]
    once = {
        "solo_llms": False if lists["llms"] and all(record["cell"].get("domain") for record in records) else None,
        "references": False,  # those that are stored stand among the models
        "metrics": run.get("metrics"),
        "top_k": run.get("top_k"),
        "threads": run.get("threads"),
        "repeats": protocol.get("repeated pairs"),
        **split_settings(protocol),
        "validation_users": users_setting(protocol, int(records[0]["data"].get("n_users", 0))),
        "k_core": records[0]["data"].get("k_core"),
        "device": records[0]["device"],
        "train_shares": [reduction.train_share] if reduction.train_share != 1 else None,
        "selection": protocol.get("selection", "all-users") if reduction.train_share != 1 else None,
        "cold_items": reduction.cold_items or None,
    }
    return {
        **{key: names for key, names in lists.items() if names},
        "seeds": sorted({record["cell"]["seed"] for record in records}),
        **{key: value for key, value in once.items() if value is not None},
    }


def _settings(records: Sequence[CellResult]) -> dict[str, Any]:
    """Return the settings that hold everywhere, and those of a data set where they differ."""
    histories: dict[str, Settings] = {}
    by_label: dict[tuple[str, str | None, str], dict[str, Settings]] = {}
    for record in records:
        dataset, protocol = whole_dataset(record["cell"]), record["protocol"]
        kept = {"max_history": "max_history", "item text": "item_text"}
        histories[dataset] = {key: protocol[name] for name, key in kept.items() if name in protocol}
        run = _run(record)
        for label, values in {**run.get("dataset_settings", {}), **run.get("alone", {})}.items():
            base = variant_of(record, label)
            known = by_label.setdefault((label, base, "settings"), {}).setdefault(dataset, {})
            known.update({setting: value for setting, value in values.items() if value is not None})
        for label, setting, value, in_pairs in settings_in(record):
            base = variant_of(record, label)
            known = by_label.setdefault((label, base, "in_pairs" if in_pairs else "settings"), {})
            known.setdefault(dataset, {}).update({} if value is None else {setting: value})
    common, rest = _apart(histories)
    run_file: dict[str, Any] = {**common, "settings": {}, "in_pairs": {}, "variants": {}}
    per_dataset: dict[str, Any] = {dataset: dict(own) for dataset, own in rest.items()}
    datasets = histories.keys()
    for (label, base, kind), by_dataset in by_label.items():
        common, rest = _apart({dataset: by_dataset.get(dataset, {}) for dataset in datasets})
        name = label if base else re.split("[:@]", label, maxsplit=1)[0]
        if base and kind == "settings":
            run_file["variants"][name] = {"of": base, **common}
        elif common:
            run_file[kind][name] = common
        for dataset, own in rest.items():
            per_dataset.setdefault(dataset, {}).setdefault(kind, {})[name] = own
    return {key: value for key, value in {**run_file, "per_dataset": per_dataset}.items() if value != {}}


def _apart(by_name: Mapping[str, Settings]) -> tuple[Settings, dict[str, Settings]]:
    """Return the settings that all have in common, and the other settings of each that has some.

    >>> _apart({"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1}})
    ({'x': 1}, {'a': {'y': 2}, 'b': {'y': 3}})
    """
    first, *others = by_name.values()
    common = {key: value for key, value in first.items() if all(key in one and one[key] == value for one in others)}
    rest = {
        name: {key: value for key, value in settings.items() if key not in common}
        for name, settings in by_name.items()
    }
    return common, {name: own for name, own in rest.items() if own}
