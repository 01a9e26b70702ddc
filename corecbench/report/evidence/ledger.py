"""What exactly helps: the gain of a pair in steps, each a contrast of two rows that differ in one thing.

The steps lead from the model alone over controls to the pair, and add up to its gain. A step whose row is missing
is merged with the next one. Beside the steps stand contrasts of the pair with single controls, which do not add up.
All contrasts of a ledger are over the seeds that all its rows have, and all changes relative to the model alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from corecbench.report.evidence.contrasts import (
    FEWEST_SEEDS,
    FEWEST_USERS,
    Contrast,
    Method,
    Verdict,
    Yardstick,
    adjust_families,
    common_seeds,
    why_not,
    why_untested,
)
from corecbench.report.evidence.controls import (
    NO_EFFECT,
    KnownControl,
    KnownControls,
    asked_controls,
    controls_of,
    found_controls,
    has_no_effect,
    pairs_with_controls,
)
from corecbench.report.wording import seed_list
from corecbench.stats.student import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.rows import Row
    from corecbench.report.evidence.users import UserGroup
    from corecbench.results.rows import RowKey

Kind = Literal["whole", "step", "contrast"]
Finding = Verdict | Literal["same", "out of reach"]
"""A verdict; or every user is the same, if by the plan of the turns it is "out of reach" that one is not."""
ALONE, PAIR = "alone", "pair"
WHOLE = "the whole gain"
MARGIN = 0.01
"""A loss beyond this share of the mean of the model alone is harm."""


@dataclass(frozen=True)
class Line:
    """One contrast of a ledger, on all users or on a slice of them."""

    pair: RowKey
    """The row whose ledger this is a part of."""
    kind: Kind
    tells: str
    """What the difference is due to, in a few words."""
    control: KnownControl | None
    """What the row compared with is, unless that is the model alone."""
    merged: tuple[str, ...]
    """The steps between the two that have no row."""
    comparison: Contrast
    """The difference; its `base` is the mean of the model alone, so that its change is relative to that."""
    out_of_reach: bool = False
    """Whether only what the LLM learnt could make a difference, and neither row has a turn after one of the LLM."""

    @property
    def finding(self) -> Finding:
        if self.comparison.sizes.shares.equal == 1:
            return "out of reach" if self.out_of_reach else "same"
        return self.comparison.verdict

    @property
    def place(self) -> tuple[object, ...]:
        of = self.comparison
        return of.row, of.other, of.seeds, of.group.slicing, of.group.label


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
        outcome, mean = self.contrast.sizes.equivalence, abs(self.contrast.base)
        return outcome and Interval(outcome.interval.low / mean, outcome.interval.high / mean)


@dataclass(frozen=True)
class Ledger:
    """What the gain of one side of a pair is made of."""

    pair: RowKey
    contrasts: tuple[Line, ...]
    """The whole gain, the steps from the bottom, then the single contrasts: on all users, then on each slice."""
    no_alone: str | None
    """Why the model alone is no part of the ledger; None if it is."""
    lacking: Mapping[str, Sequence[str]]
    """A reason, such as "not run" -> the known controls that lack for it."""
    harm: Harm | None = None
    """Whether texts that tell nothing do harm; for the domain side only, where that control was run."""

    def of_kind(self, kind: Kind) -> list[Line]:
        return [each for each in self.contrasts if each.kind == kind and not each.comparison.group.slicing]


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
    pairs = pairs_with_controls(rows, yardstick.metric, controls.unshared)
    found = (_ledger(pair, rows, yardstick, controls, groups[pair.dataset]) for pair in pairs)
    ledgers = [ledger for ledger in found if ledger.contrasts]
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


def _ledger(
    pair: RowKey,
    rows: Mapping[RowKey, Row],
    yardstick: Yardstick,
    controls: KnownControls,
    groups: Sequence[UserGroup],
) -> Ledger:
    """Return the ledger of a pair, its p not adjusted yet; without contrasts if no row can be compared with it.

    All are over the same seeds. A control without one of them takes it from the whole ledger. One that would leave
    fewer than FEWEST_SEEDS is left out.
    """
    found = found_controls(pair, rows, controls)
    known = asked_controls(pair, found, controls)
    ladder = sorted((each for each in known if each.entry.step is not None), key=lambda each: each.entry.step or 0)
    contrasts = [each for each in known if each.entry.is_contrast]
    no_alone = why_untested(rows[pair], rows.get(pair.solo), yardstick.metric)
    seeds = common_seeds(rows[pair], rows[pair] if no_alone else rows[pair.solo])
    taken: dict[str, RowKey] = {}
    lacking: dict[str, list[str]] = {}
    for each in dict.fromkeys([*ladder, *contrasts]):
        key = found.get(each.name)
        if key is None:
            lacking.setdefault("not run", []).append(each.name)
        elif has_no_effect(key, pair, rows, controls):
            lacking.setdefault(NO_EFFECT, []).append(each.name)
        elif reason := _why_missing(rows[key], rows[pair], seeds, yardstick.metric):
            lacking.setdefault(reason, []).append(each.name)
        else:
            taken[each.name] = key
            seeds = _within(seeds, rows[key])
    parts = list(_parts(pair, pair if no_alone else pair.solo, ladder, contrasts, taken, controls))
    unit = rows[parts[0].lower if parts else pair]
    lines = tuple(
        _line(rows, pair, part, yardstick.contrast(rows[part.upper], rows[part.lower], "row", group, unit, seeds))
        for group in groups
        if group.n_users >= FEWEST_USERS
        for part in parts
    )
    return Ledger(pair, lines, no_alone, lacking, None if no_alone else _harm(rows, pair, yardstick, controls))


class Part(NamedTuple):
    """One row minus another one, before it is computed; `Line` says what the fields are."""

    kind: Kind
    tells: str
    upper: RowKey
    lower: RowKey
    control: KnownControl | None = None
    merged: tuple[str, ...] = ()


def _parts(
    pair: RowKey,
    lowest: RowKey,
    ladder: Sequence[KnownControl],
    contrasts: Sequence[KnownControl],
    taken: Mapping[str, RowKey],
    controls: KnownControls,
) -> Iterator[Part]:
    """Yield what is compared: the whole gain, the steps from the lowest row to the pair, then single controls.

    Each step is merged with those below it that have no row. Where the model alone is missing, the pair itself is
    given as the lowest row, and the lowest is that of the first step.
    """
    if lowest != pair:
        yield Part("whole", WHOLE, pair, lowest)
    steps: list[Part] = []
    below = None if lowest == pair else lowest
    merged: list[tuple[str, str]] = []
    top = ladder[-1].entry.takes_away if ladder else WHOLE
    for name, adds in [*((each.name, _adds(each, pair)) for each in ladder), (PAIR, top)]:
        key = pair if name == PAIR else taken.get(name)
        if key is None:
            merged.append((name, adds))
            continue
        if below is not None:
            tells = " + ".join([*(skipped for _, skipped in merged), adds])
            control = None if below.is_solo else controls.of(below)
            steps.append(Part("step", tells, key, below, control, tuple(skipped for skipped, _ in merged)))
        below, merged = key, []
    yield from steps if len(steps) > 1 or lowest == pair else ()
    for each in contrasts:
        key = taken.get(each.name)
        # a row that stands for another control, too, is told of under its own name
        if key is not None and controls.of(key) == each:
            yield Part("contrast", each.entry.takes_away, pair, key, each)


def _line(rows: Mapping[RowKey, Row], pair: RowKey, part: Part, comparison: Contrast) -> Line:
    """Return a contrast of a ledger."""
    out_of_reach = (
        pair.side == "domain"
        and part.control is not None
        and part.control.entry.needs_llm_turn
        and rows[part.upper].precedes_the_other_side()
        and rows[part.lower].precedes_the_other_side()
    )
    return Line(pair, part.kind, part.tells, part.control, part.merged, comparison, out_of_reach)


def _within(seeds: tuple[int, ...], row: Row) -> tuple[int, ...]:
    return seeds if row.is_deterministic else tuple(seed for seed in seeds if seed in row.values)


def _adds(control: KnownControl, pair: RowKey) -> str:
    entry = control.entry
    return (pair.side == "llm" and entry.adds_to_llm) or entry.adds or f"what {control.name} has"


def _why_missing(row: Row, pair: Row, seeds: tuple[int, ...], tested: str) -> str | None:
    """Return why a row is no part of a ledger over some seeds; None if it is."""
    if not row.values:
        return "failed"
    if not row.has(tested):
        return f"without {tested}"
    left = _within(seeds, row)
    if why_not(row, pair, tested, ""):
        return "no seed in common"
    if len(left) < min(FEWEST_SEEDS, len(seeds)):
        return f"left out, as it has {seed_list(left) or 'none'} of {seed_list(seeds, 'seed')}"
    return None


def _harm(rows: Mapping[RowKey, Row], pair: RowKey, yardstick: Yardstick, controls: KnownControls) -> Harm | None:
    placebos = (rows[key] for key in controls_of(pair, rows) if controls.of(key).entry.texts_say_nothing)
    placebo, alone = next(placebos, None), rows[pair.solo]
    if pair.side != "domain" or placebo is None or why_not(placebo, alone, yardstick.metric, ""):
        return None
    contrast = replace(yardstick, method=Method(margin=MARGIN)).contrast(placebo, alone)
    return Harm(contrast) if contrast.base else None
