"""The sentences of a caption about rows over all data sets: their average ranks, and how many of them differ."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from corecbench.data.reduction import largest_parts
from corecbench.report.comparison import ALPHA
from corecbench.report.table import Table, TableRow
from corecbench.report.wording import decimal, p_value
from corecbench.stats.friedman import critical_difference, friedman

FEWEST_DATASETS, FEWEST_ROWS = 2, 3
MOST_NAMED = 8


def over_datasets(table: Table) -> Iterator[str]:
    """Yield the outcome of Friedman's and of Nemenyi's test; nothing for fewer than 2 data sets or 3 common rows.

    Rows take part that have the tested metric on every data set and are no controls. Of several parts of a data
    set only the largest counts.
    """
    counted = largest_parts((row.key.dataset, row.key.reduction) for row in table.rows)
    rows = [row for row in table.rows if row.key.dataset in counted]
    tested, datasets = table.tested, list(dict.fromkeys(row.key.dataset for row in rows))
    ranked = [row for row in rows if tested in row.metrics and not row.is_control]
    values = {(_name(row), row.key.dataset): row.metrics[tested] for row in ranked}
    names = [
        name
        for name in dict.fromkeys(name for name, _ in values)
        if all((name, dataset) in values for dataset in datasets)
    ]
    if len(datasets) < FEWEST_DATASETS or len(names) < FEWEST_ROWS:
        return
    scores = np.array([[values[name, dataset] for name in names] for dataset in datasets])  # [D, K]
    test = friedman(scores, table.metrics[tested])
    gap = critical_difference(len(names), len(datasets), ALPHA)
    order = np.argsort(test.average_ranks, kind="stable")
    best = [f"{test.average_ranks[place]:.2f} {names[place]}" for place in order[:MOST_NAMED]]
    more = f"; {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    pairs = [abs(one - other) > gap for one, other in combinations(test.average_ranks, 2)]
    yield (
        f"Average ranks by {tested} over {len(datasets)} data sets, of the {len(names)} rows on all of them "
        f"that are no controls: {'; '.join(best)}{more}"
    )
    yield (
        f"Friedman's test: p {p_value(test.p)}; {sum(pairs)} of {len(pairs)} pairs of rows are further apart than "
        f"Nemenyi's critical difference at {decimal(ALPHA, 2)}, {gap:.2f}, which is rough for few data sets"
    )


def _name(row: TableRow) -> str:
    """Return the name of a row on a data set."""
    return f"{', '.join(filter(None, (row.key.model, row.key.sharing)))} ({row.key.side})"
