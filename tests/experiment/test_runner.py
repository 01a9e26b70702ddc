import re
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import corecbench.training.cell
from corecbench.api import Setup, hookimpl
from corecbench.experiment.described import code
from corecbench.plugin.host import Host
from corecbench.report.evidence.reading import read_rows
from corecbench.results.store import Store
from corecbench.settings.config import PerDataset, Variant
from corecbench_plugins.datasets.ml100k import find_ml100k

FACTORISATION = '''
    import torch

    from corecbench.api import DomainModelComponent, SharingComponent, States, Training, hookimpl


    class MatrixFactorisation(torch.nn.Module):
        """The score of an item is the product of the user's and the item's embedding (Koren et al., 2009)."""

        examples = "pairs"

        def __init__(self, config, setup, ids):
            super().__init__()
            tables = ids(16)
            self.user, self.item = tables.user, tables.item

        def states(self, batch):
            return States(self.user(batch.user), self.item.weight)


    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mf", MatrixFactorisation, Training, summary="matrix factorisation")]
'''

BROKEN = """
    from corecbench.api import DomainModelComponent, SharingComponent, Training, hookimpl

    def build(config, setup, ids):
        raise RuntimeError("this model\\nis broken")

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("broken", build, Training)]
"""


def outcomes(records):
    return [(record["cell"]["name"], record["status"]) for record in records]


# --- one cell after the other -------------------------------------------------------------------------------------


def test_every_cell_is_trained_ranked_and_stored(bench, ranks, tiny_llama):
    llm = f"llama:{tiny_llama}"
    records = bench(models=("sasrec",), llms=(llm,))
    pair = f"sasrec+{llm}+bdlm"
    assert outcomes(records) == [("sasrec", "ok"), (llm, "ok"), (pair, "ok")]
    for cell, side in [("sasrec", "domain"), (llm, "llm"), (pair, "domain"), (pair, "llm")]:
        frame = ranks(cell, side)
        assert sorted(frame["user_id"]) == sorted(f"u{user}" for user in range(60))
        assert set(frame["n_candidates"]) == {20 - 11}
        assert frame["rank"].between(1, 9).all()


def test_the_target_is_each_user_s_last_item(bench, ranks):
    bench(models=("popularity",))
    targets = dict(zip(*(ranks("popularity")[column] for column in ("user_id", "target_item_id")), strict=True))
    assert targets == {f"u{user}": f"i{(3 * user + 11) % 20}" for user in range(60)}


def test_a_stored_metric_is_the_mean_over_the_stored_ranks(bench, ranks):
    (record,) = bench(models=("popularity",), metrics=("HR@5", "MRR"))
    rank = ranks("popularity")["rank"]
    assert record["sides"]["domain"]["metrics"] == {
        "HR@5": pytest.approx((rank <= 5).mean()),
        "MRR": pytest.approx((1 / rank).mean()),
    }


def test_a_record_says_how_each_side_was_trained(bench, tiny_llama):
    llm = f"llama:{tiny_llama}"
    record = bench(models=("sasrec",), llms=(llm,))[-1]
    sides = record["sides"]
    assert record["cell"]["sharing"] == "bdlm"
    assert {side: (of["epochs"], of["stopped_by"], of["n_users"]) for side, of in sides.items()} == {
        "domain": (sides["domain"]["epochs"], "turns", 60),
        "llm": (1, "turns", 60),
    }
    assert [epoch["side"] for epoch in record["epochs"]] == ["llm", "domain"][: len(record["epochs"])]
    assert record["settings"]["sasrec"]["epochs"] == 4


def test_a_record_names_the_commit_at_its_start(bench, monkeypatch):
    commits = ["loaded"]
    monkeypatch.setattr("corecbench.experiment.runner.process.commit", lambda: commits[-1])

    class Committer:
        @hookimpl
        def corecbench_epoch_finished(self):
            commits.append("later")

    code.cache_clear()
    (record,) = bench(models=("sasrec",), diary=Committer())
    code.cache_clear()
    assert record["commit"] == "loaded" != commits[-1]


