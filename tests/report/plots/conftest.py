"""Studies made in code, and one with every plot in it."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from corecbench.report.evidence.evidence import Evidence
from corecbench.report.evidence.rows import Row
from corecbench.results.rows import RowKey
from corecbench.results.user_ranks import UserRanks

from ..conftest import controls_with


def axes_of(chart):
    """The axes of a plot as it is drawn."""
    with chart.drawn() as figure:
        return figure.axes


def rows_of(axes):
    """The name, value and text of every row of a forest, from the top."""
    words = {}
    for text in axes.texts:
        x, y = text.get_position()
        words.setdefault(y, {})[x] = text.get_text().replace("\n", " ")
    values = {y: (x, ends) for (x, y), ends in points_of(axes)}
    return [(words[y][-0.01], *values[y], words[y][1.01]) for y in sorted(values)]


def points_of(axes):
    """The points of all rows of axes with the ends of their intervals; None where there is none."""
    found = []
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            line, _, bars = container.lines
            paths = bars[0].get_paths() if bars else []
            for point, path in itertools.zip_longest(line.get_xydata().tolist(), paths):
                corners = np.reshape([] if path is None else path.vertices, (-1, 2))
                ends = corners[:, 0 if container.has_xerr else 1].tolist()
                found.append((tuple(point), tuple(ends) if ends and not np.isnan(ends).any() else None))
    return found


def series_of(axes):
    """The points of each named row of axes."""
    return {each.get_label(): each.lines[0].get_xydata().tolist() for each in axes.containers}


def make_line(
    key, ranks, epochs=(), train_s=1.0, inference_ms=2.0, at_limit=False, best_epoch=1, validation=0.5, counts=None
):
    """Return a row; `ranks` has for each seed the rank of every user's item. The metric is one over the rank."""
    users = pd.Index([f"u{number}" for number in range(len(next(iter(ranks.values()), ())))], name="user_id")
    values = {seed: pd.DataFrame({"MRR": 1 / np.array(found)}, index=users) for seed, found in ranks.items()}
    known = pd.DataFrame(index=users) if counts is None else counts.set_axis(users)
    of_users = {seed: UserRanks(known, np.array(found), np.full(len(found), 1000)) for seed, found in ranks.items()}
    side = {"best_epoch": best_epoch, "validation": validation, "train_s": train_s}
    side |= {} if inference_ms is None else {"inference_ms_per_user": inference_ms}
    sides = [side for side, name in (("domain", key.domain), ("llm", key.llm)) if name]
    records = tuple(
        {"cell": {"seed": seed}, "sides": dict.fromkeys(sides, side), "epochs": list(epochs)} for seed in ranks
    )
    return Row(key, values, {}, at_limit, records, users=of_users)


@pytest.fixture(scope="session")
def make_study():
    """Make a study: `make_study((key fields, ranks, line options), ..., counts=None, unshared=())`."""

    def make(*rows, counts=None, unshared=(), higher_is_better=True):
        lines = {}
        for of_key, ranks, *options in rows:
            key = RowKey(**{"dataset": "toy", "domain": None, "llm": None, "sharing": None} | of_key)
            lines[key] = make_line(key, ranks, counts=counts, **(options[0] if options else {}))
        metric = SimpleNamespace(higher_is_better=higher_is_better)
        return Evidence(lines, {"MRR": metric}, "MRR", controls=controls_with(unshared))

    return make


SASREC = {"side": "domain", "domain": "sasrec"}
PAIR = {"side": "domain", "domain": "sasrec", "llm": "llama", "sharing": "bdlm"}
EPOCHS = [
    {"turn": turn, "side": side, "epoch": epoch, "validation": validation, "duration_s": 2.0}
    for turn, side, epoch, validation in (
        (1, "domain", 1, 0.1),
        (1, "domain", 2, 0.3),
        (2, "llm", 1, 0.2),
        (3, "domain", 3, 0.2),
    )
]


