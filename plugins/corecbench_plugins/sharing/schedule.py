"""Turns that alternate between the two sides."""

from corecbench.api import Budget, Turn
from corecbench_plugins.sharing.settings import Schedule


def alternate(schedule: Schedule, budget: Budget) -> list[Turn]:
    """Return the warm-up, then rounds of an LLM turn and a domain turn, with each side's epochs spread evenly.

    >>> schedule = Schedule(warm_up_epochs=6, rounds=2, domain_epochs=5, llm_epochs=9)
    >>> [(turn.side, turn.epochs) for turn in alternate(schedule, Budget(domain_epochs=9, llm_epochs=10))]
    [('domain', 6), ('llm', 5), ('domain', 2), ('llm', 4), ('domain', 1)]
    """
    warm_up = min(schedule.warm_up_epochs, budget.domain_epochs)
    llm = spread(min(schedule.llm_epochs, budget.llm_epochs), schedule.rounds)
    domain = spread(min(schedule.domain_epochs, budget.domain_epochs - warm_up), schedule.rounds)
    turns = [Turn("domain", warm_up)]
    for llm_epochs, domain_epochs in zip(llm, domain, strict=True):
        turns += [Turn("llm", llm_epochs), Turn("domain", domain_epochs)]
    return [turn for turn in turns if turn.epochs > 0]


def spread(epochs: int, rounds: int) -> list[int]:
    """Return `rounds` numbers that sum to `epochs` and differ by at most 1."""
    short, longer = divmod(epochs, rounds)
    return [short + (number < longer) for number in range(rounds)]
