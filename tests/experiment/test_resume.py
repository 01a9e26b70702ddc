import pytest
from pandas.testing import assert_frame_equal


def outcomes(records):
    return [(record["cell"]["name"], record["status"]) for record in records]


def test_what_is_done_is_not_run_again(bench, make_diary):
    first = bench(models=("sasrec", "popularity"))
    diary = make_diary()
    assert bench(models=("sasrec", "popularity"), diary=diary) == first
    assert diary.entries == []


def test_what_is_replaced_is_run_again(bench, make_diary):
    bench(models=("popularity",))
    diary = make_diary()
    bench(models=("popularity",), diary=diary, existing="replace")
    assert diary.entries[0] == ("started", "popularity")


@pytest.mark.parametrize(
    ("interrupt", "left"),
    [
        (("finished", "sasrec", "ok"), ["popularity"]),
        (("epoch", "sasrec", "domain", 2), ["sasrec", "popularity"]),
        (("started", "popularity"), ["popularity"]),
    ],
    ids=["between cells", "within a cell", "before a cell"],
)
def test_a_run_that_was_killed_is_resumed_by_the_same_command(bench, ranks, interrupt, left, make_diary):
    command = {"models": ("sasrec", "popularity")}
    with pytest.raises(KeyboardInterrupt):
        bench(**command, diary=make_diary(interrupt))
    diary = make_diary()
    assert outcomes(bench(**command, diary=diary)) == [("sasrec", "ok"), ("popularity", "ok")]
    assert [entry[1] for entry in diary.entries if entry[0] == "started"] == left
    bench(**command, root="uninterrupted")
    for cell in command["models"]:
        assert_frame_equal(ranks(cell), ranks(cell, root="uninterrupted"))


def test_a_pair_is_resumed_from_the_solo_training_on_disk(bench, ranks, tiny_llama, make_diary):
    llm = f"llama:{tiny_llama}"
    command, pair = {"models": ("sasrec",), "llms": (llm,)}, f"sasrec+{llm}+bdlm"
    with pytest.raises(KeyboardInterrupt):
        bench(**command, diary=make_diary(("finished", llm, "ok")))
    bench(**command)
    bench(**command, root="uninterrupted")
    for side in ("domain", "llm"):
        assert_frame_equal(ranks(pair, side), ranks(pair, side, root="uninterrupted"))


@pytest.mark.parametrize("name", ["sasrec", "gru4rec", "lightgcn"])
def test_the_same_seed_gives_the_same_ranks_bit_for_bit(bench, ranks, tiny_llama, name):
    llm = f"llama:{tiny_llama}"
    first, second = (bench(models=(name,), llms=(llm,), root=root) for root in ("one", "two"))
    for cell, side in [
        (name, "domain"),
        (llm, "llm"),
        *((f"{name}+{llm}+bdlm", side) for side in ("domain", "llm")),
    ]:
        assert_frame_equal(ranks(cell, side, "one"), ranks(cell, side, "two"))
    losses = [[epoch["loss"] for record in records for epoch in record["epochs"]] for records in (first, second)]
    assert losses[0] == losses[1]


def test_another_seed_gives_other_ranks(bench, ranks):
    bench(models=("sasrec",), seeds=(0, 1))
    one, other = (ranks("sasrec", seed=seed) for seed in (0, 1))
    assert one["target_item_id"].equals(other["target_item_id"])
    assert not one["rank"].equals(other["rank"])


def test_the_other_cells_of_a_run_change_nothing(bench, ranks):
    bench(models=("gru4rec",), root="alone")
    bench(models=("sasrec", "gru4rec"), root="together")
    assert_frame_equal(ranks("gru4rec", root="alone"), ranks("gru4rec", root="together"))
