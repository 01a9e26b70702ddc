"""Ids that are written in several ways, such as "7", "7 " and "7.0"."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = re.compile("[\u200b\u2060\ufeff]")
"""Characters without width that mean nothing in any script."""
WHOLE = re.compile(r"([+-]?\d+)\.0+", re.ASCII)


def plain_id(text: str) -> str:
    r"""Return an id in Unicode's composed form, without hidden characters, blanks around it and a trailing ".0".

    >>> plain_id("7.0"), plain_id(" a\u00a0b\u200b "), plain_id("cafe\u0301") == "caf\u00e9"
    ('7', 'a b', True)
    """
    text = " ".join(unicodedata.normalize("NFC", HIDDEN.sub("", text)).split())
    match = WHOLE.fullmatch(text)
    return match[1] if match else text


def alike_ids(ids: Iterable[str]) -> list[list[str]]:
    """Return the groups of different ids that are one in their plain form.

    >>> alike_ids(["7", "8", "7.0", "7 "])
    [['7', '7.0', '7 ']]
    """
    ids = list(dict.fromkeys(ids))
    together = "".join(ids)
    if together.isascii() and together.isprintable() and not {" ", "."} & set(together):
        return []
    groups: dict[str, list[str]] = {}
    for text in ids:
        groups.setdefault(plain_id(text), []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def alike_in_words(what: str, ids: Iterable[str], remedy: str = "") -> str:
    """Return how many ids are another one but for how they are written, "" if none is.

    >>> alike_in_words("user ids", ["7", "8"]), alike_in_words("user ids", ["7", "7 "])[:40]
    ('', '2 user ids differ from another one in bl')
    """
    groups = alike_ids(ids)
    if not groups:
        return ""
    one, other = groups[0][:2]
    return (
        f"{sum(map(len, groups))} {what} differ from another one in blanks, hidden characters, Unicode form or "
        f"'.0' only, such as {one!a} and {other!a}{remedy and '; '}{remedy}"
    )
