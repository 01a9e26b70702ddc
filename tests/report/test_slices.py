import numpy as np
import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.report.evidence.reading import read
from corecbench.report.views.tables import slice_table
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

from ..stats.conftest import paired_interval
from .conftest import ReciprocalRank

# Five pairs of users with histories of 1 to 5 items; the items of the first pair are never in training.
LENGTHS = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
FREQUENCIES = [0, 0, 8, 8, 8, 8, 8, 9, 9, 9]
AT_2, AT_1 = [2] * 10, [1] * 10


class Bench:
    """Stores cells of ten toy users."""

    def __init__(self, root):
        self.store = Store(root, "default")
        self.entries = []

    def add(self, domain=None, llm=None, seed=0, counts=True, users=range(10), stopped_by="patience", **of):
        """Store a cell; `domain_ranks` and `llm_ranks` say at which rank each user's item is."""
        ranks = {side: of.pop(f"{side}_ranks") for side in ("domain", "llm") if f"{side}_ranks" in of}
        parts = domain, llm, of.pop("sharing", None), of.pop("control", None)
        record = toy_record(*parts, seed=seed, n_users=10, side={"stopped_by": stopped_by}, **of)
        folder = store_cell(
            self.store, record, {side: self.frame(rank, users, counts) for side, rank in ranks.items()}
        )
        self.entries.append((folder, self.store.read(folder)))

    def frame(self, rank, users, counts):
        users = list(users)
        known = {"history_length": LENGTHS, "target_frequency": FREQUENCIES} if counts else {}
        known |= counts if isinstance(counts, dict) else {}
        of_users = {name: np.array(values)[users] for name, values in known.items()}
        return toy_ranks(np.array(rank)[users], [f"u{user}" for user in users], **of_users)

    def evidence(self):
        return read(self.entries, self.store, {"MRR": ReciprocalRank()}, "MRR")

    def effects(self, side="domain", **of_key):
        """Return the effects on one side by their slice: (slicing, label) -> effect."""
        chosen = [
            effect
            for effect in self.evidence().slices()
            if effect.row.side == side and all(getattr(effect.row, name) == value for name, value in of_key.items())
        ]
        found = {(effect.group.slicing, effect.group.label): effect for effect in chosen}
        assert len(found) == len(chosen)
        return found


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def pair(bench):
    """Alone both models rank all items second. Together the domain side ranks those of short histories first."""
    bench.add("sasrec", domain_ranks=AT_2)
    bench.add(llm="llama", llm_ranks=AT_2)
    bench.add("sasrec", "llama", domain_ranks=[1, 1, 1, 1, 1, 2, 2, 2, 4, 4], llm_ranks=AT_2)
    return bench


# --- effects ------------------------------------------------------------------------------------------------------


def test_a_joint_row_is_compared_on_all_users_and_on_every_slice(pair):
    assert {name: effect.n_users for name, effect in pair.effects().items()} == {
        (None, "all users"): 10,
        ("history length", "1"): 2,
        ("history length", "2"): 2,
        ("history length", "3"): 2,
        ("history length", "4"): 2,
        ("history length", "5"): 2,
        ("target frequency", "0 (never in training)"): 2,
        # borders at 1.6, 3.2, 4.8 and 6.4 of 8 users: the five of 8 have their middle at 2.5, those of 9 at 6.5
        ("target frequency", "8"): 5,
        ("target frequency", "9"): 3,
        ("target frequency in bins", "0 (never in training)"): 2,
        ("target frequency in bins", "4-9"): 8,
    }


def test_a_slice_has_the_means_of_its_users(pair):
    effects = pair.effects()
    effect = effects["history length", "3"]
    assert (effect.base, effect.own, effect.difference, effect.change) == (1 / 2, 3 / 4, 1 / 4, 1 / 2)
    assert effects["target frequency", "9"].own == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3)
    assert effects[None, "all users"].difference == pytest.approx((5 * 1 / 2 - 2 * 1 / 4) / 10)


def test_each_side_is_compared_with_its_own_solo_row(pair):
    assert {effect.difference for effect in pair.effects("llm").values()} == {0}


