"""Changes bytes, tokens and structure of what was a good input."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

ODD_TEXTS = (
    *("", " ", "0", "-1", "1.5", "nan", "inf", "-inf", "1e999", "9" * 25, "true", "null", "[]", "{}", "a" * 300),
    *("\t", "\n", "\r", "\0", "\x1b[2J", "\u202e", "\ufeff", "é", "\U0001f600", '"', "'", ",", "=", ":", "~", "%s"),
    *("../x", "/etc/passwd"),
)
"""Texts that readers stumble over."""
ODD_VALUES = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    2**64,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    [],
    {},
    [[]],
)
"""Values that a structure may have in the place of others."""
TOKEN = re.compile(r"[A-Za-z0-9_]+|\s+|.", re.DOTALL)
ODD_BYTES = (b"\0", b"\xff", b"\x80", b"\n", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0" * 64)


def in_bytes(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with one or a few changes."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        start = draw.randrange(len(changed) + 1)
        end = min(len(changed), start + draw.choice((1, 1, 2, 4, 16, 256)))
        kind = draw.randrange(6)
        if kind == 0 and start < len(changed):
            changed[start] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del changed[start:end]
        elif kind == 2:
            changed[start:start] = changed[start:end]
        elif kind == 3:
            odd = draw.choice(ODD_BYTES)
            changed[start : start + len(odd)] = odd
        elif kind == 4:
            changed[start:end] = draw.randbytes(end - start)
        else:
            del changed[start:]
    return bytes(changed)


def in_tokens(data: bytes, draw: random.Random) -> bytes:
    """Return text in which words or signs are replaced, left out, repeated or exchanged."""
    tokens = TOKEN.findall(data.decode(errors="surrogateescape"))
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        place, other = (draw.randrange(len(tokens) or 1) for _ in range(2))
        kind = draw.randrange(5)
        if kind == 0:
            tokens[place : place + 1] = [draw.choice(ODD_TEXTS)]
        elif kind == 1:
            del tokens[place : place + draw.choice((1, 2, 10))]
        elif kind == 2:
            tokens[place:place] = tokens[place : place + draw.choice((1, 5, 50))]
        elif tokens:
            other = min(other, len(tokens) - 1)
            place = min(place, len(tokens) - 1)
            tokens[place], tokens[other] = tokens[other], tokens[place] if kind == 3 else tokens[other]
    return "".join(tokens).encode(errors="surrogateescape")


def in_structure(value: Any, draw: random.Random) -> Any:
    """Return nested dictionaries and lists in which something is replaced, left out, added or moved."""
    changed = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        holder, key = draw.choice(list(_places(changed)) or [([changed], 0)])
        kind = draw.randrange(5)
        if kind == 0:
            holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
        elif kind == 1:
            del holder[key]
        elif kind == 2:
            holder[key] = draw.choice((lambda old: [old], lambda old: {"x": old}, str))(holder[key])
        elif kind == 3 and isinstance(holder, dict):
            holder[draw.choice(ODD_TEXTS)] = copy.deepcopy(holder[key])
        else:
            other, its = draw.choice(list(_places(changed)))
            holder[key] = copy.deepcopy(other[its])
    return changed


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container and key of it, at any depth."""
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def in_any_way(
    data: bytes,
    draw: random.Random,
    decoded: Callable[[bytes], Any] | None = None,
    encoded: Callable[[Any], bytes] | None = None,
    is_text: bool = True,
) -> bytes:
    """Return an input that was changed in its bytes, its tokens or, where it can be decoded, its structure."""
    ways: list[Callable[[], bytes]] = [lambda: in_bytes(data, draw)]
    if is_text:
        ways.append(lambda: in_tokens(data, draw))
    if decoded is not None and encoded is not None:
        ways.append(lambda: encoded(in_structure(decoded(data), draw)))
    try:
        return draw.choice(ways)()
    except (TypeError, ValueError, OverflowError, LookupError, AttributeError):  # a structure that has no such text
        return in_bytes(data, draw)
