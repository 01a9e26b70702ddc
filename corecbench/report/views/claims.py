"""The table of what papers claim beside our rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.evidence.contrasts import FEWEST_SEEDS
from corecbench.report.views.layout import Column, table
from corecbench.report.wording import decimal, seed_list, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Report
    from corecbench.report.evidence.claims import Placed


def claims_table(found: Sequence[Placed]) -> Report:
    """Return each claim beside the rows that it is about; the caption names the sources."""
    columns = [
        Column("claim", lambda each: each.claim.name),
        Column("data set", lambda each: each.row.key.dataset if each.row else each.claim.dataset),
        Column("row", lambda each: each.row and each.row.key.name),
        Column("benchmark", lambda each: each.benchmark or None),
        Column("metric", lambda each: each.claim.metric),
        Column("paper", lambda each: each.claim.value, decimal),
        Column("ours", lambda each: each.mean, decimal),
        Column("deviation", lambda each: each.deviation, decimal),
        Column("seeds", lambda each: each.row and seed_list(each.row.seeds)),
        Column("the claim is", lambda each: each.among),
        Column("z", lambda each: each.z, "{:+.1f}".format),
        Column("differs", lambda each: "; ".join(each.differs) or None),
    ]
    sources = {each.claim.name: each.claim.paper.cited for each in found}
    said = [
        "Ours and deviation: mean and standard deviation over seeds of the mean over users",
        "The claim is: where the paper's figure lies among our seeds; z: its distance from our mean in deviations, "
        f"with {FEWEST_SEEDS} seeds or more",
        *(f"{name}: {cited}" for name, cited in sources.items()),
    ]
    return table("claims", found, columns, sentences(said))