def test_users_are_averaged_over_seeds_before_the_interval(bench):
    # over both seeds user i gains 0, 1/4 or 1/2, by turns
    together = [[1, 1, 2, 1, 1, 2, 1, 1, 2, 1], [1, 2, 2, 1, 2, 2, 1, 2, 2, 1]]
    for seed in (0, 1):
        bench.add("sasrec", seed=seed, domain_ranks=AT_2)
        bench.add("sasrec", "llama", seed=seed, domain_ranks=together[seed], llm_ranks=AT_2)
    effect = bench.effects()[None, "all users"]
    gain = np.array([1 / 2, 1 / 4, 0] * 3 + [1 / 2])
    assert effect.seeds == (0, 1)
    assert effect.sizes.interval == pytest.approx(paired_interval(gain, np.zeros(10)))
    assert effect.sizes.interval.low < effect.difference < effect.sizes.interval.high


def test_from_three_seeds_on_the_interval_is_over_users_and_seeds(bench):
    together = [[1] * 6 + AT_2[6:], [1] * 8 + AT_2[8:], [1] * 2 + AT_2[2:]]
    for seed in range(3):
        bench.add("sasrec", seed=seed, domain_ranks=AT_2)
        bench.add("sasrec", "llama", seed=seed, domain_ranks=together[seed], llm_ranks=AT_2)
    effect = bench.effects()[None, "all users"]
    own = 1 / np.array(together, dtype=float).T
    assert effect.sizes.interval == paired_interval(own, np.full((10, 3), 0.5))
    assert not effect.lacks_seeds
    assert "of the difference (t over users and seeds), not adjusted" in slice_table(bench.evidence()).caption


def test_only_seeds_that_both_rows_have_are_compared(bench):
    for seed in (0, 1):
        bench.add("sasrec", seed=seed, domain_ranks=AT_2)
    bench.add("sasrec", "llama", seed=1, domain_ranks=AT_1, llm_ranks=AT_1)
    assert {effect.seeds for effect in bench.effects().values()} == {(1,)}


def test_users_are_sliced_by_their_ids(bench):
    bench.add("sasrec", domain_ranks=AT_2, users=range(9, -1, -1))
    bench.add("sasrec", "llama", domain_ranks=[1, 1, *AT_2[2:]], llm_ranks=AT_2)
    assert bench.effects()["history length", "1"].change == 1
    assert bench.effects()["history length", "5"].change == 0


def test_a_control_has_effects_of_its_own_against_the_same_solo_row(pair):
    pair.add("sasrec", "llama", control="shuffled-texts", domain_ranks=AT_2, llm_ranks=AT_2)
    effects = pair.effects(control="shuffled-texts")
    assert len(effects) == len(pair.effects(control=None)) == 11
    assert {effect.difference for effect in effects.values()} == {0}


def test_a_solo_row_of_zero_has_no_relative_change(bench):
    class First(ReciprocalRank):
        def per_user(self, rank, n_candidates):
            return (rank == 1).astype(float)

    bench.add("sasrec", domain_ranks=AT_2)
    bench.add("sasrec", "llama", domain_ranks=AT_1, llm_ranks=AT_1)
    effects = read(bench.entries, bench.store, {"HR@1": First()}, "HR@1").slices()
    assert {(effect.difference, effect.change) for effect in effects} == {(1, None)}


# --- what is left out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solo", [None, {"seed": 1}, {"stopped_by": "epochs"}])
def test_a_row_that_the_main_table_does_not_compare_is_left_out(bench, solo):
    bench.add("sasrec", "llama", domain_ranks=AT_1, llm_ranks=AT_1)
    if solo is not None:
        bench.add("sasrec", domain_ranks=AT_2, **solo)
    found = slice_table(bench.evidence())
    assert len(found.frame) == len(found.values) == 0
    assert found.caption == "toy: there is no joint row that can be compared with its solo row."


