"""Attacks corecbench for longer than the tests do, and writes what became of it to results/attack.

    python tests/attack/run.py fuzz --inputs 5000       # changed inputs for every reader
    python tests/attack/run.py crash                    # kills runs at many points and starts each again
    python tests/attack/run.py soak --cells 200         # many tiny cells: memory, files and seconds stay flat
    python tests/attack/run.py mutation --seconds 900   # changed code: do the tests notice?

What is drawn follows from `--seed`, before the name of the attack; so a fault is made again by the same command.
"""

import json
import sys
from pathlib import Path

import click

RESULTS = Path(__file__).resolve().parents[2] / "results" / "attack"


@click.group(help=__doc__.partition("\n")[0])
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Folder of what is written.")
@click.pass_context
def main(context, seed, out):
    context.obj = seed, out


@main.result_callback()
def write(ended, seed, out):
    """Write the record of an attack, if it has one, to the file of its name; fail if there were faults."""
    name, record, failed = ended
    if record is not None:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    raise SystemExit(int(failed))


@main.command()
@click.option("--inputs", default=5000, show_default=True, help="Inputs of all kinds together.")
@click.option("--kinds", default="", help="Names of kinds, separated by commas.  [default: all]")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the inputs at fault.")
@click.pass_obj
def fuzz(common, inputs, kinds, keep):
    """Feed every reader with changed inputs."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))  # where tests find it by their settings
    from fuzzing.running import run_all

    record = run_all(inputs, kinds.split(",") if kinds else (), common[0], keep)
    return "fuzz", record, record["total"]["faults"]


@main.command()
@click.option("--short", is_flag=True, help="A dozen points, and nothing is written.")
@click.pass_obj
def crash(common, short):
    """Kill runs at many points, start each again, and compare the end with that of an undisturbed run."""
    from crashing.matrix import run_all

    cases, failed = run_all(common[0], short)
    return "crash_matrix", None if short else {"cases": cases}, failed


@main.command()
@click.option("--cells", default=200, show_default=True)
def soak(cells):
    """Run many tiny cells in one run, and record memory, open files and seconds of each."""
    from soaking import run_all

    return "soak", run_all(cells), False


@main.command()
@click.option("--modules", default="", help="Paths, separated by commas.  [default: all that are known]")
@click.option("--seconds", default=900.0, show_default=True, help="Time in which changes are begun.")
@click.option("--most", default=25, show_default=True, help="Changes of each module that are tried.")
@click.pass_obj
def mutation(common, modules, seconds, most):
    """Change the code a little, one place at a time, and look whether the tests of that module notice."""
    from mutating.campaign import run_all

    earlier = common[1] / "mutation.json"
    known = json.loads(earlier.read_text(encoding="utf-8"))["modules"] if earlier.exists() else {}
    return "mutation", run_all(modules.split(",") if modules else (), seconds, most, common[0], known), False


if __name__ == "__main__":
    main()
