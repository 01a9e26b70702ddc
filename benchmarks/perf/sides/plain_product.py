"""Measures the rate of matrix products in plain torch: `plain_product.py ROWS INNER COLUMNS DTYPE SECONDS`."""

import sys

import torch
from measuring.clock import Cost, report, timed


def rate(rows: int, inner: int, columns: int, dtype: torch.dtype, at_least_s: float) -> tuple[float, Cost]:
    """Return the operations a processor second of a product [rows, inner] x [inner, columns], and its cost."""
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    out = torch.empty(rows, columns, dtype=dtype)
    repeats = 1
    while True:
        _, cost = timed(lambda n=repeats: [torch.mm(left, right, out=out) for _ in range(n)])  # type: ignore[misc]
        if cost.cpu_s >= at_least_s:
            return 2 * rows * inner * columns * repeats / cost.cpu_s, cost
        repeats *= 2


if __name__ == "__main__":
    *shape, kind, at_least = sys.argv[1:]
    sizes = [int(size) for size in shape]
    operations, taken = rate(sizes[0], sizes[1], sizes[2], getattr(torch, kind), float(at_least))
    report(taken, ("torch",), gflop_per_s=operations / 1e9)
