"""What exactly helps: the gain of a pair in steps, each a contrast of two rows that differ in one thing.

The steps lead from the model alone over controls to the pair, and add up to its gain. A step whose row is missing
is merged with the next one. Beside the steps stand contrasts of the pair with single controls, which do not add up.
Every contrast is paired over users, over the seeds that both rows have. Its change is relative to the model alone.
U users, S seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.report.evidence.contrasts import (
    FEWEST_USERS,
    STANDARD,
    Method,
    Yardstick,
    adjust_families,
    why_not,
)
from corecbench.report.evidence.groups import user_groups
from corecbench.report.evidence.known_controls import NO_CONTROLS
from corecbench.report.evidence.ledger_harm import Harm, harm
from corecbench.report.evidence.ledger_ladder import Plan, Planned, pairs_with_controls, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast as Difference
    from corecbench.report.evidence.groups import Facts, UserGroup
    from corecbench.report.evidence.known_controls import KnownControls
    from corecbench.report.evidence.ledger_ladder import Kind
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

    Place = tuple[RowKey, RowKey, RowKey, str | None, str]


@dataclass(frozen=True)
class Contrast:
    """One row minus another one, on all users or on a slice of them."""

    pair: RowKey
    """The row whose ledger this is a part of."""
    planned: Planned
    unit: RowKey
    """The row whose mean changes are relative to."""
    upper_mean: float
    """Mean over users of the tested metric, each user first averaged over the seeds of the contrast."""
    lower_mean: float
    comparison: Difference
    """The difference; its `base` is the mean of the unit, so that its change is relative to that."""
    n_users: int
    other_seeds: tuple[int, ...]
    """The seeds that only one of the two rows has."""
    out_of_reach: bool = False
    """Whether only what the LLM learnt could make a difference, and neither row has a turn after one of the LLM."""
    slicing: str | None = None
    """What the users were sliced by; None for all users."""
    label: str = "all users"

    @property
    def place(self) -> Place:
        """The identity of the contrast within a family of tests. Two ledgers can hold the same contrast."""
        return self.planned.upper, self.planned.lower, self.unit, self.slicing, self.label


@dataclass(frozen=True)
class Ledger:
    """What the gain of one side of a pair is made of."""

    pair: RowKey
    plan: Plan
    contrasts: tuple[Contrast, ...]
    """All that is planned on all users, then on each slice."""
    harm: Harm | None = None
    """Whether texts that tell nothing do harm; for the domain side only, where that control was run."""

    def of_kind(self, kind: Kind) -> list[Contrast]:
        """Return the contrasts of a kind on all users."""
        return [each for each in self.contrasts if each.planned.kind == kind and each.slicing is None]

    @property
    def adds_up(self) -> bool:
        """Whether the steps have the seeds of the whole gain, so that they add up to it."""
        compared = [each.comparison.seeds for kind in ("whole", "step") for each in self.of_kind(kind)]
        return len(set(compared)) <= 1


@dataclass(frozen=True)
class _Builder:
    """What all contrasts of the ledgers have in common."""

    rows: Mapping[RowKey, Row]
    tested: str
    higher_is_better: bool
    method: Method
    controls: KnownControls

    def ledger(self, pair: RowKey, plan: Plan, groups: Sequence[UserGroup]) -> Ledger:
        """Return the ledger of a pair; p is not adjusted yet."""
        contrasts = [
            self.contrast(pair, planned, plan.unit, group)
            for group in groups
            if group.n_users >= FEWEST_USERS
            for planned in plan.planned
        ]
        return Ledger(pair, plan, tuple(contrasts), self.harm(pair, plan))

    def contrast(self, pair: RowKey, planned: Planned, unit: RowKey, group: UserGroup) -> Contrast:
        """Return a contrast on a group of users."""
        upper, lower = self.rows[planned.upper], self.rows[planned.lower]
        yardstick = Yardstick(self.tested, self.higher_is_better, self.method)
        comparison = yardstick.contrast(upper, lower, "row", group, self.rows[unit])
        return Contrast(
            pair=pair,
            planned=planned,
            unit=unit,
            upper_mean=comparison.means[0],
            lower_mean=comparison.means[1],
            comparison=comparison,
            n_users=comparison.n_users,
            other_seeds=tuple(sorted((upper.values.keys() | lower.values.keys()) - set(comparison.seeds))),
            out_of_reach=(
                pair.side == "domain"
                and planned.control is not None
                and planned.control.entry.needs_llm_turn
                and upper.precedes_the_other_side()
                and lower.precedes_the_other_side()
            ),
            slicing=group.slicing,
            label=group.label,
        )

    def harm(self, pair: RowKey, plan: Plan) -> Harm | None:
        """Return whether texts that tell nothing do harm, if that can be told."""
        alone = self.rows.get(pair.solo)
        saying_nothing = (
            row
            for key, row in self.rows.items()
            if key.control and replace(key, control=None) == pair and self.controls.of(key).entry.texts_say_nothing
        )
        placebo = next(saying_nothing, None)
        if pair.side != "domain" or plan.no_alone or placebo is None or alone is None:
            return None
        if why_not(placebo, alone, self.tested, ""):
            return None
        return harm(placebo, alone, self.tested, self.higher_is_better)


def build(
    rows: Mapping[RowKey, Row],
    tested: str,
    higher_is_better: bool = True,
    method: Method = STANDARD,
    controls: KnownControls = NO_CONTROLS,
    facts: Mapping[str, Facts] | None = None,
) -> list[Ledger]:
    """Return the ledger of each side of each pair that has a control, in the order of the rows.

    All p values are adjusted in one family; those on slices are a second one.

    Args:
        rows: the stored rows, in the order of the main table.
        tested: the name of the metric.
        higher_is_better: its direction.
        method: the method of the tests; the margin of equivalence is a share of the mean of the model alone.
        controls: what is known of the controls.
        facts: data set -> what its users are sliced by; None for all users only.
    """
    builder = _Builder(rows, tested, higher_is_better, method, controls)
    ledgers = []
    for pair in pairs_with_controls(rows, tested, controls.unshared):
        found = plan(pair, rows, tested, controls)
        if found is not None:
            n_users = len(next(iter(rows[pair].values.values())))
            groups = list(user_groups(n_users, (facts or {}).get(pair.dataset, {})))
            ledgers.append(builder.ledger(pair, found, groups))
    return _adjusted(ledgers, method)


def _adjusted(ledgers: Sequence[Ledger], method: Method) -> list[Ledger]:
    """Return the ledgers with p adjusted; a contrast that two of them hold counts once."""
    all_of_them = {each.place: each for ledger in ledgers for each in ledger.contrasts}
    adjusted: dict[Place, Difference] = {}
    for is_sliced in (False, True):
        family = {
            place: each.comparison for place, each in all_of_them.items() if (each.slicing is not None) == is_sliced
        }
        adjusted |= adjust_families(family, method)
    return [
        replace(
            ledger,
            contrasts=tuple(replace(each, comparison=adjusted[each.place]) for each in ledger.contrasts),
        )
        for ledger in ledgers
    ]
