"""The table of a benchmark through tabulate."""

import re
import textwrap

import pandas as pd
from tabulate import tabulate

CAPTION_WIDTH = 100


class Text:
    """Aligned columns with the caption below."""

    suffix = "txt"

    def __init__(self, config: None = None):
        pass

    def render(self, table: pd.DataFrame, caption: str) -> str:
        """Return the text, ending in a newline."""
        return f"{layout(table, 'simple')}\n\n{textwrap.fill(caption, CAPTION_WIDTH)}\n"


class Markdown:
    """A Markdown table with the caption as a paragraph below."""

    suffix = "md"

    def __init__(self, config: None = None):
        pass

    def render(self, table: pd.DataFrame, caption: str) -> str:
        """Return the text, ending in a newline."""
        escaped = table.map(lambda cell: cell.replace("|", r"\|"))
        return f"{layout(escaped, 'pipe')}\n\n{caption}\n"


def layout(table: pd.DataFrame, style: str) -> str:
    """Return the table in one of tabulate's formats, cells as they are, columns of numbers to the right."""
    align = ["right" if table[column].map(is_number).all() else "left" for column in table]
    return tabulate(table, headers="keys", tablefmt=style, showindex=False, disable_numparse=True, colalign=align)


def is_number(cell: str) -> bool:
    """Return whether a cell reads as a number, with its sign, percent, star, or "-" where there is none.

    >>> [is_number(cell) for cell in ("<.001", "+12.3%*", "0-2", "-", "ml-100k")]
    [True, True, True, True, False]
    """
    return re.fullmatch(r"-|[<+-]?[\d.][\d.,-]*%?\*?", cell) is not None