@pytest.fixture(scope="session")
def pair(make_study):
    """A pair over two seeds; alone all six items are second, together one of them is first in both seeds."""
    return make_study((SASREC, {0: [2] * 6, 1: [2] * 6}), (PAIR, {0: [1] + [2] * 5, 1: [1] + [2] * 5}))


def full_rows(datasets, names):
    """Yield rows of two domain models and an LLM with random ranks; on the first data set with controls, too."""
    generator = np.random.default_rng(0)
    first, second, llm, sharing = names
    for dataset in datasets:

        def row(side, domain=None, llm=None, control=None, boost=1.0, dataset=dataset):
            joint = domain is not None and llm is not None
            key = {"dataset": dataset, "side": side, "domain": domain, "llm": llm, "control": control}
            ranks = {seed: np.ceil(generator.exponential(20 / boost, 60)).astype(int) for seed in (0, 1)}
            return key | {"sharing": sharing if joint else None}, ranks, {"epochs": EPOCHS if joint else EPOCHS[:2]}

        yield row("domain", first)
        for control in (None, "shuffled-texts", "untrained-llm") if dataset == datasets[0] else (None,):
            yield row("domain", first, llm, control, 2 if control is None else 1)
        yield row("domain", second)
        yield row("domain", second, llm, boost=2)
        if dataset != datasets[0]:
            continue
        key, ranks, _ = row("llm", llm=llm)
        yield key, ranks, {"epochs": [{**epoch, "side": "llm"} for epoch in EPOCHS[:2]]}
        for domain, control in itertools.product((first, second), (None, "shuffled-texts", "no-mutual")):
            yield row("llm", domain, llm, control)


COUNTS = pd.DataFrame(
    {
        "history_length": np.arange(60) + 1,
        "target_frequency": np.arange(60) // 10 * 300,
        "text_similarity": (np.arange(60) % 6 / 10).astype(np.float32),
    }
)


@pytest.fixture(scope="session")
def full(make_study):
    """Two data sets of all that a benchmark can have, enough for every plot."""
    names = "sasrec", "lightgcn", "llama", "bdlm"
    return make_study(*full_rows(("ml-100k", "amazon-beauty"), names), counts=COUNTS)


@pytest.fixture(scope="session")
def odd(make_study):
    """The same with names that mean something to TeX, XML, legends or file systems, long ones, other scripts."""
    names = "_sas$rec$_{", r"\frac{1}{2}$", "llama:some/where/" + "x" * 60, "<b>&'\"\n\x07模"
    return make_study(*full_rows(("to_y$s^2$/..", "$"), names), counts=COUNTS)


@pytest.fixture(scope="session")
def crowded(make_study):
    """More rows than fit on a page, on two data sets, with names as long as variants and paths make them."""
    generator = np.random.default_rng(0)
    domains = [f"{name}-wide-dropout-0.2" for name in ("sasrec", "gru4rec", "lightgcn")]
    llm = "llama:some-organisation/a-large-model-1.7B-instruct"
    alone = [
        *(
            {"side": "domain", "domain": domain, "llm": None, "sharing": None, "control": None}
            for domain in domains
        ),
        {"side": "llm", "domain": None, "llm": llm, "sharing": None, "control": None},
    ]
    joint = [
        {"side": side, "domain": domain, "llm": llm, "sharing": sharing, "control": control}
        for side, domain, sharing, control in itertools.product(
            ("domain", "llm"),
            domains,
            ("bdlm", "contrastive-alignment-temperature-0.07"),
            (None, "shuffled-texts", "untrained-llm", "no-mutual"),
        )
    ]
    rows = []
    for dataset, key in itertools.product(("amazon-toys-games", "ml-1m"), [*alone, *joint]):
        ranks = {seed: np.ceil(generator.exponential(20, 60)).astype(int) for seed in (0, 1)}
        epochs = [epoch for epoch in EPOCHS if key[epoch["side"]] is not None]
        rows.append(({"dataset": dataset, **key}, ranks, {"epochs": epochs}))
    return make_study(*rows, counts=COUNTS)