def test_a_record_says_what_each_side_costs(bench, tiny_llama, monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr("corecbench.experiment.runner.time.perf_counter", lambda: next(ticks))
    solo, llm, pair = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",))
    for of in (solo["sides"]["domain"], llm["sides"]["llm"], *pair["sides"].values()):
        assert of["inference_ms_per_user"] == pytest.approx(1000 / 60)  # one tick of a second for 60 users
    assert solo["sides"]["domain"]["parameters"] == solo["sides"]["domain"]["trainable_parameters"] > 0
    assert llm["sides"]["llm"]["parameters"] > llm["sides"]["llm"]["trainable_parameters"]


@pytest.fixture
def combined(bench, tiny_llama):
    """Return the record of a pair whose sharing module combines both sides' scores."""
    return lambda **options: bench(
        models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("llama4rec",), **options
    )[-1]


def test_scores_of_both_sides_combined_are_a_third_row(combined, ranks):
    record = combined()
    name = record["cell"]["name"]
    assert list(record["sides"]) == ["domain", "llm", "ensemble"]
    frame = ranks(name, "ensemble")
    assert sorted(frame["user_id"]) == sorted(f"u{user}" for user in range(60))
    assert record["sides"]["ensemble"]["chosen"].keys() == {"weight", "tail"}
    assert record["sides"]["ensemble"]["validation"] >= record["sides"]["domain"]["validation"]  # weight 0 is tried
    assert ranks(name, "domain")["rank"].tolist() == ranks("sasrec")["rank"].tolist()


def test_an_ensemble_takes_what_both_sides_take(combined):
    domain, llm, ensemble = combined()["sides"].values()
    assert ensemble["parameters"] == domain["parameters"] + llm["parameters"]
    assert ensemble["trainable_parameters"] == domain["trainable_parameters"] + llm["trainable_parameters"]
    for cost in ("train_s", "inference_ms_per_user"):
        assert ensemble[cost] > domain[cost] + llm[cost]


def test_a_model_without_parameters_has_none(bench):
    (record,) = bench(models=("popularity",))
    assert record["sides"]["domain"]["parameters"] == 0


def test_the_lifecycle_hooks_are_called_in_order(bench, make_diary):
    diary = make_diary()
    settings = {"sasrec": {"embedding_size": 16, "n_heads": 1, "epochs": 2}}
    bench(models=("sasrec", "popularity"), diary=diary, settings=settings)
    assert diary.entries == [
        ("started", "sasrec"),
        ("epoch", "sasrec", "domain", 1),
        ("epoch", "sasrec", "domain", 2),
        ("finished", "sasrec", "ok"),
        ("started", "popularity"),
        ("finished", "popularity", "ok"),
    ]


def test_each_epoch_comes_with_the_number_that_the_cell_will_train_at_most(bench, make_diary, tiny_llama):
    diary = make_diary()
    bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), diary=diary)
    planned = {(cell["sharing"] and "pair") or cell["name"].split(":")[0]: n for cell, n in diary.planned}
    assert planned["sasrec"] == 4
    assert planned["llama"] == 2
    assert planned["pair"] <= 1 + 1


def test_long_work_outside_the_epochs_is_told(bench, tiny_llama, tmp_path, monkeypatch):
    told = []

    class Listener:
        @hookimpl
        def corecbench_progress(self, cell, what, done, total):
            told.append((what, done, total))

    monkeypatch.setattr("corecbench.experiment.plan.cache_folder", lambda: tmp_path / "empty-cache")
    bench(llms=(f"llama:{tiny_llama}",), diary=Listener())
    assert ("encoding item texts", 20, 20) in told


# --- variants and controls ----------------------------------------------------------------------------------------


def test_a_record_says_what_a_variant_is_of(bench, quick):
    variants = {"long": Variant("sasrec", {"epochs": 1})}
    (record,) = bench(models=("long",), variants=variants)
    assert (record["cell"]["name"], record["cell"]["domain"], record["cell"]["control"]) == ("long", "long", None)
    assert record["settings"]["long"]["epochs"] == record["sides"]["domain"]["epochs"] == 1
    assert record["plugins"]["long"]["variant_of"] == "sasrec"


