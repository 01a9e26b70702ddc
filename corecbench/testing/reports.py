"""A small set of tables that every reporter must be able to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Mark

MARKUP = r"<b>&_%|\~^#${}[`*"
"""Characters that mean something in one format or another."""


def toy_report(models: Sequence[str] = ("sasrec", "sasrec + llama"), caption: str = "A caption.") -> Report:
    """Return a table with a row for each model, the last of which is the best; the first one has no test."""
    n_rows = len(models)
    frame = pd.DataFrame(
        {
            "data set": ["toy"] * n_rows,
            "model": list(models),
            "MRR": [f".{row:04}" for row in range(n_rows)],
            "95% interval": ["[.1, .2]"] * n_rows,
            "p": ["-", *["<.001"] * (n_rows - 1)][:n_rows],
        },
        dtype=str,
    )
    values = pd.DataFrame(
        {
            "data set": frame["data set"],
            "model": frame["model"],
            "MRR": [row / 10_000 for row in range(n_rows)],
            "from": [0.1] * n_rows,
            "to": [0.2] * n_rows,
            "p": [None, *[1e-9] * (n_rows - 1)][:n_rows],
        },
        dtype=object,
    )
    marks: dict[tuple[int, str], list[Mark]] = (
        {(n_rows - 1, "MRR"): ["best"], (n_rows - 1, "p"): ["significant"]} if n_rows > 1 else {}
    )
    legend: dict[Mark, str] = {"best": "the highest", "significant": "p below .05"} if marks else {}
    return Report("table", frame, values, caption, marks, legend, {"MRR": True})


def toy_reports() -> dict[str, Report]:
    """Return tables by what is special about them."""
    return {
        "two rows and marks": toy_report(),
        "no row": toy_report(models=()),
        "one row": toy_report(models=["sasrec"]),
        "80 rows": toy_report([f"model{row}" for row in range(80)]),
        "markup": toy_report([f"markup {MARKUP}", "plain"], caption=f"A caption with {MARKUP}."),
        "other alphabets": toy_report(["модель", "模型"], caption="Größe ≤ 1."),
    }
