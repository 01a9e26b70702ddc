"""The file with the best settings, which a run file can include."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.experiment.accounts import ALONE
from corecbench.toolkit import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corecbench.tuning.search import Search

HEADING = "Written by `corecbench tune`. A run file takes these settings by: include = [{name!r}]"

CUT_OFF = "no trial finished: the best was cut off, so a longer search may find other settings"


def write_tuned(path: Path, search: Search, account: Mapping[str, Any]) -> list[str]:
    """Put the best settings and the account of a search into the file; what else stands there stays.

    Settings of a model that were found in pairs stand apart and hold in pairs only. They hold with any sharing
    module, so that accounts of searches with another one that found other settings go.

    Returns:
        The sharing modules whose accounts have gone.
    """
    import tomlkit

    document = read_tuned(path)
    dataset, in_pairs = search.data.name, search.llm is not None
    own = table_in(table_in(document, "per_dataset", super_table=True), dataset)
    own["max_history"] = search.max_history
    for component, given in search.data.given.items():
        table_in(own, "settings", super_table=True)[component] = table_of(given)
    mark = "" if account["finished_trials"] else CUT_OFF
    for label, settings in account["settings"].items():
        kind = "in_pairs" if in_pairs and label == search.model else "settings"
        table_in(own, kind, super_table=True)[label] = table_of(settings, mark)
    accounts = table_in(table_in(document, "tuning", super_table=True), dataset, super_table=True)
    of_model = table_in(accounts, search.model, super_table=True)
    own_place = search.sharing if in_pairs else ALONE
    others = [place for place in of_model if in_pairs and place not in (own_place, ALONE)]
    gone = [place for place in others if contradicts(of_model[place], account, search.model)]
    for place in gone:
        del of_model[place]
    of_model[own_place] = table_of(account, mark)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    new.write_text(tomlkit.dumps(document), encoding="utf-8", newline="\n")
    new.replace(path)
    return gone


def contradicts(account: Mapping[str, Any], found: Mapping[str, Any], model: str) -> bool:
    """Return whether an account tells of other settings of a model than were found now.

    >>> found = {"settings": {"sasrec": {"epochs": 3}}}
    >>> contradicts({"settings": {"sasrec": {"epochs": 2}}}, found, "sasrec")
    True
    >>> contradicts({"settings": {"sasrec": {}}}, found, "sasrec"), contradicts(found, found, "sasrec")
    (False, False)
    """
    other = account.get("settings", {}).get(model)
    return bool(other) and other != found["settings"].get(model)


def table_of(values: Mapping[str, Any], comment: str = "") -> Any:
    """Return a table whose inner tables each stand on one line, with a comment in its own."""
    import tomlkit

    table = tomlkit.table()
    if comment:
        table.comment(comment)
    for key, value in values.items():
        table.add(key, in_line(value))
    return table


def in_line(value: Any) -> Any:
    """Return a value as it stands within a line."""
    import tomlkit

    if not isinstance(value, dict):
        return value
    table = tomlkit.inline_table()
    for key, each in value.items():
        table.append(key, in_line(each))
    return table


def table_in(parent: Any, key: str, super_table: bool = False) -> Any:
    import tomlkit

    if key not in parent:
        parent.add(key, tomlkit.table(is_super_table=super_table))
    return parent[key]


def read_tuned(path: Path) -> Any:
    """Return the document of a file of settings, a new one with a heading if there is none.

    Raises:
        UsageError: the file is no TOML, or not from `corecbench tune`.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    if not path.exists():
        document = tomlkit.document()
        document.add(tomlkit.comment(HEADING.format(name=path.name)))
        document.add(tomlkit.nl())
        return document
    try:
        document = tomlkit.parse(ordinary_file(path).read_text(encoding="utf-8"))
    except (TOMLKitError, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    if "tuning" not in document:
        raise UsageError(f"{path} is there and was not written by `corecbench tune`; give another --out")
    return document
