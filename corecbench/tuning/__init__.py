"""Searches settings on validation, alone and in pairs under the same budget. Needs the extra `tune`."""
