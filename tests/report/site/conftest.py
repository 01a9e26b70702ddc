"""Two benchmarks of toy results, and their site."""

import pytest

from corecbench.plugin.host import Host
from corecbench.report.site.write import write_site

from ..conftest import PROTOCOL, Bench
from ..page.conftest import EVIL, Suite, fill

METRICS = ["HR@10", "NDCG@10"]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return the site of two benchmarks with one data set each in common, the second of another protocol."""
    root = tmp_path_factory.mktemp("site")
    first = Suite(root, "first").fill(datasets=["ml-1m"], seeds=(0, 1)).bench
    second = fill(Bench(root, "second"), dataset="ml-1m", protocol=PROTOCOL | {"seen items": "kept"})
    evil = fill(Bench(root, f"third {EVIL}"), dataset=f"data {EVIL}", domain=f"own {EVIL}")
    stores = [bench.store for bench in (first, second, evil)]
    return write_site(Host.discover(), stores, METRICS, root / "out", f"Title {EVIL}")
