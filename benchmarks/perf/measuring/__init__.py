"""The frame of the measuring scripts: sides, rounds, records, tables, and the environments of the peers.

A script names what it compares, and has the options of all scripts::

    @click.command()
    @measuring_options
    def main(options: Options) -> None:
        # measures how long the command line takes to start
        sides = [Side("--help", [sys.executable, "-m", "corecbench", "--help"])]
        targets = [Target("--help", at_most=0.3, quantity="wall_s")]
        measure_all("startup", [Comparison("start", sides, targets)], options)

A side is a program. What it says by `clock.report` counts; if it says nothing, the whole process does. Programs in
`sides/` run in this environment (`sides.own_side`) or in that of a peer (`environments.python_of`). With `--tiny` a
script must be done in seconds. The name that `measure_all` is given is that of the script.
"""
