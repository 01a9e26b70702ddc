"""A hook of MkDocs that warns of pages which would load a script, a style or a picture from elsewhere."""

import logging
import re

LOADED = re.compile(
    r"""<(?:script|img|iframe|link(?=[^>]*stylesheet))\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)"""
)
log = logging.getLogger("mkdocs.hooks.offline")


def loaded_from_elsewhere(html: str) -> list[str]:
    """Return the addresses that a browser would load to show a page.

    >>> loaded_from_elsewhere('<a href="https://a.org">a</a><script src="https://b.org/c.js"></script>')
    ['https://b.org/c.js']
    >>> loaded_from_elsewhere('<link rel="stylesheet" href="//b.org/c.css"><link rel="canonical" href="https://a.org">')
    ['//b.org/c.css']
    """
    return LOADED.findall(html)


def on_post_page(output: str, page, config) -> str:
    """Look at each page as it is written."""
    for address in loaded_from_elsewhere(output):
        log.warning("%s loads %s; the site must work offline", page.file.src_uri, address)
    return output
