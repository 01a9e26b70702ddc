"""The page: sections become one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from corecbench.report.page.sections import sections, subtitle

if TYPE_CHECKING:
    from corecbench.report.page.sections import Results

PACKAGE = "corecbench.report.page"
"""Where the folder `templates` lies."""


def render(results: Results) -> str:
    """Return the page, the same for the same results; text is escaped, and no script runs but its own."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(PACKAGE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = (loader.get_source(environment, name)[0] for name in ("style.css", "sort.js"))
    return environment.get_template("page.html").render(
        title=f"{results.benchmark}: does training together help?",
        subtitle=subtitle(results.records),
        sections=list(sections(results)),
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'",
    )


def _digest(text: str) -> str:
    """Return what a content security policy names a script or style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
