"""Stored results: finished cells are written to disk, read and checked."""
