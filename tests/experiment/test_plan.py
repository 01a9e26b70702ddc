import dataclasses
from dataclasses import dataclass
from typing import Annotated

import pytest
from in_process import InProcess

from corecbench.api import Added, DataError, PluginError, UsageError
from corecbench.experiment.cells import decisive_settings
from corecbench.experiment.execution.schedule import run
from corecbench.experiment.plan import make_plan
from corecbench.plugin.host import Host
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.settings.config import PerDataset, RunConfig, Variant

POSITIONS = (
    "toy: the times of 60 of 60 users count up by one from the same start; they are positions, so nobody knows "
    "which interactions had equal times"
)
"""What is always said of the toy data."""


@pytest.fixture
def plan(host, tmp_path, monkeypatch, toy_folder, quick):
    """Plan a run on the toy data: `plan(models=("sasrec",))`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))

    def make(host=host, **options):
        config = RunConfig(**{"datasets": (str(toy_folder),), "settings": quick, "references": False} | options)
        return make_plan(config, host, Store(tmp_path / "results", config.benchmark))

    return make


def cells_of(plan):
    return [(cell.name, cell.seed) for cell in plan.cells]


def hash_of(plan, name):
    return next(cell.hash for cell in plan.cells if cell.name == name)


def test_a_model_and_a_module_of_one_name_are_no_run(host, plan, loose_file, tiny_llama):
    source = """
        from corecbench.api import DomainModelComponent, hookimpl

        @hookimpl
        def corecbench_domain_models():
            return [DomainModelComponent("ctrl", "nowhere:Model")]
    """
    named = Host.discover([loose_file("named", source)])
    with pytest.raises(
        UsageError, match="a model and a sharing module of the run are called ctrl; choose one by a"
    ):
        plan(named, models=("ctrl",), llms=(f"llama:{tiny_llama}",), sharing=("ctrl",))


# --- the cells ----------------------------------------------------------------------------------------------------


def test_every_model_and_llm_is_trained_alone_before_every_pair(plan, tiny_llama):
    llm = f"llama:{tiny_llama}"
    planned = plan(models=("sasrec", "lightgcn"), llms=(llm,), sharing=("bdlm", "none"))
    assert [cell.name for cell in planned.cells] == [
        "sasrec",
        "lightgcn",
        llm,
        f"sasrec+{llm}+bdlm",
        f"sasrec+{llm}+none",
        f"lightgcn+{llm}+bdlm",
        f"lightgcn+{llm}+none",
    ]


def test_every_seed_gets_every_cell(plan):
    planned = plan(models=("sasrec", "gru4rec"), seeds=(3, 1))
    assert cells_of(planned) == [("sasrec", 3), ("gru4rec", 3), ("sasrec", 1), ("gru4rec", 1)]


def test_every_data_set_gets_every_cell(plan, toy_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for suffix in ("inter", "item"):
        (other / f"other.{suffix}").write_bytes((toy_folder / f"toy.{suffix}").read_bytes())
    planned = plan(models=("sasrec",), datasets=(str(toy_folder), str(other)))
    assert [cell.data.name for cell in planned.cells] == ["toy", "other"]


def test_models_without_an_llm_are_trained_alone(plan):
    planned = plan(models=("sasrec", "popularity"))
    assert [cell.name for cell in planned.cells] == ["sasrec", "popularity"]
    assert planned.notes == [POSITIONS]


def test_an_llm_without_models_is_trained_alone(plan, tiny_llama):
    assert [cell.name for cell in plan(llms=(f"llama:{tiny_llama}",)).cells] == [f"llama:{tiny_llama}"]


def test_llms_alone_can_be_left_out_and_pairs_are_recorded_beside_their_settings_all_the_same(plan, tiny_llama):
    parts = {"models": ("sasrec",), "llms": (f"llama:{tiny_llama}",), "in_pairs": {"llama": {"epochs": 9}}}
    with_them, without = plan(**parts), plan(**parts, solo_llms=False)
    assert [cell.folder for cell in without.cells] == [cell.folder for cell in with_them.cells if cell.domain]
    assert [without.alone(cell) for cell in without.cells] == [{}, with_them.alone(with_them.cells[-1])] != [{}, {}]


def test_a_model_that_reads_no_ids_is_noted_as_trained_alone_only(plan, tiny_llama):
    llm = f"llama:{tiny_llama}"
    planned = plan(models=("popularity", "sasrec"), llms=(llm,))
    assert [cell.name for cell in planned.cells] == ["popularity", "sasrec", llm, f"sasrec+{llm}+bdlm"]
    assert planned.notes == ["popularity takes no ids from outside, so it is trained alone only", POSITIONS]


def test_whether_a_model_is_joined_may_depend_on_its_settings(plan, tiny_llama):
    llm = f"llama:{tiny_llama}"
    planned = plan(models=("recbole:EASE", "recbole:BPR"), llms=(llm,))
    assert [cell.name for cell in planned.cells if cell.sharing] == [f"recbole:BPR+{llm}+bdlm"]
    assert planned.notes == ["recbole:EASE takes no ids from outside, so it is trained alone only", POSITIONS]


def test_a_pair_knows_the_solo_cell_it_starts_from(plan, tiny_llama):
    planned = plan(models=("sasrec", "gru4rec"), llms=(f"llama:{tiny_llama}",), seeds=(0, 1))
    pairs = [cell for cell in planned.cells if cell.sharing is not None]
    assert [(pair.domain.label, pair.seed) for pair in pairs] == [
        (planned.solo_of(pair).name, planned.solo_of(pair).seed) for pair in pairs
    ]
    assert len(pairs) == 4


def test_a_cell_has_a_folder_of_its_own(plan, tiny_llama):
    planned = plan(models=("sasrec", "gru4rec"), llms=(f"llama:{tiny_llama}",), seeds=(0, 1))
    assert len({cell.folder for cell in planned.cells}) == len(planned.cells) == 10


# --- variants -----------------------------------------------------------------------------------------------------


def test_a_variant_is_a_model_of_its_own_beside_its_component(plan, tiny_llama):
    variants = {
        "wide": Variant("sasrec", {"embedding_size": 32}),
        "short": Variant(f"llama:{tiny_llama}", {"epochs": 1}),
        "one-round": Variant("bdlm", {"rounds": 1}),
    }
    planned = plan(models=("sasrec", "wide"), llms=("short",), sharing=("bdlm", "one-round"), variants=variants)
    assert [cell.name for cell in planned.cells] == [
        "sasrec",
        "wide",
        "short",
        "sasrec+short+bdlm",
        "sasrec+short+one-round",
        "wide+short+bdlm",
        "wide+short+one-round",
    ]
    assert [cell.domain.config.embedding_size for cell in planned.cells if cell.domain] == [16, 32, 16, 16, 32, 32]
    assert planned.solo_of(planned.cells[-1]).name == "wide"


def test_a_variant_s_settings_and_its_component_decide_its_hash(plan):
    def of(**variant):
        return hash_of(plan(models=("mine",), settings={}, variants={"mine": Variant(**variant)}), "mine")

    assert of(of="sasrec") == of(of="sasrec", settings={"epochs": 100})  # the default
    assert of(of="sasrec") != of(of="sasrec", settings={"epochs": 99})
    assert of(of="sasrec") != of(of="gru4rec")


# --- settings of pairs --------------------------------------------------------------------------------------------


def test_a_pair_s_own_settings_hold_in_pairs_alone(plan, quick, tiny_llama):
    llm = f"llama:{tiny_llama}"
    parts = {"models": ("sasrec", "long"), "llms": (llm,), "variants": {"long": Variant("sasrec", {"epochs": 9})}}
    own = {"sasrec": {"epochs": 1, "n_layers": 2}, "llama": {"epochs": 1}}  # quick: 1 layer, 2 epochs
    planned, as_ever = plan(**parts, in_pairs=own), plan(**parts)
    epochs = [[part.config.epochs for part in (cell.domain, cell.llm) if part] for cell in planned.cells]
    alone, pairs = epochs[:3], epochs[3:]
    assert alone == [[4], [9], [quick["llama"]["epochs"]]]
    assert pairs == [[1, 1], [9, 1]]  # a variant's own settings win over those of its component, as elsewhere
    same = [cell.hash == before.hash for cell, before in zip(planned.cells, as_ever.cells, strict=True)]
    assert same == [True, True, True, False, False]
    cell = planned.cells[-1]
    assert (planned.solo_of(cell).name, planned.solo_of(cell, "llm").name) == ("long", llm)
    assert planned.in_pairs(cell) == {"long": ["n_layers"], llm: ["epochs"]}
    assert planned.in_pairs(planned.cells[0]) == as_ever.in_pairs(as_ever.cells[-1]) == {}


# --- data sets ----------------------------------------------------------------------------------------------------


def test_a_data_set_s_own_settings_hold_on_it_alone(plan, toy_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "other.inter").write_bytes((toy_folder / "toy.inter").read_bytes())
    planned = plan(
        models=("sasrec", "long"),
        datasets=(str(toy_folder), str(other)),
        max_history=8,
        variants={"long": Variant("sasrec", {"epochs": 9})},
        per_dataset={"other": PerDataset(5, {"sasrec": {"epochs": 1, "n_layers": 2}, "long": {"epochs": 3}})},
    )
    assert [
        (cell.data.name, cell.name, cell.max_history, cell.domain.config.epochs, cell.domain.config.n_layers)
        for cell in planned.cells
    ] == [
        ("toy", "sasrec", 8, 4, 1),
        ("toy", "long", 8, 9, 1),
        ("other", "sasrec", 5, 1, 2),
        ("other", "long", 5, 3, 2),
    ]


def test_a_data_set_s_own_settings_reach_its_source(plan):
    with pytest.raises(UsageError, match="unknown setting of folder 'encoding'"):
        plan(models=("popularity",), per_dataset={"toy": PerDataset(settings={"folder": {"encoding": "utf-8"}})})


def test_settings_of_a_data_set_that_is_not_in_the_run_are_noted(plan):
    planned = plan(models=("sasrec",), per_dataset={"toy": PerDataset(9), "ml-1m": PerDataset(200)})
    assert planned.notes == ["settings of data sets that are not in this run are left aside: ml-1m", POSITIONS]


# --- controls -----------------------------------------------------------------------------------------------------


def test_every_pair_is_followed_by_its_controls(plan, tiny_llama):
    llm = f"llama:{tiny_llama}"
    planned = plan(models=("sasrec", "popularity"), llms=(llm,), controls=("shuffled-texts", "no-mutual"))
    assert [(cell.name, cell.control and cell.control.name) for cell in planned.cells] == [
        ("sasrec", None),
        ("popularity", None),
        (llm, None),
        (f"sasrec+{llm}+bdlm", None),
        (f"sasrec+{llm}+bdlm+shuffled-texts", "shuffled-texts"),
        (f"sasrec+{llm}+bdlm+no-mutual", "no-mutual"),
    ]


def test_a_sharing_module_that_shares_nothing_has_no_controls(plan, tiny_llama):
    llm = f"llama:{tiny_llama}"
    variants = {"long": Variant("none", {"rounds": 3})}
    planned = plan(
        models=("sasrec",),
        llms=(llm,),
        sharing=("none", "long", "bdlm"),
        controls=("no-mutual",),
        variants=variants,
    )
    assert [cell.name for cell in planned.cells if cell.control] == [f"sasrec+{llm}+bdlm+no-mutual"]
    *noted, _ = planned.notes
    assert noted == [
        f"{name} shares nothing, so it is a control itself and has no further ones" for name in ("none", "long")
    ]


def test_an_llm_that_does_not_heed_the_request_for_random_weights_has_no_such_control(plan, loose_file):
    source = """
        from corecbench.api import DatasetComponent, LlmComponent, MetricComponent, hookimpl

        @hookimpl
        def corecbench_llms():
            return [LlmComponent("fixed", dict)]
    """
    host = Host.discover([loose_file("fixed", source)])
    planned = plan(host=host, models=("sasrec",), llms=("fixed",), controls=("untrained-llm", "no-mutual"))
    assert [cell.control and cell.control.name for cell in planned.cells if cell.sharing] == [None, "no-mutual"]
    assert planned.notes == [
        "fixed cannot be built with random weights, so it has no control untrained-llm",
        POSITIONS,
    ]


def test_a_control_starts_from_the_real_solo_cell_and_draws_the_numbers_of_its_pair(plan, tiny_llama):
    planned = plan(models=("sasrec",), llms=(f"llama:{tiny_llama}",), controls=("untrained-llm",), seeds=(0, 1))
    pair, control = planned.cells[-2:]
    assert planned.solo_of(control) is planned.solo_of(pair)
    assert (planned.solo_of(control).name, planned.solo_of(control).seed) == ("sasrec", 1)
    assert control.seeded_as == pair.seeded_as == pair.name


def test_a_control_has_a_hash_of_its_own_and_leaves_that_of_its_pair(plan, tiny_llama):
    options = {"models": ("sasrec",), "llms": (f"llama:{tiny_llama}",)}
    pair = plan(**options).cells[-1]
    again, *controls = plan(**options, controls=("shuffled-texts", "untrained-llm", "no-mutual")).cells[-4:]
    assert (again.hash, again.folder) == (pair.hash, pair.folder)
    assert len({cell.hash for cell in (pair, *controls)}) == 4


# --- names and settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ("sasrek",)}, "unknown domain model 'sasrek'; did you mean 'sasrec'?"),
        ({"llms": ("lama",)}, "unknown LLM 'lama'; did you mean 'llama'?"),
        ({"sharing": ("bdml",)}, "unknown sharing module 'bdml'; did you mean 'bdlm'?"),
        ({"datasets": ("ml-100",)}, "unknown data set 'ml-100'; did you mean 'ml-100k'?"),
        ({"metrics": ("NDGC@10",)}, "unknown metric 'NDGC'; did you mean 'NDCG'?"),
        ({"controls": ("shufled-texts",)}, "unknown control 'shufled-texts'; did you mean 'shuffled-texts'?"),
        ({"trackers": ("mlfow",)}, "unknown tracker 'mlfow'; did you mean 'mlflow'?"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_unknown_name_is_an_error_with_a_close_match(plan, options, message):
    with pytest.raises(UsageError) as error:
        plan(**{"models": ("sasrec",)} | options)
    assert str(error.value).startswith(message)


def test_a_tracker_changes_no_result(plan):
    (cell,), (tracked,) = (plan(models=("sasrec",), trackers=names).cells for names in ((), ("tensorboard",)))
    assert tracked.hash == cell.hash


def test_a_setting_that_does_not_exist_is_an_error(plan):
    with pytest.raises(UsageError, match="unknown setting of sasrec 'epoch'; did you mean 'epochs'"):
        plan(models=("sasrec",), settings={"sasrec": {"epoch": 3}})


def test_data_that_cannot_be_used_is_an_error(plan, tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        plan(models=("sasrec",), datasets=(str(tmp_path / "nowhere"),))


def test_two_data_sets_of_one_name_are_an_error(plan, toy_folder, tmp_path):
    other = tmp_path / "toy"
    other.mkdir()
    (other / "toy.inter").write_bytes((toy_folder / "toy.inter").read_bytes())
    with pytest.raises(UsageError, match="do not have different names; rename a folder"):
        plan(models=("sasrec",), datasets=(str(toy_folder), str(other)))


def test_what_will_be_downloaded_is_named(plan, loose_file):
    source = """
        from corecbench.api import DatasetComponent, LlmComponent, MetricComponent, hookimpl

        @hookimpl
        def corecbench_llms():
            return [LlmComponent("far", dict, needs=lambda config, cache: [f"93 MB into {cache.name}"])]
    """
    host = Host.discover([loose_file("far", source)])
    assert plan(host=host, llms=("far",)).downloads == ["93 MB into cache"]


# --- the hash -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (1,)},
        {"benchmark": "other"},
        {"existing": "replace"},
        {"metrics": ("MRR",)},
        {"sharing": ("none",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_decide_the_result_of_one_seed_leaves_the_hash(plan, change):
    base = {"models": ("sasrec",)}
    assert hash_of(plan(**base), "sasrec") == hash_of(plan(**base | change), "sasrec")


@pytest.mark.parametrize(("user_rows", "decides"), [(True, False), (False, True)])
def test_a_setting_that_was_added_later_decides_unless_it_is_as_if_there_were_none(plan, user_rows, decides):
    (cell,) = plan(models=("lightgcn",), settings={"lightgcn": {"user_rows": user_rows}}).cells
    assert ("user_rows" in decisive_settings(cell.domain)) is decides
    assert "n_layers" in decisive_settings(cell.domain)


def test_a_changed_default_of_a_setting_that_was_added_later_decides(plan):
    (cell,) = plan(models=("sasrec",)).cells

    @dataclass(frozen=True)
    class Later:
        wide: Annotated[bool, Added(before=False)] = True

    assert decisive_settings(dataclasses.replace(cell.domain, config=Later())) == {"wide": True}
    assert decisive_settings(dataclasses.replace(cell.domain, config=Later(wide=False))) == {}


def test_a_setting_changes_the_hash(plan, quick):
    other = quick | {"sasrec": quick["sasrec"] | {"epochs": 5}}
    before, after = (hash_of(plan(models=("sasrec",), settings=of), "sasrec") for of in (quick, other))
    assert before != after


def test_a_setting_of_another_component_leaves_the_hash(plan, quick):
    other = quick | {"gru4rec": quick["gru4rec"] | {"epochs": 5}}
    before, after = (hash_of(plan(models=("sasrec",), settings=of), "sasrec") for of in (quick, other))
    assert before == after


@pytest.mark.parametrize(
    ("part", "setting"), [("sasrec", "epochs"), ("llama", "lora_alpha"), ("bdlm", "temperature")]
)
def test_a_setting_of_any_part_changes_the_hash_of_a_pair(plan, quick, tiny_llama, part, setting):
    name = f"sasrec+llama:{tiny_llama}+bdlm"
    options = {"models": ("sasrec",), "llms": (f"llama:{tiny_llama}",)}
    other = quick | {part: quick[part] | {setting: 7}}
    before, after = (hash_of(plan(**options, settings=of), name) for of in (quick, other))
    assert before != after


@pytest.mark.parametrize("change", [{"max_history": 7}, {"device": "cuda"}], ids=lambda change: next(iter(change)))
def test_the_history_and_what_computes_change_the_hash(plan, monkeypatch, change):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert hash_of(plan(models=("sasrec",)), "sasrec") != hash_of(plan(models=("sasrec",), **change), "sasrec")


@pytest.mark.parametrize("own", [PerDataset(7), PerDataset(settings={"sasrec": {"epochs": 5}})])
def test_what_differs_on_the_data_set_changes_the_hash_and_what_differs_on_another_one_does_not(plan, own):
    before, other, after = (
        hash_of(plan(models=("sasrec",), per_dataset=of), "sasrec") for of in ({}, {"other": own}, {"toy": own})
    )
    assert before == other != after


@pytest.mark.parametrize("file", ["toy.inter", "toy.item"])
def test_other_data_under_the_same_name_change_the_hash(plan, toy_folder, tmp_path, file):
    other = tmp_path / "toy"
    other.mkdir()
    for path in toy_folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    text = (other / file).read_text()
    (other / file).write_text(text.replace("u0\ti0\t0\n", "").replace("red apple", "green apple"))
    before, after = (hash_of(plan(models=("sasrec",), datasets=(str(of),)), "sasrec") for of in (toy_folder, other))
    assert before != after


# --- plugins at fault ---------------------------------------------------------------------------------------------

FAULTY = """
    from corecbench.api import DatasetComponent, LlmComponent, MetricComponent, hookimpl

    class Faulty:
        higher_is_better = True

        def __init__(self, config):
            pass

        def per_user(self, rank, n_candidates):
            return [1.0, 0.5]

        def interactions(self):
            raise KeyError("user_id")

        def items(self):
            return None

    class FaultyOfLists:
        higher_is_better = True
        k = 2

        def __init__(self, config):
            pass

        def overall(self, lists):
            return lists.items.mean(axis=1)

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("faulty", Faulty), MetricComponent("faulty-lists", FaultyOfLists)]

    @hookimpl
    def corecbench_datasets():
        return [DatasetComponent("broken-data", Faulty)]
