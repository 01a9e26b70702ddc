"""Trains or evaluates the LLM alone: `llm_step.py FOLDER titles|item-tokens|plain train|evaluate N DTYPE`.

Training makes two passes over N histories; the second, for which the prompts are known, is what counts. Evaluation
ranks N users twice in the same way.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from measuring.clock import report, timed
from torch import nn
from torch.nn.functional import cross_entropy

from corecbench.api import Batch, Recommender, States
from corecbench.evaluation.ranking import rank_task
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.abilities import recommender_abilities
from corecbench.training.losses import standard_loss
from sides.llm_work import LEARNING_RATE, LlmWork
from sides.plain_llm import PlainTitles

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARIES = ("corecbench", "torch", "transformers", "peft")


def last_targets(batch: Batch) -> torch.Tensor:
    """Return the last target of each window, int64 [B]."""
    if batch.target is None:
        raise ValueError("a window without targets")
    n_targets = (batch.target != 0).sum(dim=1, keepdim=True)
    return batch.target.gather(1, n_targets - 1).squeeze(1)


def main(folder: Path, side: str, what: str, n: int, dtype: str) -> None:
    """Train or evaluate, and report what the second pass took."""
    keep_freed_memory()
    work = LlmWork.load(folder)
    built = work.build("titles" if side == "plain" else side, dtype)
    model: nn.Module = PlainTitles(work, dtype, built) if side == "plain" else built

    def states(batch: Batch) -> States:
        return States(*model(batch.history)) if side == "plain" else built.states(batch)

    training = work.training(built, side, dtype) if side != "plain" else None

    def loss_of(batch: Batch) -> torch.Tensor:
        if training is not None and dtype != "float32":
            return training.loss(torch.empty(0), batch, None, None)
        of_batch = states(batch)
        if training is not None:
            return standard_loss(batch, of_batch)  # without the lower precision that a training may choose
        return cross_entropy(of_batch.user @ of_batch.item[1:].T, last_targets(batch) - 1)

    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.0, fused=True)
    losses: list[float] = []

    def train() -> None:
        model.train()
        for batch in work.batches(n):
            loss = loss_of(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    def evaluate() -> np.ndarray:
        model.eval()
        with torch.no_grad():
            answer = states if side == "plain" else recommender_abilities(cast("Recommender", built)).answer
            return rank_task(answer, work.task(n), batch_size=64).rank

    operation: Callable[[], object] = train if what == "train" else evaluate
    _, first = timed(operation)
    value, cost = timed(operation)
    facts = {"ranks": value.tolist()} if isinstance(value, np.ndarray) else {"losses": losses}
    done = min(n, len(work.interactions.users)) if what == "evaluate" else sum(len(b.user) for b in work.batches(n))
    report(cost, LIBRARIES, first_pass_cpu_s=first.cpu_s, histories_per_cpu_s=done / cost.cpu_s, **facts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
