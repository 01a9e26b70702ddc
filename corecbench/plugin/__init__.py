"""Plugins: the hooks, how plugins are found and loaded, and whose fault an error is."""
