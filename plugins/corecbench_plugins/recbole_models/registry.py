"""Every sequential and general model class of RecBole 1.2.1: how it is used here, or why it cannot be."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS, PAIRS, FEW = 64, 2048, 256
"""Examples in a batch: windows of histories, pairs of a user and an item, pairs that cost a whole history each."""
SEQUENCE, ROW, MIXED = "the latest history", "a row", "a row and the latest history"
ITEMS = "all items"
"""What a user is."""
PREFIX_LOSS, PAIR_LOSS, USER_LOSS = "own loss on prefixes", "own loss on pairs", "own loss on users"
NO_PRODUCT, NO_TABLE = "its score is no inner product", "it has no table of item ids"
"""Why it is trained alone only."""


@dataclass(frozen=True)
class Family:
    """Classes that are trained and read alike."""

    adapter: str
    """module:class in this package."""
    trained: str
    """On what, with which loss."""
    user: str
    """What a user is when items are ranked."""
    batch_size: int
    alone: str = NO_PRODUCT
    """Why those without given tables are trained alone only."""

    def by(self, adapter: str, **changes: Any) -> Family:
        """Return the family of a class that needs an adapter of its own."""
        return dataclasses.replace(self, adapter=adapter, **changes)


POSITIONS = Family("sequences:EveryPosition", "cross-entropy at every position", SEQUENCE, WINDOWS)
PREFIXES = Family("sequences:Prefixes", PREFIX_LOSS, SEQUENCE, WINDOWS)
MIXED_PREFIXES = dataclasses.replace(PREFIXES, user=MIXED)
SEQUENCE_SCORES = Family("sequences:SequenceScores", PREFIX_LOSS, SEQUENCE, WINDOWS)
SEQUENCE_PAIRS = Family("pair_scores:SequencePairScores", PREFIX_LOSS, SEQUENCE, WINDOWS)
PAIR_SCORES = Family("pair_scores:PairScores", PAIR_LOSS, ROW, PAIRS)
FACTORS = Family("tables:Factors", PAIR_LOSS, ROW, PAIRS)
GRAPH = Family("tables:Graph", PAIR_LOSS, ROW, PAIRS)
BY_USER = Family("tables:ByUser", "learns in one pass", ROW, PAIRS, NO_TABLE)
AUTOENCODER = Family("histories:Autoencoder", USER_LOSS, ITEMS, WINDOWS, NO_TABLE)
SIMILARITY = Family("histories:Similarity", "learns in one pass", ITEMS, PAIRS, NO_TABLE)


@dataclass(frozen=True)
class Known:
    """What is known of a class without importing it."""

    family: Family | None = None
    """None for a class that cannot be used."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Attribute of the class -> "user" or "item", the table that is given from outside; none for solo only."""
    note: str = ""
    """Why it cannot be used, or what is special."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that RecBole's file of defaults leaves out, or that need another default here."""


USER, ITEM = {"user_embedding": "user"}, {"item_embedding": "item"}
BOTH = USER | ITEM
SLOW = "scores each pair by itself: slow to rank"
KNOWLEDGE = "needs embeddings of a knowledge graph"
TITLES = "its item feature is the words of the title", {"selected_features": ["title"]}
BY_USERS = "by users (`knn_method`) it knows training alone"

GENERAL: Mapping[str, Known] = {
    "ADMMSLIM": Known(SIMILARITY.by("histories:AdmmSlim")),
    "AsymKNN": Known(SIMILARITY.by("histories:AsymKnn"), note=BY_USERS),
    "BPR": Known(FACTORS, BOTH),
    "CDAE": Known(AUTOENCODER),
    "ConvNCF": Known(PAIR_SCORES, note=SLOW),
    "DGCF": Known(GRAPH.by("tables:Dgcf"), BOTH),
    "DMF": Known(PAIR_SCORES.by("histories:Dmf", user=ITEMS, alone=NO_TABLE)),
    "DiffRec": Known(AUTOENCODER),
    "EASE": Known(SIMILARITY),
    "ENMF": Known(FACTORS.by("tables:Enmf", trained=USER_LOSS, batch_size=WINDOWS), BOTH),
    "FISM": Known(FACTORS.by("histories:Fism", user=ITEMS, batch_size=FEW), {"item_dst_embedding": "item"}),
    "GCMC": Known(PAIR_SCORES.by("tables:Gcmc", alone=NO_TABLE)),
    "ItemKNN": Known(SIMILARITY, note=BY_USERS),
    "LDiffRec": Known(AUTOENCODER, note="with one category of items (`n_cate`)"),
    "LINE": Known(FACTORS.by("tables:Line"), BOTH),
    "LightGCN": Known(
        GRAPH,
        BOTH,
        "the component `lightgcn` knows the validation item at test time, too",
        {"require_pow": False},
    ),
    "MacridVAE": Known(AUTOENCODER.by("histories:Autoencoder", alone=NO_PRODUCT)),
    "MultiDAE": Known(AUTOENCODER),
    "MultiVAE": Known(AUTOENCODER),
    "NAIS": Known(PAIR_SCORES.by("histories:Nais", user=ITEMS, batch_size=FEW), note=SLOW),
    "NCEPLRec": Known(BY_USER),
    "NCL": Known(GRAPH.by("tables:Ncl"), BOTH, "its clusters come from scikit-learn, not from faiss"),
    "NGCF": Known(GRAPH, BOTH),
    "NNCF": Known(PAIR_SCORES, note=SLOW),
    "NeuMF": Known(PAIR_SCORES),
    "Pop": Known(BY_USER.by("tables:Pop", user="nothing")),
    "RaCT": Known(AUTOENCODER, note="its first stage, the actor"),
    "Random": Known(BY_USER.by("tables:ByUser", trained="learns nothing", user="nothing")),
    "RecVAE": Known(AUTOENCODER.by("histories:RecVae")),
    "SGL": Known(GRAPH.by("tables:Sgl"), BOTH),
    "SLIMElastic": Known(SIMILARITY),
    "SimpleX": Known(
        FACTORS.by("tables:SimpleX", user=MIXED),
        {"user_emb": "user", "item_emb": "item"},
        defaults={"train_neg_sample_args": {"sample_num": 1}, "require_pow": False},
    ),
    "SpectralCF": Known(GRAPH, BOTH),
}

