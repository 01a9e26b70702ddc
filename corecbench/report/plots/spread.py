"""Labels beside points, away from each other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RADII = (9.0, 15.0, 22.0, 30.0)
"""The distances of the centre of a label from its point, in typographic points."""
NEAR = RADII[0]
"""The largest distance at which a label needs no line to its point."""
DIRECTIONS = tuple(np.pi * np.array([0.25, -0.25, 0.75, -0.75, 0.5, -0.5, 0, 1]))
SIZE = np.array([11.0, 10.0])
"""The size of a label with two digits, in typographic points."""
MARKER = np.array([8.0, 8.0])


def place_labels(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the place of the centre of each label, relative to its point.

    It is the nearest place at which a label covers neither a point nor an earlier label, or else the place at which
    it covers least.

    >>> place_labels([(0.0, 0.0), (100.0, 0.0)])
    [(0.0, 9.0), (0.0, 9.0)]

    Args:
        points: x and y in typographic points.
    """
    centres = np.array(points, dtype=np.float64).reshape(-1, 2)
    taken = np.empty_like(centres)
    offsets = np.array(
        [
            np.round(radius * np.array([np.cos(angle), np.sin(angle)]), 1)
            for radius, angle in itertools.product(RADII, DIRECTIONS)
        ]
    )
    chosen = []
    for number, centre in enumerate(centres):
        places = centre + offsets
        covered = _overlap(places, centres, MARKER) + _overlap(places, taken[:number], SIZE)
        best = offsets[int(np.argmin(np.round(covered, 6)))]
        taken[number] = centre + best
        chosen.append((float(best[0]), float(best[1])))
    return chosen


def _overlap(places: np.ndarray, others: np.ndarray, other_size: np.ndarray) -> np.ndarray:
    """Return the area that labels at some places [P, 2] share with boxes at other places [O, 2], float64 [P]."""
    sides = (SIZE + other_size) / 2 - np.abs(places[:, None] - others)  # [P, O, 2]
    return np.asarray(np.clip(sides, 0, None).prod(axis=2).sum(axis=1))
