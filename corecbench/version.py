"""The version of corecbench, and that of the algorithms in it."""

from collections.abc import Mapping
from types import MappingProxyType

__version__ = "0.2.0"

ALGORITHMS: Mapping[str, int] = MappingProxyType(
    {
        "leave-one-out split": 1,
        "split by time": 1,
        "full ranking": 1,
        "training loop": 1,
        "pair training": 1,
        "score ensemble": 1,
        "pair controls": 1,
        "item texts": 1,
        "texts in scores": 3,
        "rows that a loss reads": 2,
    }
)
"""Algorithm of the core -> its number. A change that changes ranks counts it up, so that all cells that use it get
another hash. A component states its own as `algorithm`. `benchmarks/algorithms.py` says which code is whose."""
