"""The captions of gains on slices of the users, and over shares of them that train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.evidence.rows import fault_sentences
from corecbench.report.evidence.users import stored_slicings
from corecbench.report.views.provenance import made_with, of_reductions, protocol_sentence
from corecbench.report.views.statistics import of_intervals
from corecbench.report.wording import count, of_ensembles, seed_list, sentences
from corecbench.results.frames import COUNTS, SIMILARITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence


def slice_caption(evidence: Evidence) -> str:
    """Return the caption of the gains on slices, which states protocol, slices, means and intervals."""
    tested, contrasts = evidence.tested, evidence.slices()
    filled = list(dict.fromkeys(each.row.dataset for each in contrasts))
    faults = fault_sentences(evidence.rows.values(), tested)
    empty = [
        f"{dataset}: there is no joint row that can be compared with its solo row"
        for dataset in evidence.datasets
        if dataset not in filled
    ]
    if not filled:
        return sentences(*empty, *faults)
    return sentences(
        "; ".join(
            extent(f"{dataset}, ", [each for each in contrasts if each.row.dataset == dataset])
            for dataset in filled
        ),
        protocol_sentence(evidence.protocol(filled)),
        *of_reductions(each.row for each in contrasts),
        f"{tested} and {tested} solo (the same model trained alone): means over the users of a slice, "
        "each user first averaged over the seeds both have",
        *faults,
        *of_ensembles((each.row.side for each in contrasts), "the domain model alone"),
        *_of_slices({dataset: stored_slicings(evidence.facts(dataset)) for dataset in filled}),
        of_intervals(evidence.method, contrasts),
        *dict.fromkeys(sentence for name in filled for sentence in made_with(evidence.records([name]))),
        *empty,
    )


def extent(begin: str, contrasts: Sequence[Contrast]) -> str:
    seeds = seed_list({seed for each in contrasts for seed in each.seeds}, "seed")
    return f"{begin}{count(max(each.n_users for each in contrasts))} users, {seeds}"


def _of_slices(slicings: dict[str, list[str]]) -> Iterator[str]:
    """Yield what the slices mean, and of which data sets they lack, from the slicings that are stored of each."""
    by_time = any("new users" in known for known in slicings.values())
    if any("history length" in known for known in slicings.values()):
        length = "before the held-out item" if by_time else "in training"
        of_item = "training interactions" if by_time else "those"
        yield (
            f"Slices: fifths of the users by history length (their interactions {length}) and by target "
            f"frequency ({of_item} of their held-out item); users with equal counts are not split, so slices can "
            "be uneven or fewer; items never in training are a slice of their own; in bins: the same ones on every "
            "data set"
        )
    if any("word overlap" in known for known in slicings.values()):
        yield (
            "Word overlap: none where the held-out item's text shares no word with a text of the history that "
            "models see; cosine: of the TF-IDF vectors of the most similar two"
        )
    if by_time:
        yield "New users did nothing before the first cut, so nothing of them is in training"
    lengths = [dataset for dataset, known in slicings.items() if "history length" not in known]
    overlaps = [dataset for dataset, known in slicings.items() if "word overlap" not in known]
    for without, what, columns in (
        (lengths, "No slices", " and ".join(COUNTS)),
        ([] if len(lengths) == len(slicings) else overlaps, "No slices by word overlap", SIMILARITY),
    ):
        if without:
            named = f" of {', '.join(without)}" if len(slicings) > 1 else ""
            mend = "`corecbench run` with --existing replace stores them"
            yield f"{what}{named}: the stored ranks lack {columns}; {mend}"


def share_caption(evidence: Evidence, contrasts: Sequence[Contrast]) -> str:
    """Return the caption of the gains over shares, which states protocol, means and intervals, and versions."""
    tested = evidence.tested
    return sentences(
        "Each row: a joint row and the same model trained alone, both at this share of the users that train",
        protocol_sentence(evidence.protocol()),
        *of_reductions(each.row for each in contrasts),
        f"{tested} and {tested} solo: means over all users that are ranked, each user first averaged over the "
        "seeds both have; each seed draws its own users, and those of a smaller share are among those of a "
        "larger one",
        *of_ensembles((each.row.side for each in contrasts), "the domain model alone"),
        of_intervals(evidence.method, contrasts),
        *made_with(evidence.records()),
    )
