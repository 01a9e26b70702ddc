"""Whom training together helps: every joint row against its own solo row, on slices of the users.

Users are sliced as `SLICINGS` says, by what is stored with their ranks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corecbench.api import Metric, Report
from corecbench.report.columns import Column, interval_columns, lay_out, of_intervals, t_intervals
from corecbench.report.comparable import check_comparable, read_rows
from corecbench.report.comparison import STANDARD, can_vary_with_seed, common_seeds
from corecbench.report.provenance import made_with, of_reductions, protocol_sentence, together
from corecbench.report.stored_rows import StoredRow, fault_sentences
from corecbench.report.table import why_untested
from corecbench.report.user_groups import UserGroup, read_facts, stored_slicings, user_groups
from corecbench.report.wording import count, decimal, of_ensembles, percent, seed_list, sentences, signed
from corecbench.results.frames import COUNTS, SIMILARITY
from corecbench.results.rows import RowKey, by_row
from corecbench.results.selection import datasets_in, on_datasets
from corecbench.results.store import Entry, Store
from corecbench.stats.intervals import Interval, paired_interval


@dataclass(frozen=True)
class Effect:
    """A joint row against its own solo row, on one group of users and over the seeds that both have."""

    key: RowKey
    slicing: str | None
    label: str
    n_users: int
    """Number of users in the group under any of the seeds."""
    seeds: tuple[int, ...]
    joint: float
    """Mean over users of the tested metric, each user first averaged over seeds."""
    solo: float
    """The same mean of the model trained alone."""
    interval: Interval | None
    """The interval of the difference at 95 %, as `STANDARD` has it; None where too few users differ."""
    lacks_seeds: bool
    """Whether the interval holds for these trained models: it is over users, and they were trained."""

    @property
    def difference(self) -> float:
        """The gain from training together."""
        return self.joint - self.solo

    @property
    def change(self) -> float | None:
        """The difference relative to the solo row; None where that is 0."""
        return self.difference / self.solo if self.solo else None


@dataclass(frozen=True)
class SliceTable:
    """The effects on one data set, with what its caption states."""

    dataset: str
    effects: tuple[Effect, ...]
    tested: str
    protocol: Mapping[str, Any]
    slicings: frozenset[str]
    """The names of the slicings whose columns were stored with any ranks."""
    higher_is_better: bool
    made_with: tuple[str, ...]
    """Versions and devices, as sentences."""
    faults: tuple[str, ...] = ()
    """Why the metric has no value for some rows, as sentences."""


def build(
    entries: Sequence[Entry],
    store: Store,
    tested: str,
    metric: Metric,
    stored: Mapping[RowKey, StoredRow] | None = None,
) -> list[SliceTable]:
    """Make a table for each data set, its rows in the order of the main table.

    Joint rows that the main table does not compare with their solo rows are left out.

    Args:
        entries: folders and their records, failed ones too; at most one for each cell and seed.
        store: where the ranks are read from.
        tested: the name of the metric.
        metric: the metric that is averaged over users.
        stored: the rows of these results with this metric, if they have been read already.

    Raises:
        ResultsError: the records do not belong in one table.
    """
    tables = []
    for dataset in datasets_in(entries):
        here = on_datasets(entries, [dataset])
        protocol = check_comparable(here)
        if stored is None:
            rows = read_rows(here, store, {tested: metric})
        else:
            rows = {key: stored[key] for key in by_row(here)}
        facts = read_facts(here, store)
        groups: dict[int, list[UserGroup]] = {}
        effects: list[Effect] = []
        for key, row in rows.items():
            solo = rows.get(key.solo)
            if not key.is_solo and solo is not None and why_untested(row, solo, tested) is None:
                n_users = len(next(iter(row.values.values())))
                if n_users not in groups:
                    groups[n_users] = list(user_groups(n_users, facts))
                effects += compare(row, solo, tested, groups[n_users])
        tables.append(
            SliceTable(
                dataset=dataset,
                effects=tuple(effects),
                tested=tested,
                protocol=protocol,
                slicings=frozenset(stored_slicings(facts)),
                higher_is_better=metric.higher_is_better,
                made_with=made_with(record for _, record in here),
                faults=fault_sentences(rows.values(), tested),
            )
        )
    return tables


def compare(row: StoredRow, solo: StoredRow, metric: str, groups: Iterable[UserGroup]) -> Iterator[Effect]:
    """Yield the effects of a joint row on a metric, on each of some groups of users."""
    seeds = common_seeds(row, solo)
    own, base = (each.per_seed(metric, seeds) for each in (row, solo))  # [T, S]
    for group in groups:
        within = group.seeds_within(seeds)
        known = [seeds.index(seed) for seed in within]
        joint, alone = (group.within(each[:, known], within) for each in (own, base))
        if not len(joint):
            continue
        yield Effect(
            key=row.key,
            slicing=group.slicing,
            label=group.label,
            n_users=len(joint),
            seeds=within,
            joint=float(joint.mean(axis=1).mean()),
            solo=float(alone.mean(axis=1).mean()),
            interval=paired_interval(*STANDARD.as_tested(joint, alone)),
            lacks_seeds=can_vary_with_seed(row, solo) and not STANDARD.takes_seeds(joint),
        )


# --- in words ---------------------------------------------------------------------------------------------------


def report(tables: Sequence[SliceTable]) -> Report:
    """Return the effects on all data sets as reporters take them; the column of controls only if there are any."""
    effects = [effect for table in tables for effect in table.effects]
    tested = tables[0].tested
    frame, values = lay_out(effects, list(_columns(tested, any(effect.key.control for effect in effects))))
    directions = {tested: tables[0].higher_is_better, f"{tested} solo": tables[0].higher_is_better}
    return Report("slices", frame, values, caption(tables), higher_is_better=directions)


def _columns(tested: str, with_controls: bool) -> Iterator[Column]:
    yield Column("data set", lambda effect: effect.key.dataset)
    yield Column("model", lambda effect: effect.key.model)
    yield Column("side", lambda effect: effect.key.side)
    yield Column("sharing", lambda effect: effect.key.sharing)
    if with_controls:
        yield Column("control", lambda effect: effect.key.control)
    yield Column("slice by", lambda effect: effect.slicing)
    yield Column("slice", lambda effect: effect.label)
    yield Column("users", lambda effect: effect.n_users, count)
    yield Column(f"{tested} solo", lambda effect: effect.solo, decimal)
    yield Column(tested, lambda effect: effect.joint, decimal)
    yield Column("difference", lambda effect: effect.difference, signed)
    yield from interval_columns(lambda effect: effect.interval)
    yield Column(f"{tested} vs solo", lambda effect: effect.change, percent)
    yield Column("seeds", lambda effect: seed_list(effect.seeds))


def caption(tables: Sequence[SliceTable]) -> str:
    """Return the caption, which states protocol, slices, means and intervals."""
    filled = [table for table in tables if table.effects]
    faults = list(dict.fromkeys(sentence for table in tables for sentence in table.faults))
    empty = [
        f"{table.dataset}: there is no joint row that can be compared with its solo row"
        for table in tables
        if not table.effects
    ]
    if not filled:
        return sentences([*empty, *faults])
    tested = filled[0].tested
    return sentences(
        [
            "; ".join(_extent(table) for table in filled),
            protocol_sentence(together([(table.dataset, table.protocol) for table in filled], "data sets")),
            *of_reductions(effect.key for table in filled for effect in table.effects),
            f"{tested} and {tested} solo (the same model trained alone): means over the users of a slice, "
            "each user first averaged over the seeds both have",
            *faults,
            *of_ensembles((each.key.side for table in filled for each in table.effects), "the domain model alone"),
            *_slices(filled),
            of_intervals(t_intervals(each.lacks_seeds for table in filled for each in table.effects)),
            *dict.fromkeys(sentence for table in filled for sentence in table.made_with),
            *empty,
        ]
    )


def _extent(table: SliceTable) -> str:
    n_users = max(effect.n_users for effect in table.effects)
    seeds = seed_list({seed for effect in table.effects for seed in effect.seeds}, "seed")
    return f"{table.dataset}, {n_users:,} users, {seeds}"


def _slices(tables: Sequence[SliceTable]) -> Iterator[str]:
    if any("history length" in table.slicings for table in tables):
        yield (
            "Slices: fifths of the users by history length (their interactions in training) and by target "
            "frequency (those of their held-out item); users with equal counts are not split, so slices can be "
            "uneven or fewer; items never in training are a slice of their own; in bins: the same ones on every "
            "data set"
        )
    if any("word overlap" in table.slicings for table in tables):
        yield (
            "Word overlap: none where the held-out item's text shares no word with a text of the history that "
            "models see; cosine: of the TF-IDF vectors of the most similar two"
        )
    yield from _lacking(tables, "history length", "No slices", " and ".join(COUNTS))
    if any("history length" in table.slicings for table in tables):
        yield from _lacking(tables, "word overlap", "No slices by word overlap", SIMILARITY)


def _lacking(tables: Sequence[SliceTable], slicing: str, what: str, columns: str) -> Iterator[str]:
    """Yield what the stored ranks of some data sets lack for a slicing, if there are such data sets."""
    if without := [table.dataset for table in tables if slicing not in table.slicings]:
        named = f" of {', '.join(without)}" if len(tables) > 1 else ""
        yield (
            f"{what}{named}: the stored ranks lack {columns}; `corecbench run` with --existing replace stores them"
        )