def test_a_data_set_s_own_history_reaches_its_models_and_records(bench, built):
    (record,) = bench(models=("popularity",), per_dataset={"toy": PerDataset(max_history=3)})
    assert record["protocol"]["max_history"] == 3
    assert [setup.max_history for _, setup in built] == [3]


def test_a_pair_may_have_another_width_than_its_model_has_alone(bench, tiny_llama, quick):
    llm = f"llama:{tiny_llama}"
    settings = quick | {"bdlm": quick["bdlm"] | {"start": "new", "warm_up_epochs": 1}}
    wide = {"sasrec": {"embedding_size": 32, "inner_size": 64}}
    alone, _, pair = bench(models=("sasrec",), llms=(llm,), settings=settings, in_pairs=wide)
    assert (alone["settings"]["sasrec"]["embedding_size"], pair["settings"]["sasrec"]["embedding_size"]) == (16, 32)
    assert pair["status"] == "ok"
    assert pair["in_pairs"] == {"sasrec": ["embedding_size", "inner_size"]}
    assert "in_pairs" not in alone


def test_a_pair_that_starts_from_the_model_alone_needs_its_shape(bench, tiny_llama):
    wide = {"sasrec": {"embedding_size": 32}}
    *_, pair = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), in_pairs=wide)
    assert pair["status"] == "failed"
    assert pair["error"]["message"].startswith("the checkpoint does not fit the model; it differs in")


@pytest.fixture
def built(monkeypatch):
    """Note the kind of each component that is built and the setup that it is built from."""
    noted, build = [], Host.build

    def note(self, selected, *args):
        noted.extend((selected.kind, arg) for arg in args if isinstance(arg, Setup))
        return build(self, selected, *args)

    monkeypatch.setattr(Host, "build", note)
    return noted


def test_a_control_differs_from_its_pair_in_one_thing(bench, built, tiny_llama, monkeypatch):
    from corecbench_plugins.sharing.bdlm import Bdlm

    asked, losses = [], Bdlm.losses
    monkeypatch.setattr(Bdlm, "losses", lambda self, *of: (asked.append(len(built)), losses(self, *of))[1])
    controls = ("shuffled-texts", "untrained-llm", "no-mutual")
    llm = f"llama:{tiny_llama}"
    records = bench(models=("sasrec",), llms=(llm,), controls=controls)
    pair = f"sasrec+{llm}+bdlm"
    names = [pair, *(f"{pair}+{control}" for control in controls)]
    assert outcomes(records) == [(name, "ok") for name in ("sasrec", llm, *names)]
    assert [record["cell"]["control"] for record in records[2:]] == [None, *controls]

    # alone: 1 domain model, 1 LLM; each pair: sharing, domain model, LLM, and the domain model alone twice
    each_pair = ["sharing", "models", "llms", "models", "models"]
    assert [kind for kind, _ in built] == ["models", "llms", *each_pair * 4]
    setups = [setup for _, setup in built]
    real = setups[0].catalog
    for place, setup in enumerate(setups):
        shuffled, untrained = 7 <= place < 11, 12 <= place < 17  # the model that may be kept alone reads its texts
        assert (setup.catalog != real, setup.untrained_llm) == (shuffled, untrained)
    assert sorted(setups[7].catalog.item_texts) == sorted(real.item_texts)
    assert set(asked) == {6, 11, 16}  # after the last build of each pair that is trained with mutual learning


def test_the_control_of_a_module_without_coupling_losses_is_the_same_as_its_pair(
    bench, ranks, tiny_llama, sharing_module
):
    llm = f"llama:{tiny_llama}"
    bench([sharing_module()], models=("sasrec",), llms=(llm,), sharing=("mine",), controls=("no-mutual",))
    for side in ("domain", "llm"):
        pair, control = (ranks(f"sasrec+{llm}+mine{suffix}", side) for suffix in ("", "+no-mutual"))
        assert pair.equals(control)


# --- the best candidates ------------------------------------------------------------------------------------------


@pytest.fixture
def best(tmp_path):
    """Read a side's stored best candidates: `best("sasrec", "domain")`."""

    def read(cell, side="domain"):
        store = Store(tmp_path / "results", "default")
        (folder,) = (folder for folder, record in store.records() if record["cell"]["name"] == cell)
        return store.top(folder, side)

    return read