def test_ranks_without_counts_have_one_row_and_a_sentence(bench):
    bench.add("sasrec", counts=False, domain_ranks=AT_2)
    bench.add("sasrec", "llama", counts=False, domain_ranks=AT_1, llm_ranks=AT_1)
    assert list(bench.effects()) == [(None, "all users")]
    caption = slice_table(bench.evidence()).caption
    assert (
        "No slices: the stored ranks lack history_length and target_frequency; "
        "`corecbench run` with --existing replace stores them. "
    ) in caption
    assert "Slices:" not in caption


def test_counts_of_any_cell_are_those_of_all(bench):
    bench.add("sasrec", counts=False, domain_ranks=AT_2)
    bench.add("sasrec", "llama", counts=True, domain_ranks=AT_1, llm_ranks=AT_1)
    assert len(bench.effects()) == 11


def test_word_overlap_slices_users_where_it_is_stored(bench):
    overlap = {"text_similarity": np.array([0, 0, 0, 0, 0, 0.1, 0.1, 0.2, 0.2, 1], dtype=np.float32)}
    bench.add("sasrec", domain_ranks=AT_2)
    bench.add("sasrec", "llama", domain_ranks=[2] * 5 + [1, 2] + [1] * 3, llm_ranks=AT_2, counts=overlap)
    found = {label: effect for (slicing, label), effect in bench.effects().items() if slicing == "word overlap"}
    assert {label: (effect.n_users, effect.difference) for label, effect in found.items()} == {
        "none": (5, 0),
        "some": (2, 1 / 4),
        "cosine .2 or more": (3, 1 / 2),
    }
    caption = slice_table(bench.evidence()).caption
    assert "Word overlap: none where the held-out item's text shares no word with a text of the history" in caption
    assert "lack text_similarity" not in caption


def test_results_from_before_word_overlap_was_stored_say_so(pair):
    caption = slice_table(pair.evidence()).caption
    assert (
        "No slices by word overlap: the stored ranks lack text_similarity; "
        "`corecbench run` with --existing replace stores them. "
    ) in caption


def test_word_overlap_that_differs_in_last_digits_is_the_same(bench):
    bench.add("sasrec", domain_ranks=AT_2, counts={"text_similarity": np.full(10, 0.1, dtype=np.float32)})
    other = {"text_similarity": np.full(10, np.nextafter(np.float32(0.1), np.float32(1)))}
    bench.add("sasrec", "llama", domain_ranks=AT_1, llm_ranks=AT_1, counts=other)
    assert bench.effects()["word overlap", "some"].n_users == 10


def test_cold_targets_are_told_from_warm_ones(bench):
    cold = {"target_is_cold": np.arange(10) < 4}
    bench.add("sasrec", cold_items=0.1, domain_ranks=AT_2, counts=cold)
    ranks = {"domain_ranks": [1] * 4 + [2] * 6, "llm_ranks": AT_2}
    bench.add("sasrec", "llama", cold_items=0.1, counts=cold, **ranks)
    effects = bench.effects()
    assert {label: effects["target item", label].difference for label in ("warm", "cold")} == {
        "warm": 0,
        "cold": 1 / 2,
    }
    caption = slice_table(bench.evidence()).caption
    assert "Of items cold: this seeded share of the items is left out of all training" in caption


def test_new_users_are_told_from_those_who_train(bench):
    new = {"history_length": LENGTHS, "user_is_new": np.arange(10) % 5 == 0}
    bench.add("sasrec", domain_ranks=AT_2, counts=new)
    bench.add("sasrec", "llama", counts=new, domain_ranks=[1, 2, 2, 2, 2, 1, 2, 2, 2, 2], llm_ranks=AT_2)
    effects = bench.effects()
    known, new = (effects["new users", label] for label in ("known in training", "new"))
    assert (known.n_users, known.difference, new.n_users, new.difference) == (8, 0, 2, 1 / 2)
    caption = slice_table(bench.evidence()).caption
    assert "by history length (their interactions before the held-out item)" in caption
    assert "New users did nothing before the first cut, so nothing of them is in training." in caption


def test_results_from_before_new_users_were_stored_keep_their_slices(bench):
    bench.add("sasrec", domain_ranks=AT_2)
    new = {"history_length": LENGTHS, "target_frequency": FREQUENCIES, "user_is_new": np.arange(10) < 1}
    before = {group.slicing for group in bench.evidence().groups("toy")}
    bench.add("lightgcn", domain_ranks=AT_2, counts=new)
    after = {group.slicing for group in bench.evidence().groups("toy")}
    assert "history length" in before
    assert after - before == {"new users"}


