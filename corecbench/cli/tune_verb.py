"""The verb that searches settings, and prints what it searched, for how long, and what it found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.options import (
    Verb,
    be_a_good_neighbour,
    config_option,
    device_option,
    discover,
    names_setting,
    run_config,
    set_option,
    setting,
    split_options,
)
from corecbench.cli.saying import say
from corecbench.cli.stored_options import results_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.tuning.budget import Budget
    from corecbench.tuning.search import Search
    from corecbench.tuning.tune import Outcome

FOLDER = "tuning"
"""The folder of trials and plots, in that of the results."""


@click.command(cls=Verb)
@names_setting("--models", kind="models", help="Domain models, such as sasrec,lightgcn.")
@names_setting("--llm", "llms", kind="llms", help="Search each model in a pair with this LLM, too.", metavar="NAME")
@names_setting("--sharing", kind="sharing", help="Sharing module of the pairs.  [default: bdlm]", metavar="NAME")
@names_setting("--datasets", kind="datasets", help="Data sets.  [default: ml-100k]")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Of each search; a model alone and its pair have the same. 0 only writes what is stored.",
)
@click.option("--trials", type=click.IntRange(min=1), metavar="N", help="Most trials that finish, of each search.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes side by side.")
@setting("--threads", type=int, metavar="N", help="Threads of each process.  [default: 1]")
@setting("--seed", "seeds", type=int, metavar="N", help="Seed of models and searches.  [default: 0]")
@setting("--train-share", "train_shares", metavar="SHARE", help="Share of the users that trains.  [default: 1]")
@split_options
@device_option
@config_option("A run file; its settings are kept and not searched.")
@set_option("Keep one setting at a value.")
@click.option(
    "--first",
    multiple=True,
    metavar="NAME.KEY=VALUE",
    help="One setting of a trial that is made first, such as published ones; the others are the defaults.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="tuned.toml",
    show_default=True,
    metavar="FILE",
    help="File with the best settings, which a run file can include.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Print what would be searched and for how long, and stop.")
@results_option
def tune(
    results: Path,
    first: tuple[str, ...],
    minutes: float,
    trials: int | None,
    jobs: int,
    out: Path,
    only_plan: bool,
) -> None:
    """Search settings on validation, alone and in pairs.

    The test items are not read by any search. The same command goes on where it stopped; with more --minutes it
    goes on after its end, too.
    """
    from corecbench.settings.values import parse_sets
    from corecbench.tuning.budget import Budget
    from corecbench.tuning.study import needs_optuna
    from corecbench.tuning.tune import searches
    from corecbench.tuning.tune import tune as search_both

    be_a_good_neighbour()
    needs_optuna()
    settings, budget, folder = run_config(), Budget(minutes, trials, jobs), results / FOLDER
    all_sides = list(searches(settings, discover(), budget, parse_sets(first)))
    for search in (search for sides in all_sides for search in sides):
        search.check()
    say(*plan_lines([search for sides in all_sides for search in sides], budget))
    if only_plan:
        return
    for sides in all_sides:
        for outcome in search_both(sides, budget, folder, out, say):
            say(*outcome_lines(outcome))
    say(f"written to {out}; every trial and the plots of each search are in {folder}")


def plan_lines(searches: Sequence[Search], budget: Budget) -> Iterator[str]:
    """Yield what would be searched, and for how long."""
    from corecbench.plugin.search_space import shown_space

    most = "" if budget.trials is None else f" or {budget.trials} finished trials"
    jobs = f", {budget.jobs} jobs" if budget.jobs > 1 else ""
    total = budget.minutes * len(searches)
    count = f"{len(searches)} search{'es' * (len(searches) > 1)}"
    yield f"plan: {count} of {budget.minutes:g} minutes{most} each{jobs}; {total:g} minutes in all"
    shown: set[str] = set()
    for search in searches:
        yield f"  {search.data.shown}  {'+'.join(label for _, label in search.labels)}  seed {search.seed}"
        for label, space in search.spaces.items():
            if label in shown:
                continue
            shown.add(label)
            width = max(map(len, space), default=0)
            for name, mark in space.items():
                yield f"    {label}.{name:{width}}  {shown_space(mark)}"
            if kept := search.given.get(label):
                yield f"    kept: {', '.join(f'{label}.{key} = {value}' for key, value in kept.items())}"
        if search.llm is not None:
            kept_parts = [search.llm, *([] if search.searches_sharing else [str(search.sharing)])]
            yield f"    settings of {' and '.join(kept_parts)} are kept"


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Yield what a search found, whether its best trial was cut off, and whether it lies on an edge."""
    from corecbench.tuning.tuned_file import CUT_OFF

    found = outcome.account
    parts = "+".join(label for _, label in outcome.search.labels)
    yield (
        f"{outcome.search.data.shown}  {parts}: validation NDCG@10 {found['validation']:.4f} in trial "
        f"{found['best_trial']} ({found['best_ended']}), of {found['finished_trials']} trials that finished in "
        f"{found['minutes']} minutes"
    )
    for label, settings in found["settings"].items():
        yield f"  {label}: {', '.join(f'{key} = {value}' for key, value in settings.items())}"
    if not found["finished_trials"]:
        yield f"  {CUT_OFF}"
    for text in found["on_edge"]:
        yield f"  on the edge: {text}; a wider space may hold better ones"