def test_each_user_s_best_candidates_are_stored_for_both_sides(bench, best, tiny_llama):
    llm = f"llama:{tiny_llama}"
    bench(models=("sasrec",), llms=(llm,), top_k=3)
    for cell, side in [("sasrec", "domain"), (llm, "llm"), *((f"sasrec+{llm}+bdlm", s) for s in ("domain", "llm"))]:
        frame = best(cell, side)
        assert frame["position"].tolist() == [1, 2, 3] * 60
        assert frame.groupby("user_id")["score"].apply(lambda scores: scores.is_monotonic_decreasing).all()


def test_what_is_stored_of_the_best_candidates_changes_neither_ranks_nor_what_is_done(bench, best, ranks, tmp_path):
    first = bench(models=("sasrec",), top_k=0)
    assert not list(tmp_path.rglob("top.parquet"))
    assert bench(models=("sasrec",), top_k=5) == first
    without = ranks("sasrec")
    bench(models=("sasrec",), existing="replace")
    assert without.equals(ranks("sasrec"))
    assert best("sasrec")["position"].max() == 20 - 11  # fewer candidates than 10


def test_the_training_interactions_of_every_item_are_stored_with_the_best_candidates(bench, tmp_path):
    bench(models=("sasrec",))
    store = Store(tmp_path / "results", "default")
    ((folder, _),) = store.records()
    # 60 users go around a circle of 20 items, as many from each place, and 10 of their 12 steps are training
    assert store.items(folder)["frequency"].tolist() == [60 * 10 / 20] * 20
    assert sorted(store.items(folder)["item_id"]) == sorted(f"i{item}" for item in range(20))
    bench(models=("sasrec",), top_k=0, existing="replace")
    assert not (folder / "items.parquet").exists()


def test_stored_metrics_of_lists_agree_with_those_made_of_the_stored_lists(bench, host, tmp_path, tiny_llama):
    names = ("novelty@5", "coverage@5", "Gini@3", "serendipity@5", "tail-share@5", "average-popularity@5", "MAP")
    bench(models=("sasrec", "popularity"), llms=(f"llama:{tiny_llama}",), metrics=names)
    store = Store(tmp_path / "results", "default")
    metrics = {name: host.build(host.select("metrics", name, {})) for name in names}
    lines = read_rows(list(store.records()), store, metrics)
    assert len(lines) == 5
    for key, line in lines.items():
        assert line.records[0]["sides"][key.side]["metrics"] == pytest.approx(line.metrics, rel=1e-12)


def test_validation_keeps_no_best_candidates(bench, monkeypatch):
    asked, rank_task = [], corecbench.training.cell.rank_task
    note = lambda *args, **options: (asked.append(options["top_k"]), rank_task(*args, **options))[1]  # noqa: E731
    monkeypatch.setattr("corecbench.training.cell.rank_task", note)
    (record,) = bench(models=("sasrec",), top_k=7)
    assert asked == [0] * record["sides"]["domain"]["epochs"] + [7]


def test_on_real_data_ranks_and_best_candidates_agree(bench, best, ranks, quick):
    settings = quick | {"sasrec": {"epochs": 1}}
    bench(models=("popularity", "sasrec"), datasets=("ml-100k",), settings=settings, ties="file")
    seen = real_items_before_the_last()
    for cell, has_ties in [("popularity", True), ("sasrec", False)]:
        of_user = best(cell).groupby("user_id")["item_id"].apply(list)
        frame = ranks(cell).set_index("user_id").loc[of_user.index]
        among = pd.Series({user: frame["target_item_id"][user] in items for user, items in of_user.items()})
        at_most_10 = frame["rank"] <= 10
        assert among.sum() > 0
        assert (among | ~at_most_10).all()
        assert (among == at_most_10).all() != has_ties
        assert all(len(set(items)) == 10 and not set(items) & seen[user] for user, items in of_user.items())


