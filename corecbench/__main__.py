"""`python -m corecbench` is the command `corecbench`."""

from corecbench.cli import main

main(prog_name="corecbench")