def test_a_failed_cell_is_left_out(pair):
    error = {"type": "RuntimeError", "message": "no luck", "traceback": ""}
    pair.add("gru4rec", "llama", status="failed", error=error)
    assert {effect.row.domain for effect in pair.evidence().slices()} == {"sasrec"}


# --- in words -----------------------------------------------------------------------------------------------------


def test_the_frame_holds_formatted_text(pair):
    low, high = pair.effects()[None, "all users"].sizes.interval
    assert slice_table(pair.evidence()).frame.iloc[0].to_dict() == {
        "data set": "toy",
        "model": "sasrec + llama",
        "side": "domain",
        "sharing": "bdlm",
        "slice by": "-",
        "slice": "all users",
        "users": "10",
        "MRR solo": ".5000",
        "MRR": ".7000",
        "difference": "+.2000",
        "95% interval": f"[-{-low:.4f}, +{high:.4f}]".replace("0.", "."),
        "MRR vs solo": "+40.0%",
        "seeds": "0",
    }


def test_a_slice_without_an_interval_shows_a_dash(pair):
    cells = slice_table(pair.evidence()).frame.iloc[5]
    assert cells["slice":"95% interval"].tolist() == ["5", "2", ".5000", ".2500", "-.2500", "-"]


def test_controls_are_a_column_only_where_there_are_any(pair):
    assert "control" not in slice_table(pair.evidence()).frame
    pair.add("sasrec", "llama", control="shuffled-texts", domain_ranks=AT_2, llm_ranks=AT_2)
    assert set(slice_table(pair.evidence()).frame["control"]) == {"-", "shuffled-texts"}


def test_the_caption_states_users_seeds_protocol_slices_and_interval(pair):
    assert slice_table(pair.evidence()).caption == (
        "toy, 10 users, seed 0. Protocol: split leave-one-out. "
        "MRR and MRR solo (the same model trained alone): means over the users of a slice, each user first "
        "averaged over the seeds both have. "
        "Slices: fifths of the users by history length (their interactions in training) and by target frequency "
        "(those of their held-out item); users with equal counts are not split, so slices can be uneven or fewer; "
        "items never in training are a slice of their own; in bins: the same ones on every data set. "
        "No slices by word overlap: the stored ranks lack text_similarity; "
        "`corecbench run` with --existing replace stores them. "
        "95% interval: of the difference (t over users, for these trained models), not adjusted for the number of "
        "rows; - where fewer than 5 users differ or all differ by the same. Device: cpu."
    )


def test_the_values_are_numbers_with_the_ends_of_the_interval_apart(pair):
    effect = pair.effects()[None, "all users"]
    values = slice_table(pair.evidence()).values.iloc[0].to_dict()
    assert (values["95% low"], values["95% high"]) == effect.sizes.interval
    assert "95% interval" not in values
    assert (values["difference"], values["MRR vs solo"], values["slice by"]) == (
        effect.difference,
        effect.change,
        None,
    )


def test_data_sets_share_a_table_and_the_caption_tells_them_apart(pair):
    pair.add("gru4rec", dataset="alone", domain_ranks=AT_2, protocol={"split": "leave-one-out", "k": 5})
    pair.add("sasrec", dataset="other", domain_ranks=AT_2, protocol={"split": "leave-one-out", "k": 9})
    more = {"llm_ranks": AT_2, "counts": False, "protocol": {"split": "leave-one-out", "k": 9}}
    pair.add("sasrec", "llama", dataset="other", domain_ranks=AT_1, **more)
    found = slice_table(pair.evidence())
    assert found.frame["data set"].value_counts().to_dict() == {"toy": 22, "other": 11}
    assert found.caption.startswith(
        "toy, 10 users, seed 0; other, 10 users, seed 0. Protocol: split leave-one-out, k 9 (other). "
    )
    assert found.caption.endswith("alone: there is no joint row that can be compared with its solo row.")
