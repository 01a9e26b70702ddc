"""Write docs/recbole-models.md: what `recbole:NAME` does with each sequential and general model class of RecBole.

Run it after a change of the RecBole registry; a test fails where the page is stale.
"""

from collections.abc import Mapping
from pathlib import Path

from corecbench_plugins.recbole_models.registry import GENERAL, NO_TABLE, SEQUENTIAL, ModelEntry

PAGE = Path(__file__).with_name("recbole-models.md")

TEXT = """\
# RecBole's models

This page is for people who want to run another model of RecBole. It says which ones work, alone or with an LLM, and
how each is trained.

    corecbench run --models recbole:BERT4Rec,recbole:EASE --datasets ml-100k
    corecbench run --models recbole:NARM --llm llama --set 'recbole.parameters={{hidden_size=64}}'

`recbole:NAME` takes the class NAME of RecBole 1.2.1 and nothing else of RecBole: data, protocol, training and
evaluation are those of every other model here. Of the {all} sequential and general classes, {joint} can be trained
alone and jointly, {solo} alone, and {no} not at all. FMLPRec is not among them.

- **Settings.** `recbole.parameters` are hyperparameters under RecBole's names; the other settings are those of all
  trainable models. Two models with settings of their own are variants: `[variants.narm-wide]` with
  `of = "recbole:NARM"` and `parameters = {{hidden_size = 256}}`.
- **Joint** models have tables of item ids, and maybe of user ids, which the sharing module gives. The score is an
  inner product of a user's and an item's state. **Solo** models have no table of item ids, or what is noted.
- **Trained on.** *Cross-entropy at every position*: one pass over a window of a history gives a state and a target
  at each position. *Own loss* is the class's `calculate_loss`. RecBole has a row for each prefix of a history; here
  each window gives `prefixes` of its prefixes, 4 by default, drawn anew each time (0: all).
- **A user is** says what a model knows of a user when it ranks items. A row of a table knows the training part. All
  else includes the validation item at test time.

{tables}
"""


def page() -> str:
    """Return the text of the page."""
    entries = [*GENERAL.values(), *SEQUENTIAL.values()]
    count = {use: sum(use_of(entry) == use for entry in entries) for use in ("joint", "solo", "no")}
    parts = (("Sequential models", SEQUENTIAL), ("General models", GENERAL))
    tables = "\n\n".join(f"## {title}\n\n{table(models)}" for title, models in parts)
    return TEXT.format(all=len(entries), tables=tables, **count)


def use_of(entry: ModelEntry) -> str:
    """Return how a class can be trained."""
    return "no" if entry.family is None else "joint" if entry.tables else "solo"


def table(models: Mapping[str, ModelEntry]) -> str:
    """Return the classes that are alike in a row of one table in Markdown, and below it what is noted."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    noted: dict[str, list[str]] = {}
    for name in sorted(models, key=str.lower):
        entry = models[name]
        family = entry.family
        facts = (use_of(entry), *((family.trained, family.user) if family else ("", "")))
        alike.setdefault(facts, []).append(name)
        for note in notes(entry):
            noted.setdefault(note, []).append(name)
    rows = [(*facts, ", ".join(names)) for facts, names in sorted(alike.items())]
    lines = ["| use | trained on | a user is | `recbole:` |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([*lines, "", *(f"- {', '.join(names)}: {note}." for note, names in noted.items())])


def notes(entry: ModelEntry) -> list[str]:
    """Return what is noted of a class: why it is solo, if that is not for want of a table of items, and more."""
    family = entry.family
    alone = "" if entry.tables or family is None or family.solo_reason == NO_TABLE else family.solo_reason
    return [note for note in (alone, entry.note) if note]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