def real_items_before_the_last():
    """Return what each user of ml-100k saw before the last item; here nobody has an item twice."""
    rows = pd.read_csv(Path(find_ml100k()) / "ml-100k.inter", sep="\t", dtype=str)
    ordered = rows.assign(time=rows["timestamp:float"].astype(float)).sort_values("time", kind="stable")
    return {user: set(items[:-1]) for user, items in ordered.groupby("user_id:token")["item_id:token"]}


# --- popularity ---------------------------------------------------------------------------------------------------


def test_popularity_ranks_by_the_number_of_training_interactions(bench, ranks, tmp_path):
    # Training holds all but the last two: a 3 times, b 2, c 2, d 1, e 1, x never. Ties count against the model.
    histories = {"u1": "abxc", "u2": "acbd", "u3": "abcx", "u4": "dexb", "u5": "cda"}
    folder = tmp_path / "by-hand"
    folder.mkdir()
    rows = [f"{user}\t{item}\t{time}" for user, items in histories.items() for time, item in enumerate(items)]
    text = "\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows])
    (folder / "by-hand.inter").write_text(text + "\n")
    bench(models=("popularity",), datasets=(str(folder),))
    frame = ranks("popularity").set_index("user_id")
    assert frame["n_candidates"].to_dict() == {"u1": 3, "u2": 3, "u3": 3, "u4": 3, "u5": 4}
    assert frame["rank"].to_dict() == {
        "u1": 1,  # c 2 among d 1, e 1
        "u2": 2,  # d 1 among e 1, x 0
        "u3": 3,  # x 0 among d 1, e 1
        "u4": 3,  # b 2 among a 3, c 2
        "u5": 1,  # a 3 among b 2, e 1, x 0
    }


def test_ranks_say_how_often_the_user_and_the_target_are_in_training(bench, ranks, tmp_path):
    # The last two are held out, but not of u4, who has no more: a is 3 times in training, b 2, c 2, d 1, x never.
    histories = {"u1": "abcax", "u2": "axa", "u3": "adxb", "u4": "cb"}
    folder = tmp_path / "by-hand"
    folder.mkdir()
    rows = [f"{user}\t{item}\t{time}" for user, items in histories.items() for time, item in enumerate(items)]
    text = "\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows])
    (folder / "by-hand.inter").write_text(text + "\n")
    bench(models=("popularity",), datasets=(str(folder),), repeats="all", max_history=1)
    frame = ranks("popularity").set_index("user_id")
    assert frame["history_length"].to_dict() == {"u1": 3, "u2": 1, "u3": 2}
    assert frame["target_frequency"].to_dict() == {"u1": 0, "u2": 3, "u3": 2}


# --- cells that fail ----------------------------------------------------------------------------------------------


def test_a_cell_that_fails_is_a_record_and_the_others_go_on(bench, loose_file):
    records = bench(models=("sasrec", "broken", "popularity"), files=[loose_file("broken", BROKEN)])
    assert outcomes(records) == [("sasrec", "ok"), ("broken", "failed"), ("popularity", "ok")]
    error = records[1]["error"]
    assert error["type"] == "PluginError"
    assert "domain model 'broken' of plugin broken" in error["message"]
    assert error["message"].endswith("RuntimeError: this model is broken")
    assert "Traceback" in error["traceback"]
    assert records[1]["sides"] == {}


FAULTY_HOOKS = """
    def fail(*_):
        raise ValueError("no good")

    MatrixFactorisation.{hook} = fail
"""


@pytest.mark.parametrize("hook", ["fit", "states", "loss"])
def test_an_error_in_a_hook_of_a_model_names_plugin_and_hook_and_the_others_go_on(bench, loose_file, hook):
    source = textwrap.dedent(FACTORISATION) + textwrap.dedent(FAULTY_HOOKS).format(hook=hook)
    records = bench(models=("mf", "popularity"), files=[loose_file("mine", source)])
    assert outcomes(records) == [("mf", "failed"), ("popularity", "ok")]
    expected = rf"domain model 'mf' of plugin mine \(.*mine\.py sha256:\w+\) failed in {hook}: ValueError: no good"
    assert re.fullmatch(expected, records[0]["error"]["message"])


