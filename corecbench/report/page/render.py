"""The page: sections become one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from corecbench.report.page.sections import sections, subtitle
from corecbench.toolkit import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.report.page.blocks import Section
    from corecbench.report.page.sections import Results

PACKAGE = "corecbench.report.page"
"""Where the folder `templates` lies."""
SCRIPTS = ("sort.js", "fold.js")
MOST_COLUMNS = 60
"""The most columns of a table whose numbers stand to the right."""
NUMBERS = ",".join(f".n{place} td:nth-child({place})" for place in range(1, MOST_COLUMNS + 1))
"""The cells of the columns of numbers, as a style names them: a class for each of thousands of cells is long."""


def render(results: Results) -> str:
    """Return the report of a benchmark, the same for the same results."""
    title = f"{results.benchmark}: does training with an LLM help?"
    return page(title, subtitle(results.records), list(sections(results)))


def page(
    title: str, subtitle: str, sections: Sequence[Section], home: str = "", scripts: Sequence[str] = SCRIPTS
) -> str:
    """Return a page; text is escaped, controls no terminal that shows it, and no script runs but its own.

    Args:
        title: the title of the page.
        subtitle: the line below the title.
        sections: the parts of the page.
        home: the address of the page that this one belongs to; "" if there is none.
        scripts: the names of the scripts, in the folder `templates`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(PACKAGE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, *programs = (loader.get_source(environment, name)[0] for name in ("style.css", *scripts))
    style += f"{NUMBERS} {{ text-align: right; }}\n"
    allowed = " ".join(f"'{_digest(program)}'" for program in programs)
    text = environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        home=home,
        style=style,
        scripts=programs,
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}",
    )
    return printable(text, kept="\n\t\xa0")


def _digest(text: str) -> str:
    """Return what a content security policy names a script or style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
