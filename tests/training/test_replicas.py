"""What processes do together, in two real processes; and what one of them does when the other is gone."""

import pytest
import torch
import torch.distributed as dist

from corecbench.api import CorecbenchError
from corecbench.training.replicas import Place, Replicas, joined

ADD_UP = """
weights = [torch.nn.Parameter(torch.ones(2, 2)) for _ in range(4)]
weights[0].grad = torch.full((2, 2), 1.0 + index)
if index == 1:
    weights[1].grad = torch.full((2, 2), 5.0)
weights[3].data = weights[3].data.bfloat16()
weights[3].grad = torch.full((2, 2), 0.5).bfloat16()
loss = replicas.add_up_gradients(weights, torch.tensor(0.25 + index))
found = [loss.item(), *(weight.grad if weight.grad is None else weight.grad.tolist() for weight in weights)]
"""


def test_gradients_and_losses_are_added_up_and_a_gradient_that_nobody_has_stays_none(in_two_processes):
    expected = [1.5, [[3.0, 3.0]] * 2, [[5.0, 5.0]] * 2, None, [[1.0, 1.0]] * 2]
    assert in_two_processes(ADD_UP) == [expected, expected]


ALIGN = """
tensor, column = torch.full((2, 2), float(index)), torch.full((2, 2), float(index)).T[:1]
replicas.align([tensor, column])
found = [tensor.tolist(), column.tolist(), replicas.add_up_array(torch.tensor([1, index]).numpy()).tolist()]
"""


def test_tensors_become_those_of_the_first_process(in_two_processes):
    expected = [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0]], [2, 1]]
    assert in_two_processes(ALIGN) == [expected, expected]


STOPS = """
begun, found = time.monotonic(), None
if index == 1:
    time.sleep(6)
    os._exit(0)
try:
    replicas.add_up(torch.ones(1))
except CorecbenchError as error:
    found = [str(error), time.monotonic() - begun]
"""


def test_a_process_that_does_not_answer_is_an_error_within_the_timeout(in_two_processes):
    (message, seconds), _ = in_two_processes(STOPS, timeout_s=2)
    assert message.startswith("the processes of the cell lost each other: ")
    assert "\n" not in message
    assert seconds < 6


def test_a_process_that_is_gone_is_an_error_at_once(in_two_processes):
    (message, seconds), _ = in_two_processes(STOPS.replace("sleep(6)", "sleep(0.5)"))
    assert message.startswith("the processes of the cell lost each other: ")
    assert seconds < 30


def test_own_draws_differ_between_processes_and_leave_the_common_ones():
    drawn = {}
    for index in range(2):
        torch.manual_seed(3)
        replicas = Replicas(Place(index, 2, "cpu"))
        drawn[index, "common"] = [torch.rand(2).tolist()]
        for _ in range(2):
            with replicas.own_draws():
                drawn.setdefault((index, "own"), []).append(torch.rand(2).tolist())
            drawn[index, "common"].append(torch.rand(2).tolist())
    assert drawn[0, "common"] == drawn[1, "common"]
    torch.manual_seed(3)
    assert drawn[0, "common"] == [torch.rand(2).tolist() for _ in range(3)]
    own = [str(values) for index in range(2) for values in drawn[index, "own"]]
    assert len(set(own)) == 4


def test_the_shares_of_a_batch_are_all_of_its_rows():
    shares = [list(range(7))[Replicas(Place(index, 3, "cpu")).share] for index in range(3)]
    assert shares == [[0, 3, 6], [1, 4], [2, 5]]


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there is a GPU for each process")
def test_processes_without_a_gpu_each_are_refused_in_one_line():
    Place(0, 2, "cpu").check_device()
    with pytest.raises(CorecbenchError, match="processes is 2, and each needs a GPU of its own; this machine has"):
        Place(0, 2, "cuda").check_device()


def test_each_process_has_a_gpu_of_its_own():
    assert [Place(index, 2, "cuda").own_device for index in range(2)] == ["cuda:0", "cuda:1"]
    assert Place(1, 2, "cpu").own_device == "cpu"


def test_the_process_group_ends_with_the_context():
    with joined(Place(0, 1, "cpu"), dist.HashStore(), timeout_s=10) as replicas:
        assert replicas.add_up(torch.ones(2)).tolist() == [1.0, 1.0]
    assert not dist.is_initialized()
