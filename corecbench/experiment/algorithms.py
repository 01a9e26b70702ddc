"""The algorithms that a cell is computed by, as they stand in its hash and in its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.api import PROJECT, Training
from corecbench.version import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from corecbench.plugin.selected import Selected

UNNUMBERED = "0.2.0"
"""The version of all our algorithms before each had a number. The number 1 is hashed as this text, so that stored
cells keep their hash."""

UNHASHED = frozenset(
    {
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",  # smollm2-135m-instruct
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",  # gemma3-270m
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",  # all-minilm-l6-v2
        "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",  # its architecture
        "6e165478604a3102a258b0812cbcfe05f46dfbd2bdaa38749b7e4c0a72ab44fc",  # its tokenizer
    }
)
"""Checksums of the packaged weights before fingerprints were hashed. They are left out, so that stored cells keep
their hash."""


def number_of(selected: Selected) -> int | None:
    number = selected.component.algorithm
    return 1 if number is None and selected.plugin.distribution == PROJECT else number


def version_of(selected: Selected) -> str:
    number = number_of(selected)
    if number is None:
        return selected.plugin.version
    ours = selected.plugin.distribution == PROJECT
    return UNNUMBERED if ours and number == 1 else f"algorithm {number}"


def core_algorithms(
    domain: Selected | None,
    llm: Selected | None,
    sharing: Selected | None,
    control: Selected | None,
    split: str = "leave-one-out",
) -> dict[str, int]:
    """Return the algorithms of the core that a cell uses, with their numbers."""
    draws_items = domain is not None and isinstance(domain.config, Training) and domain.config.negatives > 0
    used = {
        "leave-one-out split": split == "leave-one-out",
        "split by time": split == "time",
        "full ranking": True,
        "training loop": any(part is not None and isinstance(part.config, Training) for part in (domain, llm)),
        "pair training": sharing is not None,
        "score ensemble": sharing is not None and sharing.combines,
        "pair controls": control is not None,
        "item texts": llm is not None,
        "texts in scores": any(part is not None and part.content for part in (domain, sharing)),
        "rows that a loss reads": sharing is not None and draws_items,
    }
    return {name: ALGORITHMS[name] for name, is_used in used.items() if is_used}


def component_algorithms(parts: Iterable[Selected]) -> dict[str, int]:
    numbers = {part.label: number_of(part) for part in parts}
    return {name: number for name, number in numbers.items() if number is not None}


def hashed(algorithms: Mapping[str, int], components: Iterable[Selected]) -> dict[str, Any]:
    changed = {name: number for name, number in algorithms.items() if number > 1}
    read = {
        part.label: {name: value for name, value in part.fingerprint.items() if value not in UNHASHED}
        for part in components
    }
    known = {label: values for label, values in read.items() if values}
    return {**({"algorithms": changed} if changed else {}), **({"fingerprints": known} if known else {})}
