"""A benchmark of data sets, controls, seeds and failures, its page, and a browser to look at it."""

import itertools
from collections import Counter

import numpy as np
import pytest

from corecbench.plugin.host import Host
from corecbench.report.publish import gather, write_page

from ..conftest import PROTOCOL, Bench

N_USERS = 300
SETTINGS = {
    "sasrec": {"embedding_size": 64, "epochs": 100, "learning_rate": 0.002},
    "lightgcn": {"embedding_size": 64, "epochs": 200},
    "llama": {"weights": "smollm2-135m-instruct", "lora_targets": ["q_proj", "v_proj"]},
    "bdlm": {"rounds": 2, "texts": True},
    "none": {"rounds": 2},
}
BOOST = {
    ("sasrec", None): 1.0,
    ("lightgcn", None): 0.8,
    ("sasrec", "bdlm"): 1.5,
    ("sasrec", "shuffled-texts"): 1.0,
    ("sasrec", "untrained-llm"): 1.4,
    ("lightgcn", "bdlm"): 0.82,
    ("sasrec", "none"): 0.98,
    ("lightgcn", "none"): 0.8,
}
"""Of a domain model, under a sharing module or control: how near to the top the items of its users are."""


EVIL = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\"&amp;</style>]]>"
"""What must stay text wherever a name may stand."""


def epochs(sides):
    """Return the history of a cell whose sides take turns of three epochs."""
    found, count = [], Counter()
    for turn, side in enumerate(sides * 2, start=1):
        for _ in range(3):
            count[side] += 1
            number = count[side]
            known = {"turn": turn, "side": side, "epoch": number, "planned_epochs": 6, "loss": 1 / number}
            found.append({**known, "validation": 0.1 - 0.05 / number, "duration_s": 2.0})
    return found


class Suite:
    """Fills a bench with cells of made-up ranks."""

    def __init__(self, root, benchmark="suite"):
        self.bench = Bench(root, benchmark)
        self.generator = np.random.default_rng(0)
        self.difficulty = self.generator.exponential(30, N_USERS)
        self.counts = {
            "history_length": self.generator.integers(3, 200, N_USERS),
            "target_frequency": self.generator.integers(0, 90, N_USERS),
            "text_similarity": (np.arange(N_USERS) % 6 / 10).astype(np.float32),
        }

    def ranks(self, boost):
        noise = self.generator.lognormal(0, 0.5, N_USERS)
        return np.minimum(np.ceil(self.difficulty * noise / boost), 900).astype(int)

    def add(self, dataset, seed, domain=None, llm=None, sharing=None, control=None, boost=1.0, **of):
        parts = [part for part in (domain, llm, sharing) if part]
        sides = [side for side, part in (("domain", domain), ("llm", llm)) if part]
        self.bench.add(
            domain,
            llm,
            seed,
            dataset,
            sharing=sharing,
            control=control,
            counts=self.counts,
            costs={"inference_ms_per_user": 0.4, "parameters": 9000, "train_s": 20.0 + 5 * len(parts)},
            settings={part: SETTINGS[part] for part in parts},
            plugins={part: {"distribution": "corecbench", "version": "0.1.0"} for part in parts},
            versions={"corecbench": "0.1.0", "torch": "2.6"},
            commit="0123456789abcdef",
            started=f"2026-11-2{seed}T10:00:00+00:00",
            protocol=PROTOCOL | {"repeated pairs": "first", "max_history": 200 if "ml" in dataset else 50},
            data={"fingerprint": "f" * 64, "split_fingerprint": "5" * 64, "n_users": N_USERS, "k_core": 5},
            epochs=epochs(sides),
            **({f"{side}_ranks": self.ranks(boost) for side in sides} | of),
        )

    def fill(self, datasets=("amazon-toys-games", "ml-1m"), seeds=(0, 1, 2)):
        for dataset, seed in itertools.product(datasets, seeds):
            for domain in ("sasrec", "lightgcn"):
                self.add(dataset, seed, domain, boost=BOOST[domain, None])
            self.add(dataset, seed, llm="llama", boost=0.7)
            for (domain, how), boost in BOOST.items():
                if how is None or (domain == "lightgcn" and dataset == datasets[-1] and seed == seeds[-1]):
                    continue
                sharing = how if how in ("bdlm", "none") else "bdlm"
                control = None if how == sharing else how
                pair = {"domain": domain, "llm": "llama", "sharing": sharing, "control": control}
                if control == "untrained-llm" and dataset == datasets[-1]:
                    self.bench.add_failed("CUDA out of\nmemory", dataset=dataset, seed=seed, **pair)
                else:
                    self.add(dataset, seed, **pair, boost=boost)
        return self


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    """Return a filled suite of two data sets and three seeds, one control failed on the second."""
    return Suite(tmp_path_factory.mktemp("suite")).fill()


def write(store):
    """Write the page of a store and return its path."""
    host, entries = Host.discover(), list(store.records())
    store.own_folder.mkdir(parents=True, exist_ok=True)
    return write_page(host, store, gather(host, store, entries, ["HR@10", "NDCG@10"]), store.own_folder)


@pytest.fixture(scope="session")
def page(suite):
    """Return the path of its page."""
    return write(suite.bench.store)


def fill(bench, **of):
    """Store a pair with all that a page shows of it."""
    more = {"counts": Suite(bench.store.root).counts, "epochs": epochs(["domain"])} | of
    names = {name: more.pop(name, default) for name, default in (("domain", "sasrec"), ("llm", "llama"))}
    ranks = {side: [1 + number % 3 for number in range(N_USERS)] for side in ("domain", "llm")}
    bench.add(names["domain"], domain_ranks=[2] * N_USERS, **more)
    bench.add(llm=names["llm"], llm_ranks=[2] * N_USERS, **more)
    for control in (None, "shuffled-texts"):
        of_pair = {"control": control, "domain_ranks": ranks["domain"], "llm_ranks": ranks["llm"]}
        bench.add(*names.values(), sharing=more.get("sharing", "bdlm"), **of_pair, **more)
    return bench


@pytest.fixture(scope="session")
def evil_page(tmp_path_factory):
    """Return the path of a page of which every name and text holds markup."""
    bench = Bench(tmp_path_factory.mktemp("evil"), f"bench {EVIL}")
    origin = {"distribution": EVIL, "version": EVIL}
    for dataset in (f"data {EVIL}", f"other {EVIL}"):
        fill(
            bench,
            dataset=dataset,
            domain=f"own {EVIL}",
            llm=f"llm {EVIL}",
            settings={f"own {EVIL}": {f"key {EVIL}": EVIL, "epochs": len(dataset)}},
            plugins={f"own {EVIL}": origin | {"variant_of": EVIL}},
            protocol=PROTOCOL | {f"protocol {EVIL}": EVIL},
            versions={f"torch {EVIL}": EVIL},
            data={"fingerprint": EVIL, "split_fingerprint": EVIL, f"fact {EVIL}": EVIL},
            device=EVIL,
            commit=EVIL,
            started=EVIL,
        )
    bench.add_failed(f"{EVIL} failed", domain=f"failed {EVIL}", dataset=f"data {EVIL}")
    return write(bench.store)
