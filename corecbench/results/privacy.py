"""Keeps what belongs to the user alone out of results: the home folder, tokens, and passwords in addresses."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TypeVar, cast

Value = TypeVar("Value")

SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY", re.IGNORECASE)
"""How variables of the environment are named whose values are secret."""
LEAST = 8
"""Fewest characters of a secret; a shorter one may be any word."""
LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
"""Name and password in an address."""


def without_private(value: Value) -> Value:
    """Return a record, or a part of one, in which texts have `~` for the home folder and no secrets."""
    private = _private()

    def clean(part: object) -> object:
        if isinstance(part, str):
            return _replaced(part, private)
        if isinstance(part, dict):
            return {clean(key): clean(each) for key, each in part.items()}
        return [clean(each) for each in part] if isinstance(part, list) else part

    return cast("Value", clean(value))


def is_private(text: str) -> bool:
    return _replaced(text, _private()) != text


def hides(text: str) -> bool:
    return any(sign in text for sign in ("~", "$", "***@"))


def _private() -> dict[str, str]:
    secrets = {text: f"${name}" for name, text in os.environ.items() if SECRET.search(name) and len(text) >= LEAST}
    try:
        home = str(Path.home()).rstrip(os.sep)
    except RuntimeError:  # the user has none
        home = ""
    return {**secrets, home: "~"} if home else secrets


def _replaced(text: str, private: dict[str, str]) -> str:
    for own, shown in private.items():
        if own in text:
            end = r"(?![\w.-])" if shown == "~" else ""  # not of another folder whose name begins like it
            text = re.sub(re.escape(own) + end, lambda _, shown=shown: shown, text)  # type: ignore[misc]
    return LOGIN.sub("***@", text) if "://" in text else text
