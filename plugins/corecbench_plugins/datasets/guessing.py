"""Which columns of a table are probably users, items, times and titles, by their names."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = {
    "user": ("user", "customer", "client", "member", "account", "visitor", "reviewer", "buyer", "session"),
    "item": ("item", "product", "sku", "asin", "article", "movie", "book", "track", "song", "game"),
    "timestamp": ("timestamp", "datetime", "time", "date", "when", "created", "bought", "ordered", "viewed", "day"),
    "title": ("title", "name", "description"),
}
"""Setting -> words in the names of its columns, the surest first."""


def guess(columns: Sequence[str]) -> dict[str, str]:
    """Return setting -> the column that its name fits best, each column once.

    >>> guess(["customer_id", "SKU", "rating", "bought_when", "product_name"])
    {'user': 'customer_id', 'item': 'SKU', 'timestamp': 'bought_when', 'title': 'product_name'}
    """
    found: dict[str, str] = {}
    for setting, words in WORDS.items():
        left = [column for column in columns if column not in found.values()]
        ranked = [(rank(column, words, setting), place, column) for place, column in enumerate(left)]
        best = min((each for each in ranked if each[0] is not None), default=None)
        if best is not None:
            found[setting] = best[2]
    return found


def rank(column: str, words: Sequence[str], setting: str) -> int | None:
    """Return how well a name fits, 0 best; None if no word is in it. "product_name" is no id of a product."""
    name = re.sub(r"[^a-z]", "", column.lower())
    if setting in ("user", "item") and any(word in name for word in WORDS["title"]):
        return None
    for place, word in enumerate(words):
        if name in (word, f"{word}id", f"parent{word}"):
            return place
    return next((len(words) + place for place, word in enumerate(words) if word in name), None)


def line(component: str, columns: Sequence[str]) -> str:
    """Return the options that name the guessed columns, or what separates them; "" if neither can be guessed.

    >>> line("csv", ["who", "item"]), line("csv", ["client", "item"]), line("csv", ["user;item"])
    ('', "--set csv.user=client --set csv.item=item --set csv.timestamp=''", "--set csv.separator=';'")
    """
    if component == "csv" and len(columns) == 1 and (between := re.search("[;|]", columns[0])):
        return f"--set csv.separator='{between[0]}'"
    found = guess(columns)
    if not {"user", "item"} <= found.keys():
        return ""
    settings = {"user": "", "item": "", "timestamp": "", **found}
    if settings.get("title") == "title":  # which is used anyhow
        del settings["title"]
    return " ".join(f"--set {component}.{name}={shlex.quote(column)}" for name, column in settings.items())


DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%b %d, %Y")
HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def remedies(component: str, texts: Sequence[str]) -> str:
    """Return the setting that reads most of some texts which are no ISO dates or no numbers; "" if none does.

    >>> remedies("csv", ["12/31/2013", "1/2/2014"]), remedies("csv", ["4,5"])
    ('--set csv.date_format=%m/%d/%Y', '--set csv.decimal=,')
    >>> remedies("csv", ["1/2/2014 10:30"])
    "--set csv.date_format='%m/%d/%Y %H:%M' or --set csv.date_format='%d/%m/%Y %H:%M'"
    """
    import pandas as pd

    if sum(re.fullmatch(r"[+-]?\d+,\d+\D*", text) is not None for text in texts) > len(texts) / 2:
        return f"--set {component}.decimal=,"
    given = pd.Series([*texts], dtype=str)
    found = {}
    for each in (day + hour for day in DAYS for hour in HOURS):
        found[each] = int(pd.to_datetime(given, format=each, errors="coerce").notna().sum())
    most = max(found.values())
    best = [each for each, count in found.items() if count == most > len(texts) / 2]
    return " or ".join(f"--set {component}.date_format={shlex.quote(each)}" for each in best)
