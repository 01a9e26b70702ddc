"""`python -m corecbench` is the command `corecbench`."""

from corecbench.cli.main import main

main(prog_name="corecbench")
