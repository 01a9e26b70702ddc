"""Ranks held-out items by scores, and computes metrics from the ranks."""
