"""Writes what an LLM makes of the item texts, so that one machine encodes and another one tests."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from corecbench.api import LlmComponent, PluginError, Setup, UsageError, resolve
from corecbench.experiment.cells import settings_of
from corecbench.plugin.abilities import recommender_abilities
from corecbench.plugin.guard import guard
from corecbench.results.privacy import without_private
from corecbench.toolkit import workspace
from corecbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

ENDINGS = (".parquet", ".pq")
METADATA = b"corecbench"
"""The key of the provenance, as JSON, in the metadata of the file."""


def write_vectors(host: Host, llm: Selected, data: SplitDataset, setup: Setup, out: Path) -> dict[str, Any]:
    """Write the LLM's states of each item's text as Parquet, and return where they come from.

    An item without a state, since it has no text, has no row. Each kind of states is a column of lists. A file is
    replaced only if it was written by this function.

    Raises:
        UsageError: the file is not named as Parquet, or is there and is another one, or the LLM has no states.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if out.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{out}: vectors are written as Parquet; give an --out that ends in {' or '.join(ENDINGS)}"
        )
    if out.exists() and provenance(out) is None:
        raise UsageError(f"{out} is there and was not written by `corecbench encode`; give another --out")
    catalog = data.catalog
    states = {name: rows.float().cpu() for name, rows in states_of(host, llm, setup).items()}
    has = sum((rows != 0).any(dim=1) for rows in states.values()).bool()  # type: ignore[union-attr]
    kept = has.nonzero().squeeze(1)
    columns: dict[str, Any] = {"item_id": pa.array([catalog.item_ids[row] for row in kept.tolist()])}
    for name, rows in states.items():
        flat = pa.array(rows[kept].reshape(-1).numpy())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])
    facts: dict[str, Any] = without_private(
        {
            "llm": llm.label,
            "settings": settings_of(llm),
            "fingerprint": dict(llm.fingerprint),
            "states": {name: rows.shape[1] for name, rows in states.items()},
            "dataset": data.whole_name,
            "items": len(kept),
            "texts": hashlib.sha256(json.dumps(catalog.item_texts).encode()).hexdigest(),
            "plugin": str(llm.plugin),
            "corecbench": __version__,
        }
    )
    table = pa.table(columns).replace_schema_metadata({METADATA: json.dumps(facts).encode()})
    with workspace(out.absolute().parent) as folder:
        pq.write_table(table, folder / out.name, compression="zstd")
        os.replace(folder / out.name, out)
    return facts


def states_of(host: Host, llm: Selected, setup: Setup) -> Mapping[str, torch.Tensor]:
    """Return name -> float [N+1, h], an LLM's own states of the item texts, or what comes nearest to them."""
    encode = llm.component.encode if isinstance(llm.component, LlmComponent) else None
    n_rows = setup.catalog.n_items + 1
    if encode is None:
        abilities = recommender_abilities(host.build(llm, setup, None))
        given = {"text_states": abilities.text_states, "text": abilities.text}
        states = dict([(name, rows) for name, rows in given.items() if rows is not None][:1])
        if not states:
            raise UsageError(f"{llm.label} says nothing of texts, so there is nothing to write")
        return states
    with guard(str(llm), "encode"):
        states = dict(resolve(encode)(llm.config, setup))
        if not states or any(rows.dim() != 2 or len(rows) != n_rows for rows in states.values()):
            raise PluginError(f"it gives { ({name: list(rows.shape) for name, rows in states.items()})!s:.80}")
    return states


def provenance(path: Path) -> dict[str, Any] | None:
    """Return what `write_vectors` wrote of where vectors come from; None if it did not write the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
        facts: dict[str, Any] = json.loads(metadata[METADATA])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None
    return facts
