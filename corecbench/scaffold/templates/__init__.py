"""One plugin of each kind, which `corecbench new-plugin` writes under another name."""
