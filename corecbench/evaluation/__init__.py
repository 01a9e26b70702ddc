"""From scores to the rank of each held-out item."""
