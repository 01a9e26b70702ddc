"""The verb that shows all that is known of one component: its origin, its needs, and each of its settings."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from corecbench.cli.completion import complete_components
from corecbench.cli.options import Verb, discover
from corecbench.cli.saying import say
from corecbench.plugin.kinds import KINDS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from corecbench.plugin.host import Host

LISTED = (*KINDS, "benchmarks", "plugins")
SIGNS = {"minimum": "at least", "above": "above", "maximum": "at most", "below": "below"}


@click.command(cls=Verb)
@click.argument("name", required=False, metavar="[NAME|KIND]", shell_complete=complete_components)
@click.option("--kind", type=click.Choice(tuple(WORDS)), help="Kind, where several have the name.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def describe(name: str | None, kind: str | None, as_json: bool) -> None:
    """List components, or show one with its settings, paper and needs.

    NAME is that of a component; KIND lists all of models, llms, sharing, controls, datasets, metrics, reporters,
    trackers, benchmarks (the run files that come with corecbench) or plugins. Without either, all components are
    listed.
    """
    from corecbench.cli import listing

    if name is None or name in LISTED:
        listing.show(listing.rows(name, as_json), as_json)
        return
    known = facts(discover(strict=False), name, kind)
    if as_json:
        say(json.dumps(known, indent=2, default=str, ensure_ascii=False))
        return
    say(*lines(known))


def facts(host: Host, name: str, word: str | None) -> dict[str, Any]:
    """Return all that is known of a component, of the kind of a word such as "model" where it is given.

    Raises:
        UsageError: no component has the name, or components of several kinds have it and nobody can be asked.
    """
    from corecbench.api import UsageError
    from corecbench.plugin.host import split
    from corecbench.plugin.metadata import describe
    from corecbench.settings.configure import unknown

    kinds = KINDS if word is None else [WORDS[word]]
    offered = [(kind, component, info) for kind in kinds for component, info in host.list(kind)]
    names = {component.name for _, component, _ in offered}
    base, _ = split("", name, ())
    found = [each for each in offered if each[1].name == base]
    if not found:
        raise unknown("component" if word is None else KINDS[WORDS[word]].label, base, names)
    if len({kind for kind, _, _ in found}) > 1:
        words = [KINDS[kind].word for kind, _, _ in found]
        if not sys.stdin.isatty():
            raise UsageError(f"{base} is a name of several kinds; give --kind {' or --kind '.join(words)}")
        asked = click.prompt(f"{base} is a name of several kinds; which", type=click.Choice(words), err=True)
        found = [each for each in found if KINDS[each[0]].word == asked]
    kind, component, info = found[0]
    known = describe(kind, component, info)
    for setting, space in spaces(kind, component.config).items():
        known["settings"][setting]["search"] = space
    return known | {"needs": needs(host, kind, name, base)}


def spaces(kind: str, config: type | None) -> dict[str, str]:
    from corecbench.plugin.search_space import SEARCHED, search_space, shown_space

    if config is None or kind not in SEARCHED:
        return {}
    return {setting: shown_space(mark) for setting, mark in search_space(config).items()}


def needs(host: Host, kind: str, name: str, base: str) -> list[str] | None:
    from corecbench.api import UsageError
    from corecbench.toolkit import cache_folder

    try:
        return list(host.needs(host.select(kind, name if name != base else base, {}), cache_folder()))
    except UsageError:
        return None


def lines(known: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of a component, for a reader."""
    from corecbench.cli.listing import aligned

    yield f"{known['name']}, {KINDS[WORDS[known['kind']]].label}: {known['summary']}"
    needed = {None: "what its settings say", (): "no download"}
    needing = known["needs"]
    yield from aligned(
        [
            ("  paper", known["paper"] or "none"),
            ("  plugin", f"{known['plugin']} of {known['distribution'] or 'a file'} {known['version']}".rstrip()),
            ("  argument", f"{known['name']}:{known['argument'].upper()}" if known["argument"] else "none"),
            *(
                [("  reference", "yes: gains are said over the strongest of them")]
                if known.get("reference")
                else []
            ),
            ("  needs", needed.get(needing if needing is None else tuple(needing)) or "; ".join(needing or ())),
        ]
    )
    settings = known["settings"]
    if not settings:
        yield "no settings"
        return
    heading = ("setting", "type", "default", "allowed", "searched")
    table = aligned([heading, *(setting_row(name, setting) for name, setting in settings.items())])
    yield ""
    yield table[0]
    for line, setting in zip(table[1:], settings.values(), strict=True):
        yield line
        if "doc" in setting:
            yield click.wrap_text(setting["doc"], 100, "    ", "    ")


def setting_row(name: str, setting: Mapping[str, Any]) -> tuple[str, ...]:
    if "choices" in setting:
        kind, allowed = "choice", ", ".join(map(str, setting["choices"]))
    else:
        kind = setting["type"]
        allowed = ", ".join(f"{sign} {setting[key]:g}" for key, sign in SIGNS.items() if key in setting)
    default = "needed" if setting.get("required") else repr(setting.get("default"))
    return name, kind, default, allowed or "-", setting.get("search", "-")
