import shutil

import pytest
from pandas.testing import assert_frame_equal

from corecbench.api import CorecbenchWarning
from corecbench.training import checkpoints
from corecbench.training.checkpoints import EPOCH, Checkpoints
from corecbench.training.loop import SideTraining

TURNS = {"start": "new", "warm_up_epochs": 3, "rounds": 2, "domain_epochs": 4, "llm_epochs": 4}
EPOCHS = [("domain", 1), ("domain", 3), ("llm", 1), ("llm", 2), ("domain", 4), ("llm", 4), ("domain", 7)]
"""Epochs of each kind of turn: first ones, last ones, and those within."""


@pytest.fixture
def pair(bench, ranks, quick, tiny_llama, monkeypatch):
    """Run a pair with checkpoints after every epoch; its records, its ranks and the number of epochs trained."""
    trained = []
    train_epoch = SideTraining.train_epoch
    monkeypatch.setattr(SideTraining, "train_epoch", lambda self, *a: trained.append(1) or train_epoch(self, *a))
    llm = f"llama:{tiny_llama}"
    settings = quick | {
        "bdlm": TURNS,
        "sasrec": quick["sasrec"] | {"epochs": 9, "averaging": 0.9},
        "llama": quick["llama"] | {"epochs": 4},
    }

    class Pair:
        name = f"sasrec+{llm}+bdlm"

        def __init__(self):
            self.settings = settings

        def run(self, **options):
            trained.clear()
            return bench(
                **{"models": ("sasrec",), "llms": (llm,), "settings": settings, "checkpoint_minutes": 0} | options
            )

        @property
        def epochs_trained(self):
            return len(trained)

        def ranks(self, root="results", name=name):
            return [ranks(name, side, root) for side in ("domain", "llm")]

    return Pair()


def assert_equal(one, other):
    for mine, theirs in zip(one, other, strict=True):
        assert_frame_equal(mine, theirs)


def without_times(records):
    return [[epoch | {"duration_s": 0} for epoch in record["epochs"]] for record in records]


@pytest.mark.parametrize("point", EPOCHS, ids=lambda point: f"{point[0]}-{point[1]}")
def test_a_pair_that_was_killed_goes_on_from_its_latest_epoch(pair, point, make_diary, tmp_path, cache):
    undisturbed = pair.run(root="undisturbed")
    epochs_of_pair = len(undisturbed[-1]["epochs"])
    shutil.rmtree(cache / "begun")
    pair.run(models=())  # the LLM alone
    pair.run(llms=())  # SASRec alone
    with pytest.raises(KeyboardInterrupt):
        pair.run(diary=make_diary(("epoch", pair.name, *point)))
    before = pair.epochs_trained
    resumed = pair.run()
    assert before + pair.epochs_trained == epochs_of_pair + 1  # the epoch of which the record was lost
    assert_equal(pair.ranks(), pair.ranks("undisturbed"))
    assert without_times(resumed) == without_times(undisturbed)
    assert not list(tmp_path.rglob("*.state"))


@pytest.mark.parametrize("epoch", [3, 4, 5])
def test_what_the_llm_makes_of_items_is_there_again_after_a_kill(pair, epoch, make_diary):
    settings = pair.settings | {"bdlm": TURNS | {"renewed": True}}
    pair.run(settings=settings, root="undisturbed")
    pair.run(settings=settings, models=())
    pair.run(settings=settings, llms=())
    with pytest.raises(KeyboardInterrupt):
        pair.run(settings=settings, diary=make_diary(("epoch", pair.name, "domain", epoch)))
    pair.run(settings=settings)
    assert_equal(pair.ranks(), pair.ranks("undisturbed"))


def test_a_model_alone_that_was_killed_goes_on_from_its_latest_epoch(pair, ranks, make_diary):
    with pytest.raises(KeyboardInterrupt):
        pair.run(llms=(), diary=make_diary(("epoch", "sasrec", "domain", 4)))
    pair.run(llms=())
    assert pair.epochs_trained == 9 - 3
    pair.run(llms=(), root="undisturbed")
    assert_frame_equal(ranks("sasrec"), ranks("sasrec", root="undisturbed"))


def test_a_control_begins_where_its_pair_ended_the_first_turn(pair, cache):
    pair.run(controls=("no-mutual",))
    together = pair.epochs_trained
    alone = pair.run(controls=("no-mutual",), root="anew", existing="skip")
    begun = list((cache / "begun").glob("*.safetensors"))
    assert len(begun) == 1
    assert pair.epochs_trained == together - TURNS["warm_up_epochs"]  # the pair, too, now begins there
    begun[0].unlink()
    apart = pair.run(controls=("no-mutual",), root="apart")
    assert without_times(alone) == without_times(apart)
    for root in ("results", "anew"):
        assert_equal(pair.ranks(root), pair.ranks("apart"))
        name = f"{pair.name}+no-mutual"
        assert_equal(pair.ranks(root, name), pair.ranks("apart", name))


def test_a_control_begins_where_another_one_ended_the_first_turn(pair, cache):
    records = pair.run(controls=("bag-of-words", "frozen-bag-of-words"))
    assert pair.epochs_trained == sum(len(record["epochs"]) for record in records) - TURNS["warm_up_epochs"]
    shutil.rmtree(cache / "begun")
    pair.run(controls=("frozen-bag-of-words",), root="apart")
    name = f"{pair.name}+frozen-bag-of-words"
    assert_equal(pair.ranks(name=name), pair.ranks("apart", name))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_is_named_and_not_used(pair, make_diary, tmp_path, cache, damage):
    pair.run(root="undisturbed")
    shutil.rmtree(cache / "begun")
    with pytest.raises(KeyboardInterrupt):
        pair.run(diary=make_diary(("epoch", pair.name, "llm", 2)))
    files = [*tmp_path.rglob(".*.state/*.safetensors"), *(cache / "begun").glob("*.safetensors")]
    assert len(files) == 3
    for file in files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    with pytest.warns(CorecbenchWarning, match=r"\.safetensors is damaged, or no state of this cell"):
        pair.run()
    assert_equal(pair.ranks(), pair.ranks("undisturbed"))


def test_few_states_are_kept_for_other_cells(pair, cache, monkeypatch):
    monkeypatch.setattr(checkpoints, "KEPT", 1)
    pair.run(seeds=(0, 1))
    assert len(list((cache / "begun").iterdir())) == 1


def test_the_first_state_is_written_after_a_minute_and_later_ones_in_their_time(tmp_path, monkeypatch):
    states, now, written = Checkpoints(tmp_path / "state", minutes=5, written=0.0), 0.0, []
    states.sides = {}
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    for now in range(0, 700, 30):
        states.epoch_ended()
        if (tmp_path / "state" / EPOCH).exists():
            written.append(now)
            (tmp_path / "state" / EPOCH).unlink()
    assert written == [60, 360, 660]


def test_a_state_that_cannot_be_written_is_said_once(tmp_path, caplog):
    (tmp_path / "state").write_text("in the way")
    states = Checkpoints(tmp_path / "state", minutes=0)
    states.sides = {}
    for _ in range(3):
        states.epoch_ended()
    assert len(caplog.records) == 1


def test_within_a_turn_no_state_is_written_before_its_time(pair, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoints.Checkpoints, "write", lambda self, file, *rest: written.append(file.name))
    monkeypatch.setattr(checkpoints.Checkpoints, "turn_ended", lambda self, *rest: None)
    pair.run(llms=(), checkpoint_minutes=5)
    assert written == []
