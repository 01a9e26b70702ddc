"""Turns plain values into a frozen config class, or says which value does not fit and why."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from corecbench.api import UsageError
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Config = TypeVar("Config")


def configure(config_class: type[Config], values: Mapping[str, Any], owner: str) -> Config:
    """Return a config with the given values, converted to the types of its annotations, and its defaults.

    Raises:
        UsageError: a setting is unknown, or a value does not fit its type.
    """
    fields = {f.name: f for f in dataclasses.fields(config_class) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise unknown(f"setting of {owner}", key, fields)
    for key, setting in fields.items():
        required = setting.default is dataclasses.MISSING and setting.default_factory is dataclasses.MISSING
        if required and key not in values:
            raise UsageError(f"{owner} needs a value for {key!r}")
    hints = get_type_hints(config_class, include_extras=True)
    checked = {key: check(hints[key], value, f"{owner}.{key}") for key, value in values.items()}
    try:
        return config_class(**checked)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from error


def check(hint: Any, value: object, name: str) -> object:
    """Return a value converted to the type of its annotation.

    Raises:
        UsageError: the value does not fit. The message says what is allowed.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    if holds_bool(value) and not takes_bool(hint):
        raise UsageError(f"{name} is {str(value).lower()}, which does not fit: {shown(hint)} is needed")
    strictness = ConfigDict(allow_inf_nan=False, coerce_numbers_to_str=True, arbitrary_types_allowed=True)
    try:
        converted: object = TypeAdapter(hint, config=strictness).validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        reason = problem["msg"].splitlines()[0]
        raise UsageError(f"{name} is {value!r}, which does not fit: {reason[:1].lower()}{reason[1:]}") from error
    return converted


def holds_bool(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(holds_bool, value)))


def takes_bool(hint: object) -> bool:
    return hint in (bool, Any, object) or any(takes_bool(part) for part in get_args(hint))


def shown(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that does not exist, with a close match and all names that exist.

    >>> print(unknown("sharing module", "bdml", ["none", "bdlm"]))
    unknown sharing module 'bdml'; did you mean 'bdlm'? have: bdlm, none
    """
    have = sorted(set(known))
    by_lower = {candidate.lower(): candidate for candidate in have}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    hint = f" did you mean '{by_lower[close[0]]}'?" if close else ""
    return UsageError(f"unknown {what} '{printable(name)}';{hint} have: {', '.join(have) or 'none at all'}")
