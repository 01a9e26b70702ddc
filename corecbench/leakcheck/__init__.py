"""Checks whether texts or vectors that claim to know only the training part know what is held out."""
