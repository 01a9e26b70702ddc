"""Evidence as data frames, whose columns have the names of the tables and whose numbers are not rounded."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corecbench.report.views.columns import contrast_columns, has_seeds, identity
from corecbench.report.views.layout import Column, table
from corecbench.report.views.tables import ledger_table, main_table, slice_table
from corecbench.report.wording import seed_list

if TYPE_CHECKING:
    from corecbench.report.evidence.reading import Evidence


@dataclass(frozen=True, eq=False)
class Frames:
    """What `corecbench.load` returns: stored results as data frames."""

    evidence: Evidence
    """The rows and contrasts that all frames are made of."""

    @functools.cached_property
    def rows(self) -> pd.DataFrame:
        """Every side of a cell and seed: what it is, its users, its metrics, and the change over its model alone.

        "NDCG@10 vs solo" is the relative change of the tested metric over the same model trained alone with this
        seed. "notes" says why a seed or one of its metrics has no value.
        """
        evidence, tested = self.evidence, self.evidence.tested
        means = {key: row.means_by_seed() for key, row in evidence.rows.items()}
        lines = []
        for key, row in evidence.rows.items():
            for seed in sorted(row.values.keys() | row.problems.keys()):
                own = means[key].get(seed, {})
                alone = {} if key.is_solo else means.get(key.solo, {}).get(seed, {})
                lines.append(
                    {
                        "data set": key.dataset,
                        "cell": key.cell,
                        **{name: getattr(key, name) for name in ("model", "side", "sharing", "control")},
                        "seed": seed,
                        "users": len(row.values.get(seed, ())),
                        **{name: own.get(name, np.nan) for name in evidence.metrics},
                        f"{tested} vs solo": own[tested] / alone[tested] - 1
                        if tested in own and alone.get(tested)
                        else np.nan,
                        "notes": row.problems.get(seed) or "; ".join(row.faults.get(seed, {}).values()) or None,
                    }
                )
        return pd.DataFrame(lines)

    def table(self) -> pd.DataFrame:
        """Return the table of `corecbench report --effects --cost`: each side over its seeds."""
        return _values(main_table(self.evidence, cost=True, effects=True))

    def contrasts(self, base: str = "solo") -> pd.DataFrame:
        """Return rows minus another one, tested over users and seeds, with effect sizes.

        Args:
            base: what is subtracted: "solo" for the same model trained alone, "strongest" for the strongest row
                without an LLM, or the name of a row on the same data set, such as "sasrec+llama+bdlm:llm".

        Raises:
            UsageError: no row has that name, or both sides of a pair do.
        """
        evidence = self.evidence
        if base == "solo":
            found = evidence.over_alone
        elif base == "strongest":
            found = evidence.over_strongest
        else:
            found = evidence.over(base)
        contrasts, tested = list(found.values()), evidence.tested
        columns = [
            *identity(evidence.rows, lambda each: each.row),
            Column("minus", lambda each: each.other.name),
            Column(tested, lambda each: each.own),
            Column(f"{tested} minus", lambda each: each.base),
            *contrast_columns(lambda each: each, "change", evidence.method, True, has_seeds(contrasts)),
            Column("users", lambda each: each.n_users),
            Column("seeds", lambda each: seed_list(each.seeds)),
        ]
        return _values(table("contrasts", contrasts, columns))

    def ledger(self, by_slices: bool = False) -> pd.DataFrame:
        """Return what the gain of each pair with controls is made of, as `corecbench report --ledger`.

        It is told on slices of the users, too, where `by_slices` asks for that.
        """
        return _values(ledger_table(self.evidence, effects=True, by_slices=by_slices))

    def slices(self) -> pd.DataFrame:
        """Return the gains on slices of the users, as `corecbench report --slices`."""
        return _values(slice_table(self.evidence))


def _values(report: Any) -> pd.DataFrame:
    values: pd.DataFrame = report.values
    return values.infer_objects()