SEQUENTIAL: Mapping[str, Known] = {
    "BERT4Rec": Known(PREFIXES.by("bert4rec:Bert4Rec", trained="own loss on windows with masked items"), ITEM),
    "CORE": Known(PREFIXES.by("sequences:Core"), ITEM),
    "Caser": Known(MIXED_PREFIXES, BOTH),
    "DIEN": Known(SEQUENCE_PAIRS, note=SLOW),
    "DIN": Known(SEQUENCE_PAIRS, note=SLOW),
    "FDSA": Known(POSITIONS, ITEM, *TITLES),
    "FEARec": Known(
        PREFIXES.by("fearec:FeaRec"),
        ITEM,
        defaults={"contrast": "us_x", "tau": 1.0, "sim": "dot", "use_filter": False},
    ),
    "FOSSIL": Known(MIXED_PREFIXES, ITEM),
    "FPMC": Known(MIXED_PREFIXES.by("sequences:Fpmc"), {"UI_emb": "user", "IU_emb": "item"}),
    "GCSAN": Known(PREFIXES, ITEM),
    "GRU4Rec": Known(POSITIONS, ITEM),
    "GRU4RecCPR": Known(SEQUENCE_SCORES),
    "GRU4RecF": Known(POSITIONS, ITEM, *TITLES),
    "GRU4RecKG": Known(note=KNOWLEDGE),
    "HGN": Known(MIXED_PREFIXES.by("sequences:Hgn"), BOTH, "the table that it scores by stays its own"),
    "HRM": Known(MIXED_PREFIXES, BOTH),
    "KSR": Known(note=KNOWLEDGE),
    "LightSANs": Known(PREFIXES, ITEM),
    "NARM": Known(PREFIXES, ITEM),
    "NPE": Known(MIXED_PREFIXES.by("sequences:Npe"), BOTH),
    "NextItNet": Known(POSITIONS.by("sequences:NextItNet"), ITEM),
    "RepeatNet": Known(SEQUENCE_SCORES),
    "S3Rec": Known(note="needs attributes of items, and a pretraining of its own"),
    "SASRec": Known(POSITIONS, ITEM),
    "SASRecCPR": Known(SEQUENCE_SCORES),
    "SASRecF": Known(POSITIONS, ITEM, *TITLES),
    "SHAN": Known(MIXED_PREFIXES.by("sequences:Shan"), BOTH),
    "SINE": Known(PREFIXES, ITEM),
    "SRGNN": Known(PREFIXES, ITEM),
    "STAMP": Known(PREFIXES, ITEM),
    "TransRec": Known(SEQUENCE_SCORES.by("sequences:TransRec", user=MIXED)),
}

MODELS: Mapping[str, Known] = {**GENERAL, **SEQUENTIAL}


def module_of(name: str) -> str:
    """Return the module of a class, as a path below `recbole.model`."""
    return f"{'general' if name in GENERAL else 'sequential'}_recommender.{name.lower()}"


def known(name: str) -> Known:
    """Return what is known of a class that can be used.

    Raises:
        ValueError: there is none of this name, or it cannot be used.
    """
    if name not in MODELS:
        by_lower = {other.lower(): other for other in MODELS}
        close = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3)]
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        usable = ", ".join(sorted(other for other, entry in MODELS.items() if entry.family))
        raise ValueError(f"RecBole 1.2.1 has no model {name!r}{hint}; have: {usable}")
    if MODELS[name].family is None:
        raise ValueError(f"RecBole's {name} cannot be used here: it {MODELS[name].note}")
    return MODELS[name]
