"""What exactly helps: the gain of a pair in steps, each a contrast of two rows that differ in one thing.

The steps lead from the model alone over controls to the pair, and add up to its gain. A step whose row is missing
is merged with the next one. Beside the steps stand contrasts of the pair with single controls, which do not add up.
All contrasts of a ledger are over the seeds that all its rows have, and all changes relative to the model alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from corecbench.report.evidence.contrasts import (
    FEWEST_USERS,
    Method,
    Verdict,
    Yardstick,
    adjust_families,
    why_not,
)
from corecbench.report.evidence.ledger_plan import Plan, Planned, controls_of, pairs_with_controls, plan
from corecbench.stats.student import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.groups import UserGroup
    from corecbench.report.evidence.ledger_plan import Kind, KnownControls
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

Finding = Verdict | Literal["same", "out of reach"]
"""A verdict; or every user is the same, if by the plan of the turns it is "out of reach" that one is not."""
MARGIN = 0.01
"""A loss beyond this share of the mean of the model alone is harm."""


@dataclass(frozen=True)
class Line:
    """One contrast of a ledger, on all users or on a slice of them."""

    pair: RowKey
    """The row whose ledger this is a part of."""
    planned: Planned
    comparison: Contrast
    """The difference; its `base` is the mean of the model alone, so that its change is relative to that."""
    out_of_reach: bool = False
    """Whether only what the LLM learnt could make a difference, and neither row has a turn after one of the LLM."""

    @property
    def finding(self) -> Finding:
        """What is found; with too few seeds only what is the same for every user is a finding."""
        if self.comparison.sizes.shares.equal == 1:
            return "out of reach" if self.out_of_reach else "same"
        return self.comparison.verdict

    @property
    def place(self) -> tuple[object, ...]:
        """The identity of the contrast within a family of tests. Two ledgers can hold the same contrast."""
        group = self.comparison.group
        return self.planned.upper, self.planned.lower, self.comparison.seeds, group.slicing, group.label


@dataclass(frozen=True)
class Harm:
    """A row whose texts tell nothing, minus the model alone."""

    contrast: Contrast
    """The difference, by the standard method, with MARGIN as the margin of equivalence."""

    @property
    def verdict(self) -> Literal["none", "same", "harm", "open", "few seeds"]:
        """Whether it does harm.

        "none": a loss beyond the margin is excluded at .05, one-sided; "same": no user has another value, as where
        the model alone was kept; "harm": the loss is beyond the margin; "few seeds": fewer than 3, which say
        nothing of the method.
        """
        if self.contrast.sizes.shares.equal == 1:
            return "same"
        if self.interval is None:
            return "open"
        if self.contrast.lacks_seeds:
            return "few seeds"
        low, high = self.interval
        worst, best = (low, high) if self.contrast.sizes.higher_is_better else (-high, -low)
        return "none" if worst > -MARGIN else "harm" if best < -MARGIN else "open"

    @property
    def interval(self) -> Interval | None:
        """The relative change at 90 %, that of two one-sided tests at .05; None where too few users differ."""
        outcome, mean = self.contrast.sizes.equivalence, abs(self.contrast.base)
        return outcome and Interval(outcome.interval.low / mean, outcome.interval.high / mean)


@dataclass(frozen=True)
class Ledger:
    """What the gain of one side of a pair is made of."""

    pair: RowKey
    plan: Plan
    contrasts: tuple[Line, ...]
    """All that is planned on all users, then on each slice."""
    harm: Harm | None = None
    """Whether texts that tell nothing do harm; for the domain side only, where that control was run."""

    def of_kind(self, kind: Kind) -> list[Line]:
        """Return the contrasts of a kind on all users."""
        return [each for each in self.contrasts if each.planned.kind == kind and not each.comparison.group.slicing]


def build(
    rows: Mapping[RowKey, Row],
    yardstick: Yardstick,
    controls: KnownControls,
    groups: Mapping[str, Sequence[UserGroup]],
) -> list[Ledger]:
    """Return the ledger of each side of each pair that has a control, in the order of the rows.

    All p values are adjusted in one family; those on slices are a second one. The margin of equivalence is a share
    of the mean of the model alone.
    """
    ledgers = []
    for pair in pairs_with_controls(rows, yardstick.metric, controls.unshared):
        found = plan(pair, rows, yardstick.metric, controls)
        if found is not None:
            lines = [
                _line(rows, pair, found, planned, yardstick, group)
                for group in groups[pair.dataset]
                if group.n_users >= FEWEST_USERS
                for planned in found.planned
            ]
            ledgers.append(Ledger(pair, found, tuple(lines), _harm(rows, pair, found, yardstick, controls)))
    by_place = {line.place: line.comparison for ledger in ledgers for line in ledger.contrasts}
    on_all = {place: each for place, each in by_place.items() if not each.group.slicing}
    on_slices = {place: each for place, each in by_place.items() if each.group.slicing}
    adjusted = adjust_families(on_all, yardstick.method) | adjust_families(on_slices, yardstick.method)
    return [
        replace(
            ledger,
            contrasts=tuple(replace(line, comparison=adjusted[line.place]) for line in ledger.contrasts),
        )
        for ledger in ledgers
    ]


def _line(
    rows: Mapping[RowKey, Row], pair: RowKey, plan: Plan, planned: Planned, yardstick: Yardstick, group: UserGroup
) -> Line:
    """Return a contrast on a group of users; p is not adjusted yet."""
    upper, lower = rows[planned.upper], rows[planned.lower]
    out_of_reach = (
        pair.side == "domain"
        and planned.control is not None
        and planned.control.entry.needs_llm_turn
        and upper.precedes_the_other_side()
        and lower.precedes_the_other_side()
    )
    comparison = yardstick.contrast(upper, lower, "row", group, rows[plan.unit], plan.seeds)
    return Line(pair, planned, comparison, out_of_reach)


def _harm(
    rows: Mapping[RowKey, Row], pair: RowKey, plan: Plan, yardstick: Yardstick, controls: KnownControls
) -> Harm | None:
    """Return whether texts that tell nothing do harm, if that can be told."""
    placebos = (rows[key] for key in controls_of(pair, rows) if controls.of(key).entry.texts_say_nothing)
    placebo, alone = next(placebos, None), rows.get(pair.solo)
    if pair.side != "domain" or plan.no_alone or placebo is None or alone is None:
        return None
    if why_not(placebo, alone, yardstick.metric, ""):
        return None
    contrast = replace(yardstick, method=Method(margin=MARGIN)).contrast(placebo, alone)
    return Harm(contrast) if contrast.base else None
