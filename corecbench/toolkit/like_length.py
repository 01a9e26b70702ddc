"""Computes long and short histories of a batch apart, so that less of it is padding.

B rows of a batch, L positions of a history, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


def by_length(
    length: torch.Tensor, width: int, states: Callable[[torch.Tensor, int], torch.Tensor], few: int
) -> torch.Tensor:
    """Return the states of a batch, [B, L, d], from groups of rows of like length; 0 beyond the width of a group.

    On a GPU, which would be waited for, all rows are one group.

    Args:
        length: int64 [B], of the histories.
        width: L.
        states: returns the states [n, w, d] of some rows, int64 [n], at their first w positions.
        few: of so many positions, padding included, a further group costs about as much as it saves.
    """
    import torch
    from torch.nn.functional import pad

    if length.device.type != "cpu":
        return states(torch.arange(len(length), device=length.device), width)
    groups = of_like_length(length, few)
    found = [pad(states(rows, most), (0, 0, 0, width - most)) for rows, most in groups]
    return torch.cat(found)[torch.cat([rows for rows, _ in groups]).argsort()]


def of_like_length(length: torch.Tensor, few: int) -> list[tuple[torch.Tensor, int]]:
    """Divide the rows of a batch, longest first, into groups whose rows fill more than half of the group's width.

    Args:
        length: as in `by_length`.
        few: as in `by_length`; the last group takes all rows that are left.

    Returns:
        The rows of each group, int64, and its width.

    >>> import torch
    >>> lengths = torch.tensor([40, 3, 50] + [20] * 60 + [2] * 9)
    >>> [(len(rows), width) for rows, width in of_like_length(lengths, few=1024)]
    [(2, 50), (60, 20), (10, 3)]
    """
    ordered, order = length.sort(descending=True, stable=True)
    groups, begin = [], 0
    while begin < len(order):
        width = int(ordered[begin])
        rest = len(order) - begin
        n_rows = rest if rest * width <= few else int((2 * ordered[begin:] > width).sum())
        groups.append((order[begin : begin + n_rows], width))
        begin += n_rows
    return groups
