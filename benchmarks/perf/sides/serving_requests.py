"""Answers requests one after another: `serving_requests.py loaded|exported FOLDER REQUESTS.json`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring.clock import report, timed

if TYPE_CHECKING:
    from collections.abc import Callable

PASSES = 5


def recommender(way: str, folder: str) -> Callable[[list[str]], Any]:
    """Return what answers a request, loaded."""
    if way == "loaded":
        import corecbench

        return corecbench.load_model(folder).recommend
    sys.path.insert(0, folder)
    from serve import Recommender

    answer: Callable[[list[str]], Any] = Recommender().recommend
    return answer


def main() -> None:
    """Load, answer every request a few times, and report the quickest pass."""
    way, folder, requests = sys.argv[1:]
    histories = json.loads(Path(requests).read_text(encoding="utf-8"))
    began = time.perf_counter()
    answer = recommender(way, folder)
    answer(histories[0])
    load_s = time.perf_counter() - began
    import torch

    passes = []
    for _ in range(PASSES):
        _, cost = timed(lambda: [answer(history) for history in histories])
        passes.append(cost)
    best = min(passes, key=lambda cost: cost.wall_s)
    report(
        best,
        ("torch", "corecbench"),
        milliseconds_per_request=1000 * best.wall_s / len(histories),
        cpu_milliseconds_per_request=1000 * min(cost.cpu_s for cost in passes) / len(histories),
        load_s=load_s,
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
