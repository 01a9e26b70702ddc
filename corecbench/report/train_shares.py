"""The gain of training together over shares of the users that train: every joint row against its own solo row.

A joint row and its solo row are always those of the same share. All users are ranked at every share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import Report
from corecbench.data.reduction import in_percent
from corecbench.report.columns import Column, interval_columns, lay_out, of_intervals, t_intervals
from corecbench.report.provenance import of_reductions, protocol_sentence
from corecbench.report.slice_effects import Effect, compare
from corecbench.report.table import why_untested
from corecbench.report.user_groups import user_groups
from corecbench.report.wording import count, decimal, of_ensembles, percent, seed_list, sentences, signed
from corecbench.results.rows import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.stored_rows import StoredRow
    from corecbench.report.table import Table
    from corecbench.results.rows import RowKey


@dataclass(frozen=True)
class Curve:
    """A joint row at several shares of the users that train."""

    key: RowKey
    """The row at which all users train, whether it exists or not."""
    effects: tuple[Effect, ...]
    """Its effects on all users that are ranked, from the smallest share to the largest."""

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares, ascending."""
        return tuple(effect.key.reduction.train_share for effect in self.effects)


def at_full_share(key: RowKey) -> RowKey:
    """Return the same row at which all users train."""
    reduction = replace(key.reduction, train_share=1.0)
    return replace(key, dataset=reduction.name_of(key.whole_dataset), reduction=reduction)


def has_several(keys: Sequence[RowKey]) -> bool:
    """Return whether any joint row is there at several shares."""
    joint = {key for key in keys if not key.is_solo}
    return len({at_full_share(key) for key in joint}) < len(joint)


def curves(rows: Mapping[RowKey, StoredRow], tested: str) -> list[Curve]:
    """Return the joint rows that can be compared with their solo rows at two shares or more, in order.

    Args:
        rows: the rows of a table, with the tested metric.
        tested: the name of the metric.
    """
    found: dict[RowKey, list[Effect]] = {}
    for key, row in rows.items():
        solo = rows.get(key.solo)
        if not key.is_solo and solo is not None and why_untested(row, solo, tested) is None:
            (everyone,) = user_groups(len(next(iter(row.values.values()))), {})
            found.setdefault(at_full_share(key), []).extend(compare(row, solo, tested, [everyone]))
    return [
        Curve(key, tuple(sorted(found[key], key=lambda effect: effect.key.reduction.train_share)))
        for key in in_order(found)
        if len(found[key]) > 1
    ]


# --- in words ---------------------------------------------------------------------------------------------------


def report(curves: Sequence[Curve], table: Table) -> Report:
    """Return the effects at all shares as reporters take them.

    Args:
        curves: the rows, at least one.
        table: the main table of the same results.
    """
    effects = [effect for curve in curves for effect in curve.effects]
    tested, higher_is_better = table.tested, table.metrics[table.tested]
    frame, values = lay_out(effects, list(_columns(tested, any(effect.key.control for effect in effects))))
    directions = {tested: higher_is_better, f"{tested} solo": higher_is_better}
    return Report("train-shares", frame, values, caption(curves, table), higher_is_better=directions)


def _columns(tested: str, with_controls: bool) -> Iterator[Column]:
    yield Column("data set", lambda effect: at_full_share(effect.key).dataset)
    yield Column("model", lambda effect: effect.key.model)
    yield Column("side", lambda effect: effect.key.side)
    yield Column("sharing", lambda effect: effect.key.sharing)
    if with_controls:
        yield Column("control", lambda effect: effect.key.control)
    yield Column("users train", lambda effect: effect.key.reduction.train_share, in_percent)
    yield Column("users ranked", lambda effect: effect.n_users, count)
    yield Column(f"{tested} solo", lambda effect: effect.solo, decimal)
    yield Column(tested, lambda effect: effect.joint, decimal)
    yield Column("difference", lambda effect: effect.difference, signed)
    yield from interval_columns(lambda effect: effect.interval)
    yield Column(f"{tested} vs solo", lambda effect: effect.change, percent)
    yield Column("seeds", lambda effect: seed_list(effect.seeds))


def caption(curves: Sequence[Curve], table: Table) -> str:
    """Return the caption, which states protocol, means and intervals, and versions."""
    tested = table.tested
    keys = [effect.key for curve in curves for effect in curve.effects]
    return sentences(
        [
            "Each row: a joint row and the same model trained alone, both at this share of the users that train",
            protocol_sentence(table.protocol),
            *of_reductions(keys),
            f"{tested} and {tested} solo: means over all users that are ranked, each user first averaged over the "
            "seeds both have; each seed draws its own users, and those of a smaller share are among those of a "
            "larger one",
            *of_ensembles((key.side for key in keys), "the domain model alone"),
            of_intervals(t_intervals(effect.lacks_seeds for curve in curves for effect in curve.effects)),
            *table.made_with,
        ]
    )


def extent(curves: Sequence[Curve]) -> str:
    """Return users and seeds of a data set, as a caption states them."""
    effects = [effect for curve in curves for effect in curve.effects]
    seeds = seed_list({seed for effect in effects for seed in effect.seeds}, "seed")
    users = int(np.max([effect.n_users for effect in effects]))
    return f"{curves[0].key.dataset}: {users:,} users, {seeds}"
