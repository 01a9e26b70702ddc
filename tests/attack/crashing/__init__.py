"""Runs that are killed at a point, started again, and compared with one that nothing disturbed."""
