"""Paired tests over users, corrections for many tests, intervals, effect sizes and power."""
