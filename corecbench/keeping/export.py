"""Writes a loaded side as a folder that recommends with torch alone: a program of torch.export, and a small module.

B users, L positions of a history, N items, d the width of a state.
"""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import Batch, States, UsageError
from corecbench.keeping import serve
from corecbench.keeping.folder import write_json
from corecbench.keeping.onnx_file import write_onnx
from corecbench.plugin.abilities import recommender_abilities

if TYPE_CHECKING:
    from corecbench.keeping.recommending import LoadedModel

EXAMPLE = 3
"""Length of the history by which the program is traced."""
FEW = 2
"""Users by whom it is traced where their number varies; one would be taken for the only number."""
MOST_USERS = 65_536
"""Most users whom the program takes at once."""

README = """# {name}, {side} side of {cell} on {dataset}

This folder recommends with Python and torch ({torch} or later), and nothing else:

    from serve import Recommender

    recommender = Recommender()
    recommender.recommend([{example!r}], k=10)        # item ids or titles, oldest first
{users}
On the command line:

    python serve.py {quoted}


| file | what it is |
|---|---|
| `serve.py` | the class `Recommender` |
| `model.pt2` | the model, a program of `torch.export` |
| `items.json` | ids and titles; the first item has the index 1, and 0 is padding |
{files}| `facts.json` | what the model is; of a history the latest {max_history} items count |

The program takes users, int64 [{batch}] (0 for a new one), and histories, int64 [{batch}, {length}], padded with 0.
It returns the states of the users, float32 [{batch}, d], and those of all items, float32 [{rows}, d]. A score is
their product.

{onnx}

Load only folders from people you trust: `torch.export.load` can run what is in the file.
"""
USERS = """    recommender.recommend_user({user!r}, k=10)      # a user of the data set, before the last interaction
"""


class Program(torch.nn.Module):
    """A recommender as a function of users' indices and histories."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.model = loaded.model
        self.answer = recommender_abilities(loaded.model).answer

    def forward(self, user: torch.Tensor, history: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the states after the histories, float32 [B, d], and those of all items, float32 [N+1, d].

        Args:
            user: int64 [B].
            history: int64 [B, L], right-padded with 0.
        """
        states = self.answer(Batch(user, history))
        if not isinstance(states, States):
            raise UsageError("it gives scores and no states")
        state = states.user
        if state.dim() == 3:
            last = (history != 0).sum(dim=1).clamp(min=1) - 1  # [B]
            state = state.gather(1, last[:, None, None].expand(-1, -1, state.shape[2])).squeeze(1)
        return state.float(), states.item.float()


def export(loaded: LoadedModel, folder: Path) -> list[str]:
    """Write a side, loaded on the CPU, into a new folder, and return what a user should know.

    Raises:
        UsageError: the folder exists, or torch cannot export the model.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists; choose another folder")
    program, facts = traced(loaded)
    folder.mkdir(parents=True)
    for name, constant in program.constants.items():
        if isinstance(constant, torch.Tensor):
            program.constants[name] = constant.clone()  # torch stores a part of a tensor as the whole tensor
    torch.export.save(program, folder / "model.pt2")
    items, users = loaded.items, loaded.histories()
    write_json(folder / "items.json", {"item_ids": items.item_ids[1:], "titles": items.titles[1:]})
    if users:
        (folder / "users.json").write_text(json.dumps(users, ensure_ascii=False), encoding="utf-8", newline="\n")
    write_json(folder / "facts.json", facts)
    shutil.copyfile(Path(serve.__file__), folder / "serve.py")
    onnx = write_onnx(program, folder / "model.onnx")
    (folder / "README.md").write_text(readme(loaded, facts, users, onnx), encoding="utf-8", newline="\n")
    return [onnx]


def traced(loaded: LoadedModel) -> tuple[torch.export.ExportedProgram, dict[str, Any]]:
    """Return the program of a side, and what it is.

    A model that torch cannot trace for histories of any length, such as a recurrent network, gets them padded. One
    that it cannot trace for several users, such as an LLM, gets them one by one.

    Raises:
        UsageError: torch cannot trace it at all.
    """
    longest = loaded.setup.max_history
    program = Program(loaded).eval()
    errors = []
    lengths = ([None] if longest > EXAMPLE else []) + [longest]
    for batch, length in itertools.product((None, 1), lengths):
        n = batch or FEW
        example = torch.zeros(n, dtype=torch.long), torch.ones(n, length or EXAMPLE, dtype=torch.long)
        users = {} if batch else {0: torch.export.Dim("batch", min=1, max=MOST_USERS)}
        shapes = users, users | ({} if length else {1: torch.export.Dim("length", min=1, max=longest)})
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program(*example)  # what a model keeps between batches is computed before it is traced
                found = torch.export.export(program, example, dynamic_shapes=shapes)
        except Exception as error:
            errors.append(error)
            continue
        return found, {
            "model": loaded.name,
            "side": loaded.side,
            "cell": dict(loaded.cell),
            "max_history": longest,
            "batch": batch,
            "length": length,
            "reads_histories": loaded.reads_histories,
            "knows_users": loaded.knows_users,
        }
    reason = str(errors[-1]).strip().splitlines()[0]
    raise UsageError(f"{loaded.name} cannot be exported ({type(errors[-1]).__name__}: {reason})") from errors[-1]


def readme(loaded: LoadedModel, facts: dict[str, Any], users: dict[str, list[int]], onnx: str) -> str:
    """Return the text that explains the folder."""
    titles = (title for title in loaded.items.titles[1:] if title and title.isprintable() and ";" not in title)
    example = next(titles, loaded.items.item_ids[1])
    files = "| `users.json` | user id -> the user's items, oldest first |\n" if users else ""
    return README.format(
        name=facts["model"],
        side=facts["side"],
        cell=facts["cell"]["name"],
        dataset=facts["cell"]["dataset"],
        torch=torch.__version__.partition("+")[0],
        example=example,
        quoted=shlex.quote(example),
        users=USERS.format(user=next(iter(users))) if users else "",
        batch=facts["batch"] or "B",
        length=facts["length"] or "L",
        rows=len(loaded.items.item_ids),
        files=files,
        max_history=facts["max_history"],
        onnx=onnx,
    )
