"""Tables for a paper and for a browser, through pandas' Styler: LaTeX and HTML."""

import html
import re

import numpy as np
from pandas.io.formats.style import Styler

from corecbench.api import Report, Style

SPECIAL = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # at the start of a line it would be an option of the line break before it
    "*": "{*}",
}

PREAMBLE = "% in the preamble: \\usepackage{booktabs,graphicx}\n"
SHRUNK = {
    r"\begin{tabular}": r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{\begin{tabular}",
    r"\end{tabular}": r"\end{tabular}}",
}
MAX_ROWS = 40
"""Most rows of a table on one page."""
NEXT_PART = "\\clearpage\n\\addtocounter{table}{-1}\n"
"""Text between the parts of a long table, which share a number. The page break spares LaTeX too many floats."""


def escape_latex(text: str) -> str:
    r"""Return a text with LaTeX's special characters escaped, and a hyphen before a number as a minus sign.

    >>> print(escape_latex("max_history -.5 --seeds <b>&%"))
    max\_history $-$.5 -{}-seeds \textless{}b\textgreater{}\&\%
    """
    escaped = "".join(SPECIAL.get(character, character) for character in text).replace("--", "-{}-")
    return re.sub(r"(?<![\w.)])-(?=\.?\d)", "$-$", escaped)


class Latex:
    r"""A table to \input. A table wider than the text is shrunk; a long one continues on further pages."""

    suffix = "tex"
    style = Style(
        escape_latex,
        best=r"\textbf{{{}}}",
        second=r"\underline{{{}}}",
        significant="{}$^{{*}}$",
        higher=r"{} $\uparrow$",
        lower=r"{} $\downarrow$",
    )

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        cells, caption = report.styled(self.style)
        align = "".join("r" if column in report.numeric else "l" for column in report.frame)
        n_parts = max(1, -(-len(cells) // MAX_ROWS))
        tables = []
        for number, rows in enumerate(np.array_split(np.arange(len(cells)), n_parts)):
            table = (
                cells.iloc[rows]
                .style.hide(axis="index")
                .to_latex(
                    hrules=True,
                    column_format=align,
                    caption="(continued)" if number else caption,
                    label=None if number else f"tab:corecbench-{report.name}",
                    position="tbp",
                    position_float="centering",
                )
            )
            for tag, shrunk in SHRUNK.items():
                table = table.replace(tag, shrunk)
            tables.append(table)
        return PREAMBLE + NEXT_PART.join(tables)


class Html:
    """A web page of its own, with the caption below the table."""

    suffix = "html"
    style = Style(
        html.escape,
        best="<strong>{}</strong>",
        second="<u>{}</u>",
        significant="{}<sup>*</sup>",
        higher="{} &uarr;",
        lower="{} &darr;",
    )
    css = (
        ("", "border-collapse: collapse; font-family: sans-serif; font-size: 90%"),
        ("caption", "caption-side: bottom; text-align: left; padding-top: 1em; max-width: 60em"),
        ("th, td", "padding: 0.2em 0.6em; text-align: left; white-space: nowrap"),
        ("th", "border-bottom: 1px solid"),
    )

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        cells, caption = report.styled(self.style)
        numeric = [f".col{number}" for number, column in enumerate(report.frame) if column in report.numeric]
        css = [*self.css, *((selector, "text-align: right") for selector in numeric)]
        styler = Styler(cells, uuid=report.name, caption=caption, cell_ids=False).hide(axis="index")
        styler = styler.set_table_styles([{"selector": selector, "props": rules} for selector, rules in css])
        text: str = styler.to_html(doctype_html=True)
        return text
