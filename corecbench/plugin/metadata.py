"""The description of a component: its origin, paper and settings. The component is not built."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from corecbench.api import Component, DomainModelComponent, Large
from corecbench.api.fields import MANY_ITEMS
from corecbench.plugin.kinds import KINDS
from corecbench.settings.configure import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.plugin.loaded import PluginInfo

LIMITS = {"ge": "minimum", "gt": "above", "le": "maximum", "lt": "below"}
"""How `Annotated[int, Ge(1)]` or pydantic's `Field(ge=1)` states a range -> how it is listed."""


def describe(kind: str, component: Component, info: PluginInfo) -> dict[str, Any]:
    """Return what is known of a component, ready for JSON."""
    return {
        "name": component.name,
        "kind": KINDS[kind].word,
        "summary": component.summary,
        "paper": component.paper,
        "plugin": info.name,
        "distribution": info.distribution,
        "version": info.version,
        "argument": component.argument,
        **({"reference": True} if isinstance(component, DomainModelComponent) and component.reference else {}),
        "settings": {} if component.config is None else settings(component.config),
    }


def settings(config: type) -> dict[str, dict[str, Any]]:
    """Return setting -> type, default or that it is required, range where the class states one, and doc."""
    hints, docs = hints_of(config), field_docs(config)
    return {
        field.name: {
            "type": shown(get_args(hints[field.name])[0] if marks_in(hints[field.name]) else hints[field.name]),
            **default_of(field),
            **allowed(hints[field.name]),
            **({"doc": docs[field.name]} if field.name in docs else {}),
        }
        for field in dataclasses.fields(config)
        if field.init
    }


def hints_of(config: type) -> Mapping[str, Any]:
    try:
        return get_type_hints(config, include_extras=True)
    except Exception:  # whatever evaluating a plugin's annotations raises
        return {field.name: field.type for field in dataclasses.fields(config)}


def marks_in(hint: Any) -> tuple[Any, ...]:
    """Return the marks of an annotation, such as a range.

    >>> marks_in(Annotated[int, "from 0"]), marks_in(int)
    (('from 0',), ())
    """
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def default_of(field: dataclasses.Field[Any]) -> dict[str, Any]:
    if field.default_factory is not dataclasses.MISSING:
        return {"default": field.default_factory()}
    return {"required": True} if field.default is dataclasses.MISSING else {"default": field.default}


def allowed(hint: Any) -> dict[str, Any]:
    """Return the choices or the range that an annotation states.

    >>> allowed(Literal["first", "last"])
    {'choices': ['first', 'last']}
    """
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    marks = [part for mark in marks_in(hint) for part in (mark, *getattr(mark, "metadata", ()))]
    stated = [(word, getattr(mark, name, None)) for mark in marks for name, word in LIMITS.items()]
    return {word: limit for word, limit in stated if limit is not None}


def large_defaults(config: type | None, n_items: int) -> dict[str, Any]:
    if config is None or n_items <= MANY_ITEMS:
        return {}
    marks = {name: marks_in(hint) for name, hint in hints_of(config).items()}
    return {name: mark.default for name, of in marks.items() for mark in of if isinstance(mark, Large)}


def field_docs(config: type) -> dict[str, str]:
    """Return setting -> the docstring below it, its own or that of the class it is inherited from."""
    found: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        except (OSError, TypeError, SyntaxError, ValueError):  # no source to be had
            continue
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, below in itertools.pairwise(body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                    found[name] = " ".join(doc.split())
    return found