"""


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"metrics": ("faulty",)},
            r"metric 'faulty' of plugin mine .* failed in per_user: it gives \[1.0, 0.5\]",
        ),
        (
            {"metrics": ("faulty-lists",)},
            r"metric 'faulty-lists' of plugin mine .* failed in overall: it gives array\(.*; a number is needed",
        ),
        (
            {"datasets": ("broken-data",)},
            r"data set 'broken-data' of plugin mine \(.*\) failed in interactions: KeyError: 'user_id'",
        ),
    ],
)
def test_a_faulty_metric_or_data_set_is_named_before_anything_is_trained(plan, loose_file, options, fault):
    host = Host.discover([loose_file("mine", FAULTY)])
    with pytest.raises(PluginError, match=fault):
        plan(host=host, models=("sasrec",), **options)


def test_a_metric_that_needs_a_cutoff_says_so_before_anything_is_trained(plan):
    with pytest.raises(UsageError, match="NDCG needs a cutoff"):
        plan(models=("sasrec",), metrics=("NDCG",))


def test_a_metric_of_longer_lists_than_are_stored_says_so_before_anything_is_trained(plan):
    assert plan(models=("sasrec",), metrics=("novelty@10",)).cells
    for options in ({"metrics": ("novelty@11",)}, {"metrics": ("NDCG@10", "coverage@11"), "top_k": 0}):
        with pytest.raises(
            UsageError, match=r"@11 reads the 11 best items .* (10|0) are stored; give --set run.top_k=11"
        ):
            plan(models=("sasrec",), **options)


# --- what is done -------------------------------------------------------------------------------------------------


@pytest.fixture
def run_popularity(plan, host, tmp_path):
    """Run the smallest cell for good."""

    def go(**options):
        planned = plan(models=("popularity",), **options)
        store = Store(tmp_path / "results", planned.config.benchmark)
        run(planned, host, store, InProcess(planned, host, store))
        return planned

    return go


def test_nothing_is_done_at_first(plan):
    assert [cell.done for cell in plan(models=("popularity",)).cells] == [False]


def test_what_was_run_is_done(plan, run_popularity):
    run_popularity()
    planned = plan(models=("popularity", "sasrec"), seeds=(0, 1))
    assert {(cell.name, cell.seed): cell.done for cell in planned.cells} == {
        ("popularity", 0): True,
        ("sasrec", 0): False,
        ("popularity", 1): False,
        ("sasrec", 1): False,
    }


def test_what_another_benchmark_has_done_is_taken_over_and_not_trained_again(plan, run_popularity, host, tmp_path):
    done = run_popularity().cells[0]
    planned = plan(models=("popularity",), benchmark="other")
    cell, store = planned.cells[0], Store(tmp_path / "results", "other")
    assert (cell.done, planned.elsewhere, planned.n_to_do) == (False, {cell.folder: done.folder}, 0)
    assert not cell.folder.exists()  # a plan writes nothing
    (record,) = run(planned, host, store, Nothing())
    assert record == store.read(done.folder) == store.read(cell.folder)
    assert store.ranks(cell.folder, "domain").equals(store.ranks(done.folder, "domain"))
    assert plan(models=("popularity",), benchmark="other").cells[0].done


class Nothing:
    """An executor that is never needed."""


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ({"benchmark": "other"}, {"existing": "replace"}),
        ({"benchmark": "other"}, {"seeds": (1,)}),
        ({"benchmark": "other"}, {"max_history": 7}),
        ({"benchmark": "other", "top_k": 0}, {"metrics": ("novelty@5",)}),
    ],
    ids=["replace", "another seed", "another hash", "without lists"],
)
def test_what_is_asked_for_anew_or_is_another_cell_is_not_taken_over(plan, run_popularity, stored, asked):
    run_popularity(**stored)
    assert not plan(models=("popularity",), **asked).elsewhere


def test_what_is_replaced_is_not_done(plan, run_popularity):
    run_popularity()
    assert not plan(models=("popularity",), existing="replace").cells[0].done


def test_a_result_that_must_not_exist_is_an_error_that_names_its_folder(plan, run_popularity):
    folder = run_popularity().cells[0].folder
    with pytest.raises(UsageError, match="exists; use --existing skip or replace") as error:
        plan(models=("sasrec", "popularity"), existing="fail")
    assert str(folder) in str(error.value)


def test_a_result_that_must_not_exist_and_does_not_is_fine(plan, run_popularity):
    run_popularity()
    assert [cell.done for cell in plan(models=("sasrec",), existing="fail").cells] == [False]


def test_a_failed_cell_is_not_done(plan, run_popularity, tmp_path):
    cell = run_popularity().cells[0]
    store = Store(tmp_path / "results", "default")
    record = store.read(cell.folder)
    failed = record | {
        "status": "failed",
        "error": {"type": "ValueError", "message": "no good", "traceback": ""},
        "sides": {},
    }
    store.write(cell.folder, failed, {})
    assert not plan(models=("popularity",)).cells[0].done


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        ({"top_k": 0}, "no best items were stored"),
        ({"top_k": 2}, "novelty@5 reads the 5 best items .* 2 are stored"),
    ],
)
def test_what_is_done_without_the_lists_of_a_metric_is_found_before_anything_is_trained(
    plan, run_popularity, stored, fault
):
    run_popularity(**stored)
    assert plan(models=("popularity", "sasrec")).cells[0].done
    with pytest.raises(ResultsError, match=fault):
        plan(models=("popularity", "sasrec"), metrics=("novelty@5",))
    run_popularity(existing="replace")
    assert plan(models=("popularity", "sasrec"), metrics=("novelty@5",)).cells[0].done
