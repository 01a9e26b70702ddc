"""Every sequential and general model class of RecBole 1.2.1: how it is used here, or why it cannot be."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS, PAIRS, COSTLY_PAIRS = 64, 2048, 256
"""Number of examples in a batch: windows, pairs, and pairs each of which costs as much as a whole history."""
SEQUENCE, ROW, MIXED = "the latest history", "a row", "a row and the latest history"
ITEMS = "all items"
"""Values of `Family.user`."""
PREFIX_LOSS, PAIR_LOSS, USER_LOSS = "own loss on prefixes", "own loss on pairs", "own loss on users"
"""Values of `Family.trained`."""
NO_PRODUCT, NO_TABLE = "its score is no inner product", "it has no table of item ids"
"""Values of `Family.solo_reason`."""


@dataclass(frozen=True)
class Family:
    """Model classes that are trained and ranked in the same way."""

    adapter: str
    """The adapter as "module:class" in this package."""
    trained: str
    """What the classes are trained on, and with which loss."""
    user: str
    """What a user is when items are ranked."""
    batch_size: int
    solo_reason: str = NO_PRODUCT
    """Why a class without tables from outside is trained alone only."""

    def with_adapter(self, adapter: str, **changes: Any) -> Family:
        """Return the family of a class that needs an adapter of its own."""
        return dataclasses.replace(self, adapter=adapter, **changes)


POSITIONS = Family("sequential_adapters:EveryPosition", "cross-entropy at every position", SEQUENCE, WINDOWS)
PREFIXES = Family("sequential_adapters:PrefixStates", PREFIX_LOSS, SEQUENCE, WINDOWS)
MIXED_PREFIXES = dataclasses.replace(PREFIXES, user=MIXED)
SEQUENCE_SCORES = Family("sequential_adapters:PrefixScores", PREFIX_LOSS, SEQUENCE, WINDOWS)
SEQUENCE_PAIRS = Family("pair_score_adapters:HistoryPairScores", PREFIX_LOSS, SEQUENCE, WINDOWS)
PAIR_SCORES = Family("pair_score_adapters:PairScores", PAIR_LOSS, ROW, PAIRS)
FACTORS = Family("user_row_adapters:RowProducts", PAIR_LOSS, ROW, PAIRS)
GRAPH = Family("user_row_adapters:Propagation", PAIR_LOSS, ROW, PAIRS)
BY_USER = Family("user_row_adapters:FittedScores", "learns in one pass", ROW, PAIRS, NO_TABLE)
AUTOENCODER = Family("item_set_adapters:Autoencoder", USER_LOSS, ITEMS, WINDOWS, NO_TABLE)
SIMILARITY = Family("item_set_adapters:ItemSimilarity", "learns in one pass", ITEMS, PAIRS, NO_TABLE)


@dataclass(frozen=True)
class ModelEntry:
    """What is known of a model class without importing it."""

    family: Family | None = None
    """None for a class that cannot be used."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Attribute of the class -> "user" or "item", for tables from outside. Empty for a class that is solo only."""
    note: str = ""
    """Why the class cannot be used, or what is special about it."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of parameters that RecBole's file of defaults leaves out, or that need another default here."""


USER, ITEM = {"user_embedding": "user"}, {"item_embedding": "item"}
BOTH = USER | ITEM
SLOW = "scores each pair by itself: slow to rank"
KNOWLEDGE = "needs embeddings of a knowledge graph"
TITLES = "its item feature is the words of the title", {"selected_features": ["title"]}
BY_USERS = "by users (`knn_method`) it knows training alone"

GENERAL: Mapping[str, ModelEntry] = {
    "ADMMSLIM": ModelEntry(SIMILARITY.with_adapter("item_set_adapters:AdmmSlim")),
    "AsymKNN": ModelEntry(SIMILARITY.with_adapter("item_set_adapters:AsymKnn"), note=BY_USERS),
    "BPR": ModelEntry(FACTORS, BOTH),
    "CDAE": ModelEntry(AUTOENCODER),
    "ConvNCF": ModelEntry(PAIR_SCORES, note=SLOW),
    "DGCF": ModelEntry(GRAPH.with_adapter("user_row_adapters:Dgcf"), BOTH),
    "DMF": ModelEntry(PAIR_SCORES.with_adapter("item_set_adapters:Dmf", user=ITEMS, solo_reason=NO_TABLE)),
    "DiffRec": ModelEntry(AUTOENCODER),
    "EASE": ModelEntry(SIMILARITY),
    "ENMF": ModelEntry(FACTORS.with_adapter("user_row_adapters:Enmf", trained=USER_LOSS, batch_size=WINDOWS), BOTH),
    "FISM": ModelEntry(
        FACTORS.with_adapter("item_set_adapters:Fism", user=ITEMS, batch_size=COSTLY_PAIRS),
        {"item_dst_embedding": "item"},
    ),
    "GCMC": ModelEntry(PAIR_SCORES.with_adapter("user_row_adapters:Gcmc", solo_reason=NO_TABLE)),
    "ItemKNN": ModelEntry(SIMILARITY, note=BY_USERS),
    "LDiffRec": ModelEntry(AUTOENCODER, note="with one category of items (`n_cate`)"),
    "LINE": ModelEntry(FACTORS.with_adapter("user_row_adapters:Line"), BOTH),
    "LightGCN": ModelEntry(
        GRAPH,
        BOTH,
        "the component `lightgcn` knows the validation item at test time, too",
        {"require_pow": False},
    ),
    "MacridVAE": ModelEntry(AUTOENCODER.with_adapter("item_set_adapters:Autoencoder", solo_reason=NO_PRODUCT)),
    "MultiDAE": ModelEntry(AUTOENCODER),
    "MultiVAE": ModelEntry(AUTOENCODER),
    "NAIS": ModelEntry(
        PAIR_SCORES.with_adapter("item_set_adapters:Nais", user=ITEMS, batch_size=COSTLY_PAIRS), note=SLOW
    ),
    "NCEPLRec": ModelEntry(BY_USER),
    "NCL": ModelEntry(
        GRAPH.with_adapter("user_row_adapters:Ncl"), BOTH, "its clusters come from scikit-learn, not from faiss"
    ),
    "NGCF": ModelEntry(GRAPH, BOTH),
    "NNCF": ModelEntry(PAIR_SCORES, note=SLOW),
    "NeuMF": ModelEntry(PAIR_SCORES),
    "Pop": ModelEntry(BY_USER.with_adapter("user_row_adapters:Pop", user="nothing")),
    "RaCT": ModelEntry(AUTOENCODER, note="its first stage, the actor"),
    "Random": ModelEntry(
        BY_USER.with_adapter("user_row_adapters:FittedScores", trained="learns nothing", user="nothing")
    ),
    "RecVAE": ModelEntry(AUTOENCODER.with_adapter("item_set_adapters:RecVae")),
    "SGL": ModelEntry(GRAPH.with_adapter("user_row_adapters:Sgl"), BOTH),
    "SLIMElastic": ModelEntry(SIMILARITY),
    "SimpleX": ModelEntry(
        FACTORS.with_adapter("user_row_adapters:SimpleX", user=MIXED),
        {"user_emb": "user", "item_emb": "item"},
        defaults={"train_neg_sample_args": {"sample_num": 1}, "require_pow": False},
    ),
    "SpectralCF": ModelEntry(GRAPH, BOTH),
}

