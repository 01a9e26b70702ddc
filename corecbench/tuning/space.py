"""Asks a trial for settings, and says whether the best ones lie on the edge of what was searched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from corecbench.api import Choices, Follows, Search
from corecbench.plugin.search_space import limits_of, search_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.trial import Trial

    from corecbench.plugin.search_space import Mark
    from corecbench.plugin.selected import Selected

FEWEST = 3
"""With fewer values, each of them is an end."""
EDGE = 0.02
"""A number this near to an end of its range, as a share of the range, lies on the edge."""


def space_of(selected: Selected, given: Mapping[str, Any]) -> dict[str, Mark]:
    config = selected.component.config
    space = {} if config is None else {key: m for key, m in search_space(config).items() if key not in given}
    return {name: mark for name, mark in space.items() if can_apply(mark, space, selected.config)}


def can_apply(mark: Mark, space: Mapping[str, Mark], config: Any) -> bool:
    if isinstance(mark, Follows):
        return mark.setting in space and can_apply(space[mark.setting], space, config)
    if mark.when is None:
        return True
    name, values = mark.when
    return can_apply(space[name], space, config) if name in space else getattr(config, name) in values


def suggest(trial: Trial, label: str, space: Mapping[str, Mark], config: Any) -> dict[str, Any]:
    """Return the settings of a component that a trial suggests, where each is called "label.setting".

    What depends on a setting that is not suggested follows the config.
    """
    values: dict[str, Any] = {}
    for name, mark in sorted(space.items(), key=lambda item: turn(item[1])):
        if isinstance(mark, Follows):
            if mark.setting in values:
                values[name] = mark.times * values[mark.setting]
        elif mark.when is None or values.get(mark.when[0], getattr(config, mark.when[0])) in mark.when[1]:
            values[name] = ask(trial, f"{label}.{name}", mark)
    return values


def turn(mark: Mark) -> int:
    return 2 if isinstance(mark, Follows) else int(mark.when is not None)


def ask(trial: Trial, name: str, mark: Search | Choices) -> Any:
    if isinstance(mark, Choices):
        return trial.suggest_categorical(name, mark.values)
    if isinstance(mark.low, int) and isinstance(mark.high, int):
        return trial.suggest_int(name, mark.low, mark.high, log=mark.log)
    return rounded(trial.suggest_float(name, mark.low, mark.high, log=mark.log))


def rounded(value: float) -> float:
    """Return a number with three significant digits.

    >>> rounded(0.0012345), rounded(0.30000000000000004)
    (0.00123, 0.3)
    """
    return float(f"{value:.3g}")


def on_edge(mark: Mark, value: Any, limits: Mapping[str, Any]) -> str | None:
    """Return which end of its space a value lies on, None inside and at an end that the setting cannot go beyond.

    >>> on_edge(Search(1e-4, 1e-2, log=True), 0.00995, {"above": 0})
    'highest'
    >>> on_edge(Search(1, 3), 1, {"minimum": 1}), on_edge(Choices((64, 128, 256)), 64, {"minimum": 1})
    (None, 'lowest')
    """
    if isinstance(mark, Follows) or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(mark, Choices):
        if len(mark.values) < FEWEST or not all(isinstance(each, int | float) for each in mark.values):
            return None
        low, high = min(mark.values), max(mark.values)
        place = float(value > low) if value in (low, high) else 0.5
    else:
        low, high = mark.low, mark.high
        if isinstance(low, int) and isinstance(high, int) and high - low + 1 < FEWEST:
            return None
        low_, high_, value_ = (math.log(each) if mark.log else each for each in (low, high, value))
        place = (value_ - low_) / (high_ - low_)
    if place <= EDGE and low > limits.get("minimum", -math.inf):
        return "lowest"
    if place >= 1 - EDGE and high < limits.get("maximum", math.inf):
        return "highest"
    return None


def edges(selected: Selected, label: str, space: Mapping[str, Mark], found: Mapping[str, Any]) -> list[str]:
    config, said = selected.component.config, []
    for name, mark in space.items():
        if config is not None and name in found:
            end = on_edge(mark, found[name], limits_of(config, name))
            if end is not None:
                said.append(f"{label}.{name} = {found[name]} is the {end} value that was searched")
    return said
