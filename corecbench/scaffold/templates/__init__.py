"""One plugin of each kind. `corecbench new-plugin` writes a copy of it under another name."""
