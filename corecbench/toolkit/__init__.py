"""Tools for plugins, beside the contract: a plugin may use them and need not.

They keep files in the cache, find data sets, choose number formats, and turn item texts into numbers. What a plugin
implements and is given stands in `corecbench.api`. Importing this package loads neither torch nor transformers.
"""

from corecbench.toolkit.arrow_memory import in_memory_of_arrow
from corecbench.toolkit.caches import private_folder, set_aside, workspace
from corecbench.toolkit.checksums import checksum
from corecbench.toolkit.folders import cache_folder, dataset_folder, dataset_places, ordinary_file
from corecbench.toolkit.id_texts import plain_id
from corecbench.toolkit.item_vectors import FoundVectors, read_vectors, vector_files
from corecbench.toolkit.kept_tensors import KeptTensors, load_tensors, save_tensors
from corecbench.toolkit.like_length import by_length
from corecbench.toolkit.losses import standard_loss
from corecbench.toolkit.placebos import random_like
from corecbench.toolkit.printable import printable
from corecbench.toolkit.processor import on_device, one_thread, product_dtype
from corecbench.toolkit.texts import ProjectedTexts, mean_texts, project
from corecbench.toolkit.whitening import principal_axes, whitened
from corecbench.toolkit.words import beside, kept_word_summaries, phrase_summaries, word_summaries, word_vectors

__all__ = [
    "FoundVectors",
    "KeptTensors",
    "ProjectedTexts",
    "beside",
    "by_length",
    "cache_folder",
    "checksum",
    "dataset_folder",
    "dataset_places",
    "in_memory_of_arrow",
    "kept_word_summaries",
    "load_tensors",
    "mean_texts",
    "on_device",
    "one_thread",
    "ordinary_file",
    "phrase_summaries",
    "plain_id",
    "principal_axes",
    "printable",
    "private_folder",
    "product_dtype",
    "project",
    "random_like",
    "read_vectors",
    "save_tensors",
    "set_aside",
    "standard_loss",
    "vector_files",
    "whitened",
    "word_summaries",
    "word_vectors",
    "workspace",
]