SEQUENTIAL: Mapping[str, ModelEntry] = {
    "BERT4Rec": ModelEntry(
        PREFIXES.with_adapter("bert4rec_adapter:Bert4Rec", trained="own loss on windows with masked items"), ITEM
    ),
    "CORE": ModelEntry(PREFIXES.with_adapter("sequential_adapters:Core"), ITEM),
    "Caser": ModelEntry(MIXED_PREFIXES, BOTH),
    "DIEN": ModelEntry(SEQUENCE_PAIRS, note=SLOW),
    "DIN": ModelEntry(SEQUENCE_PAIRS, note=SLOW),
    "FDSA": ModelEntry(POSITIONS, ITEM, *TITLES),
    "FEARec": ModelEntry(
        PREFIXES.with_adapter("fearec_adapter:FeaRec"),
        ITEM,
        defaults={"contrast": "us_x", "tau": 1.0, "sim": "dot", "use_filter": False},
    ),
    "FOSSIL": ModelEntry(MIXED_PREFIXES, ITEM),
    "FPMC": ModelEntry(
        MIXED_PREFIXES.with_adapter("sequential_adapters:Fpmc"), {"UI_emb": "user", "IU_emb": "item"}
    ),
    "GCSAN": ModelEntry(PREFIXES, ITEM),
    "GRU4Rec": ModelEntry(POSITIONS, ITEM),
    "GRU4RecCPR": ModelEntry(SEQUENCE_SCORES),
    "GRU4RecF": ModelEntry(POSITIONS, ITEM, *TITLES),
    "GRU4RecKG": ModelEntry(note=KNOWLEDGE),
    "HGN": ModelEntry(
        MIXED_PREFIXES.with_adapter("sequential_adapters:Hgn"), BOTH, "the table that it scores by stays its own"
    ),
    "HRM": ModelEntry(MIXED_PREFIXES, BOTH),
    "KSR": ModelEntry(note=KNOWLEDGE),
    "LightSANs": ModelEntry(PREFIXES, ITEM),
    "NARM": ModelEntry(PREFIXES, ITEM),
    "NPE": ModelEntry(MIXED_PREFIXES.with_adapter("sequential_adapters:Npe"), BOTH),
    "NextItNet": ModelEntry(POSITIONS.with_adapter("sequential_adapters:NextItNet"), ITEM),
    "RepeatNet": ModelEntry(SEQUENCE_SCORES),
    "S3Rec": ModelEntry(note="needs attributes of items, and a pretraining of its own"),
    "SASRec": ModelEntry(POSITIONS, ITEM),
    "SASRecCPR": ModelEntry(SEQUENCE_SCORES),
    "SASRecF": ModelEntry(POSITIONS, ITEM, *TITLES),
    "SHAN": ModelEntry(MIXED_PREFIXES.with_adapter("sequential_adapters:Shan"), BOTH),
    "SINE": ModelEntry(PREFIXES, ITEM),
    "SRGNN": ModelEntry(PREFIXES, ITEM),
    "STAMP": ModelEntry(PREFIXES, ITEM),
    "TransRec": ModelEntry(SEQUENCE_SCORES.with_adapter("sequential_adapters:TransRec", user=MIXED)),
}

MODELS: Mapping[str, ModelEntry] = {**GENERAL, **SEQUENTIAL}


def module_of(name: str) -> str:
    """Return the module of a class, as a path below `recbole.model`."""
    return f"{'general' if name in GENERAL else 'sequential'}_recommender.{name.lower()}"


def family_of(name: str) -> Family:
    """Return the family of a class that can be used.

    Raises:
        ValueError: RecBole has no class of this name, or the class cannot be used.
    """
    if name not in MODELS:
        by_lower = {model.lower(): model for model in MODELS}
        close = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3)]
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        usable = ", ".join(sorted(model for model, entry in MODELS.items() if entry.family))
        raise ValueError(f"RecBole 1.2.1 has no model {name!r}{hint}; have: {usable}")
    family = MODELS[name].family
    if family is None:
        raise ValueError(f"RecBole's {name} cannot be used here: it {MODELS[name].note}")
    return family