@pytest.mark.parametrize("hook", ["ids", "start", "turns", "losses"])
def test_an_error_in_a_hook_of_a_sharing_module_names_plugin_and_hook(bench, sharing_module, tiny_llama, hook):
    path = sharing_module(f"""
        def fail(*_):
            raise SystemExit(7)

        Module.{hook} = fail
    """)
    options = {"models": ("sasrec",), "llms": (f"llama:{tiny_llama}",), "sharing": ("mine", "none")}
    *_, faulty, none = bench(**options, files=[path])
    expected = rf"sharing module 'mine' of plugin module_file \(.*\) failed in {hook}: SystemExit: 7"
    assert re.fullmatch(expected, faulty["error"]["message"])
    assert none["status"] == "ok"


def test_a_failed_cell_is_stored_and_tried_again(bench, loose_file, tmp_path):
    path = loose_file("broken", BROKEN)
    bench(models=("broken",), files=[path])
    ((folder, stored),) = Store(tmp_path / "results", "default").records()
    assert stored["status"] == "failed"
    path.write_text(textwrap.dedent(FACTORISATION.replace('"mf"', '"broken"')))
    assert outcomes(bench(models=("broken",), files=[path])) == [("broken", "ok")]
    assert [stored["status"] for _, stored in Store(tmp_path / "results", "default").records()] == ["ok"]
    assert not folder.exists()  # its place is taken by the one that succeeded


def test_a_pair_whose_solo_training_failed_says_so(bench, loose_file, tiny_llama):
    records = bench(models=("broken",), llms=(f"llama:{tiny_llama}",), files=[loose_file("broken", BROKEN)])
    assert [record["status"] for record in records] == ["failed", "ok", "failed"]
    assert "broken" in records[2]["error"]["message"]
    assert "failed" in records[2]["error"]["message"]


def test_scores_that_are_not_finite_fail_the_cell(bench, loose_file):
    source = FACTORISATION.replace("self.item.weight)", "self.item.weight / 0)")
    (record,) = bench(models=("mf",), files=[loose_file("mf", source)])
    assert (record["status"], record["sides"]) == ("failed", {})
    assert "became" in record["error"]["message"]


def test_data_without_anything_to_train_on_says_what_it_lacks_in_one_line(bench, tmp_path):
    folder = tmp_path / "short"
    folder.mkdir()
    rows = [f"u{user}\ti{(user + step) % 5}\t{step}" for user in range(5) for step in range(3)]
    text = "\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows])
    (folder / "short.inter").write_text(text + "\n")
    (record,) = bench(models=("sasrec",), datasets=(str(folder),))
    assert record["error"]["type"] == "DataError"
    needed = "no user has two training items in a row; a model of histories needs users with 4 or more"
    assert record["error"]["message"] == needed


# --- a third party's model ----------------------------------------------------------------------------------------


def test_a_model_in_a_loose_file_is_trained_jointly_with_an_llm(bench, loose_file, ranks, tiny_llama):
    llm = f"llama:{tiny_llama}"
    settings = {"mf": {"epochs": 20, "learning_rate": 0.05}}
    path = loose_file("mf", FACTORISATION)
    options = {"models": ("mf",), "llms": (llm,), "files": [path]}
    quick_llm = {"embedding_size": 16, "lora_layers": 2, "lora_rank": 2, "dtype": "float32", "epochs": 2}
    records = bench(**options, settings=settings | {"llama": quick_llm, "bdlm": {"domain_epochs": 2}})
    pair = f"mf+{llm}+bdlm"
    assert outcomes(records) == [("mf", "ok"), (llm, "ok"), (pair, "ok")]
    assert records[2]["plugins"]["mf"]["distribution"] == str(path)
    assert len(ranks(pair, "domain")) == len(ranks(pair, "llm")) == 60
    assert records[0]["epochs"][-1]["loss"] < records[0]["epochs"][0]["loss"]


def test_such_a_model_takes_at_most_30_lines_and_one_import_of_the_project():
    lines = textwrap.dedent(FACTORISATION).strip().splitlines()
    imports = [line for line in lines if line.startswith(("import", "from"))]
    assert len(lines) <= 30
    assert [line.split()[1] for line in imports] == ["torch", "corecbench.api"]
