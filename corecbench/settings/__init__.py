"""The settings of a run: read, merged, checked."""
