"""Tables as text, through tabulate: aligned columns and Markdown."""

import re
import textwrap

from tabulate import tabulate

from corecbench.api import Report, Style

CAPTION_WIDTH = 100
SPECIAL = "|".join(
    (
        r"[\\`*|~]",
        r"<(?=[A-Za-z/!?])",  # a tag
        r"&(?=[A-Za-z#])",  # an entity
        r"\](?=[(\[:])",  # a link
        r"(?<![^\W_])_|_(?![^\W_])",
    )
)
"""Pattern of the characters that have a meaning in Markdown."""


def layout(report: Report, style: Style, table_format: str) -> tuple[str, str]:
    """Return the table in one of tabulate's formats, with numbers aligned to the right, and the caption."""
    cells, caption = report.styled(style)
    align = ["right" if column in report.numeric else "left" for column in report.frame]
    table = tabulate(
        cells.to_numpy().tolist(),
        headers=list(cells),
        tablefmt=table_format,
        disable_numparse=True,
        colalign=align if len(cells) else None,
    )
    return table, caption


class Text:
    """Aligned columns with the caption below."""

    suffix = "txt"
    style = Style(best="#1 {}", second="#2 {}")  # in front, so that decimal points stay below each other

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        table, caption = layout(report, self.style, "simple")
        lines = f"{textwrap.fill(caption, CAPTION_WIDTH, break_on_hyphens=False)}\n"
        return f"{table}\n\n{lines}" if len(report.frame) else lines


def escape_markdown(text: str) -> str:
    r"""Return a text with Markdown's special characters escaped.

    An underscore inside a word and brackets that are no link have no special meaning.

    >>> print(escape_markdown("max_history [-.1, +.2] <b>_| [x](y) &amp;"))
    max_history [-.1, +.2] \<b>\_\| [x\](y) \&amp;
    """
    return re.sub(SPECIAL, r"\\\g<0>", text)


class Markdown:
    """A Markdown table with the caption as a paragraph below."""

    suffix = "md"
    style = Style(escape_markdown, best="**{}**", second="<u>{}</u>", significant=r"{}\*")

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        table, caption = layout(report, self.style, "pipe")
        return f"{table}\n\n{caption}\n"
