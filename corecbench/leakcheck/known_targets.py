"""Whether a pair gains more for users whose target the LLM knows better. T tested users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import UsageError
from corecbench.leakcheck.contamination import difference
from corecbench.report.evidence.contrasts import FEWEST_USERS
from corecbench.report.evidence.users import UserGroup
from corecbench.report.views.findings import change, interval
from corecbench.report.wording import decimal, signed
from corecbench.results.recommendation import check_data
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.data.loaded import SplitDataset
    from corecbench.leakcheck.contamination import Titles
    from corecbench.leakcheck.verdict import Mean
    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

LABELS = "the half whose target is better known", "the others"


@dataclass(frozen=True)
class KnownTargets:
    """The gain of a pair over its model alone on both halves of the users whose target's title was read."""

    metric: str
    halves: tuple[Contrast, Contrast]
    """The users whose target is better known, and the others."""
    more: Mean
    """How much more the former gain; users are averaged over seeds."""

    def facts(self) -> dict[str, object]:
        halves = {
            label: {"users": half.n_users, "pair": half.own, "alone": half.base, "interval": half.sizes.interval}
            for label, half in zip(LABELS, self.halves, strict=True)
        }
        return {"row": self.halves[0].row.name, "metric": self.metric, **halves, "difference": vars(self.more)}

    def lines(self) -> Iterator[str]:
        """Yield it as lines of text."""
        row, alone = self.halves[0].row, self.halves[0].other
        yield f"{self.metric} of {row.name} and of {alone.name} by how well the LLM knows the target:"
        for label, half in zip(LABELS, self.halves, strict=True):
            means = f"{decimal(half.own)} and {decimal(half.base)}, {change(half)} ({interval(half)})"
            yield f"  {label}: {means}, {half.n_users:,} users"
        ends = f"{signed(self.more.low)} to {signed(self.more.high)}"
        words = (
            "no more or less" if self.more.low <= 0 <= self.more.high else "more" if self.more.low > 0 else "less"
        )
        significantly = " that is significant" if words.startswith("no") else ""
        yield f"  better known targets gain {words}{significantly}: {signed(self.more.value)} ({ends})"


def joint_row(evidence: Evidence, name: str) -> RowKey:
    """Return the pair that a user names, on its only data set.

    Raises:
        UsageError: there is none that can be compared with its model alone, or the name means both sides.
    """
    pairs = evidence.joint()
    named = [key for key in pairs if key.is_called(name)]
    if not named:
        raise unknown("pair with its model alone", name, [key.name for key in pairs])
    if len(named) > 1:
        raise UsageError(f"{name} has several sides; name one: {', '.join(key.name for key in named)}")
    return named[0]


def targets(evidence: Evidence, key: RowKey, data: SplitDataset) -> np.ndarray:
    """Return the target of each tested user, in the order of user ids, int64 [T]; 0 for a user without one.

    They are those of the split, since published results need not name them.

    Raises:
        DataError: the row is of other data or of another split.
    """
    row = evidence.rows[key]
    for record in row.records:
        check_data(data.dataset, data.split, record)
    held, user_ids = data.split.held["test"], data.catalog.user_ids
    target_of = {user_ids[user]: int(item) for user, item in zip(held.users, held.target, strict=True)}
    users = next(iter(row.users.values())).facts.index
    return np.array([target_of.get(user, 0) for user in users], dtype=np.int64)


def by_knowledge(evidence: Evidence, key: RowKey, titles: Titles, data: SplitDataset) -> KnownTargets:
    """Return the gain of a pair where its targets are known better than for half of the users, and elsewhere.

    Raises:
        UsageError: too few users have a target whose title was read.
    """
    known = dict(zip(titles.texts, titles.beyond_twins, strict=True))
    values = np.array([known.get(data.catalog.item_texts[row], np.nan) for row in targets(evidence, key, data)])
    middle = np.nanmedian(values) if np.isfinite(values).any() else np.nan
    chosen = values > middle, values <= middle
    if min(each.sum() for each in chosen) < FEWEST_USERS:
        n_users = int(np.isfinite(values).sum())
        raise UsageError(
            f"{n_users:,} users have a target among the titles, which are too few; read more by --items"
        )
    groups = [UserGroup("knowledge", label, {None: of}) for label, of in zip(LABELS, chosen, strict=True)]
    better, others = (
        evidence.yardstick.contrast(evidence.rows[key], evidence.rows[key.solo], group=group) for group in groups
    )
    own, alone = (
        evidence.rows[each].per_seed(evidence.tested, better.seeds).mean(axis=1) for each in (key, key.solo)
    )
    return KnownTargets(evidence.tested, (better, others), difference(*((own - alone)[of] for of in chosen)))
