"""A hook of MkDocs: what leads into the repository is shown on the page itself.

In the repository, a name of the contract leads to its source, and the first page to the findings in README.
"""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
NAME = re.compile(r"^- \[`(corecbench\.[\w.]+)`\]\(\.\./[\w/.]+\)$", re.MULTILINE)
FINDINGS = re.compile(r"^.*\]\(\.\./README\.md#what-we-found\).*$", re.MULTILINE)


def with_documentation(markdown: str) -> str:
    """Return a page on which a name of the contract is followed by its documentation.

    >>> with_documentation("- [`corecbench.api.Batch`](../corecbench/api/data.py)")
    '::: corecbench.api.Batch'
    """
    return NAME.sub(r"::: \1", markdown)


def findings(readme: str) -> str:
    r"""Return the picture of README and what it says of it, for a page of the docs.

    >>> findings("# A\n![Bars](docs/figures/a.svg)\n## What we found\n1. [All](docs/b.md)\n## More")
    '![Bars](figures/a.svg)\n## What we found\n1. [All](b.md)'
    """
    start = readme.index("\n![") + 1
    return readme[start : readme.index("\n## ", readme.index("\n## What we found") + 1)].replace("](docs/", "](")


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Show what a link into the repository leads to."""
    shown = findings(README.read_text(encoding="utf-8"))
    return FINDINGS.sub(lambda _: shown, with_documentation(markdown))
