"""What a check found: shares with intervals, and a verdict on them.

S users or pairs of items, one of each user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scipy import stats

if TYPE_CHECKING:
    import numpy as np

Verdict = Literal["leak", "no sign", "cannot tell"]
CONFIDENCE = 0.95
FEWEST = 20
"""Users below which there is no verdict. Few values are often all alike, and then their interval has no width."""


@dataclass(frozen=True)
class Mean:
    """A mean over independent values, and its interval by Student's t."""

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: np.ndarray) -> Mean:
        """Return the mean of values, float [S]; its interval is without bounds where S is below 2.

        >>> import numpy as np
        >>> mean = Mean.of(np.array([0.0, 1.0, 1.0, 0.0]))
        >>> mean.value, round(mean.low, 3), round(mean.high, 3)  # t(.975, 3) is 3.182, the error 1 / 12**.5
        (0.5, -0.419, 1.419)
        """
        n = len(values)
        mean = float(values.mean()) if n else float("nan")
        if n < 2:
            return cls(mean, float("-inf"), float("inf"), n)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / n**0.5)
        return cls(mean, mean - half, mean + half, n)

    def __str__(self) -> str:
        if self.n < 2:
            return f"{self.value:.1%} (1 user)" if self.n else "unknown (0 users)"
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%}, {self.n:,} users)"


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    verdict: Verdict
    why: str
    """The reason, in a sentence."""
    shares: dict[str, Mean]
    """What was measured -> its mean."""

    def lines(self) -> list[str]:
        return [
            *(f"  {name}: {mean}" for name, mean in self.shares.items()),
            f"verdict: {self.verdict}; {self.why}",
        ]
