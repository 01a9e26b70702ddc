"""What a search tries for the settings of a component: what their marks say, else a space around the defaults."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

from corecbench.api import Choices, Follows, PluginError, Search
from corecbench.plugin.metadata import allowed, hints_of, marks_in

if TYPE_CHECKING:
    from collections.abc import Mapping

Mark = Search | Choices | Follows
SEARCHED = ("models", "sharing")
"""Kinds of components whose settings are searched."""
FACTOR, WHOLE_FACTOR, TENTH = 10, 2, 0.1


def search_space(config: type) -> dict[str, Mark]:
    """Return setting -> what is tried for it, without the settings that are never searched.

    Raises:
        PluginError: a mark does not fit.
    """
    hints, marks = hints_of(config), marks_of(config)
    space = {}
    for field in dataclasses.fields(config):
        if not field.init or field.default is dataclasses.MISSING:
            continue
        mark = marks.get(field.name) or around(field.default, hints[field.name])
        if mark is not None and mark != Choices(()):
            space[field.name] = with_default(mark, field.name, config)
    return space


def marks_of(config: type) -> dict[str, Mark]:
    """Return the marks of a config class, each from the last class that gives one."""
    found: dict[str, Mark] = {}
    for owner in reversed(config.__mro__):
        try:
            hints: Mapping[str, Any] = get_type_hints(owner, include_extras=True)
        except Exception:  # whatever evaluating a plugin's annotations raises
            hints = {}
        for name in inspect.get_annotations(owner):
            found.update((name, mark) for mark in marks_in(hints.get(name)) if isinstance(mark, Mark))
    return found


def around(default: object, hint: Any) -> Mark | None:
    """Return the space of a setting with a range and without a mark; None where there is none that makes sense.

    A number between two ends is searched over all of its range, any other one up to a factor around its default. A
    default of 0 often switches something off, and says nothing about what else to try.

    >>> from corecbench.api import Fraction, Natural, Positive
    >>> around(0.01, Positive)
    Search(low=0.001, high=0.1, log=True, when=None)
    >>> around(64, Natural), around(1, Natural)
    (Search(low=32, high=128, log=True, when=None), Search(low=1, high=2, log=True, when=None))
    >>> around(0.3, Fraction)
    Search(low=0.0, high=0.9, log=False, when=None)
    """
    limits = allowed(hint) if marks_in(hint) else {}
    if isinstance(default, bool) or not isinstance(default, int | float) or not limits:
        return None
    low, high = limits.get("minimum", limits.get("above")), limits.get("maximum", limits.get("below"))
    if isinstance(default, float) and low is not None and high is not None:
        margin = TENTH * (high - low)
        return Search(low + margin * ("above" in limits), round(high - margin * ("below" in limits), 12))
    if default <= 0:
        return None
    if isinstance(default, int):
        most = default * WHOLE_FACTOR if high is None else min(high, default * WHOLE_FACTOR)
        return Search(max(1, low or 1, default // WHOLE_FACTOR), most, log=True)
    return Search(float(f"{default / FACTOR:.3g}"), float(f"{default * FACTOR:.3g}"), log=True)


def with_default(mark: Mark, name: str, config: type) -> Mark:
    """Return a space with the default in it: it is what a search tries first.

    Raises:
        PluginError: a default of 0 on a logarithmic scale, or a mark that names a setting that is not there.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    default: Any = defaults[name]
    other = mark.setting if isinstance(mark, Follows) else name if mark.when is None else mark.when[0]
    if other not in defaults:
        raise PluginError(f"{config.__name__}.{name}: its mark names the setting {other!r}, which is not there")
    if isinstance(mark, Follows) or (mark.when is not None and defaults.get(mark.when[0]) not in mark.when[1]):
        return mark
    if isinstance(mark, Choices):
        return mark if default in mark.values else dataclasses.replace(mark, values=(*mark.values, default))
    if mark.log and default <= 0:
        raise PluginError(f"{config.__name__}.{name}: its default {default} has no place on the scale of {mark}")
    return dataclasses.replace(mark, low=min(mark.low, default), high=max(mark.high, default))


def holds(mark: Mark, value: Any) -> bool:
    if isinstance(mark, Follows):
        return False
    return value in mark.values if isinstance(mark, Choices) else bool(mark.low <= value <= mark.high)


def limits_of(config: type, name: str) -> dict[str, Any]:
    return allowed(hints_of(config)[name])


def shown_space(mark: Mark) -> str:
    """Return a space in a few words.

    >>> print(shown_space(Search(5e-4, 5e-3, log=True)), shown_space(Choices((64, 128))), sep="; ")
    0.0005 to 0.005, by factors; 64, 128
    >>> print(shown_space(Follows("embedding_size", 4)), shown_space(Search(1, 2, when=("loss", ("a",)))), sep="; ")
    4 times embedding_size; 1 to 2, where loss is 'a'
    """
    if isinstance(mark, Follows):
        return f"{mark.times} times {mark.setting}" if mark.times != 1 else f"as {mark.setting}"
    if isinstance(mark, Choices):
        text = ", ".join(str(value) for value in mark.values)
    else:
        text = f"{mark.low:g} to {mark.high:g}{', by factors' if mark.log else ''}"
    if mark.when is None:
        return text
    return f"{text}, where {mark.when[0]} is {' or '.join(map(repr, mark.when[1]))}"
