"""Turns plain values into a frozen config class, and says what does not fit."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Config = TypeVar("Config")


def configure(config_class: type[Config], values: Mapping[str, Any], owner: str) -> Config:
    """Return a config with the given values, its own defaults elsewhere.

    Args:
        config_class: a frozen dataclass; its annotations are checked and values brought to them.
        values: setting -> value.
        owner: whose settings they are, for messages.

    Raises:
        UsageError: an unknown setting, or a value that does not fit its type.
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


def check(hint: Any, value: Any, name: str) -> Any:
    """Return the value as its annotation wants it.

    Raises:
        UsageError: it does not fit; the message says what is allowed.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    if isinstance(value, bool) and not takes_bool(hint):
        raise UsageError(f"{name} is {str(value).lower()}, which does not fit: {shown(hint)} is needed")
    strictness = ConfigDict(allow_inf_nan=False, coerce_numbers_to_str=True, arbitrary_types_allowed=True)
    try:
        return TypeAdapter(hint, config=strictness).validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        reason = problem["msg"].splitlines()[0]
        raise UsageError(f"{name} is {value!r}, which does not fit: {reason[:1].lower()}{reason[1:]}") from error


def takes_bool(hint: Any) -> bool:
    """Return whether an annotation allows true and false, which would pass for 1 and 0 otherwise."""
    return hint in (bool, Any, object) or any(takes_bool(part) for part in get_args(hint))


def shown(hint: Any) -> str:
    """Return an annotation as a user may read it."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that does not exist, with close matches and all that do.

    >>> print(unknown("sharing module", "bdml", ["none", "bdlm"]))
    unknown sharing module 'bdml'; did you mean 'bdlm'? have: bdlm, none
    """
    have = sorted(set(known))
    lower = {candidate.lower(): candidate for candidate in have}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f" did you mean '{lower[close[0]]}'?" if close else ""
    return UsageError(f"unknown {what} '{name}';{hint} have: {', '.join(have) or 'none at all'}")
