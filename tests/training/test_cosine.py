"""Under a module that wishes it, both sides score by cosines, also where they are kept and loaded."""

import torch
from torch.nn.functional import normalize

from corecbench.api import Batch
from corecbench.keeping.kept import KeptAs, keep_side
from corecbench.keeping.loading import build
from corecbench.training.frozen import evaluate


def test_both_sides_of_a_pair_score_by_cosines_and_are_loaded_so(solo, joined, monkeypatch, host):
    monkeypatch.setattr("corecbench_plugins.sharing.none.Private.cosine_temperature", 0.1, raising=False)
    _, _, start = solo("sasrec")
    training, sides, _ = joined("sasrec", "none", start, start="new", warm_up_epochs=1, rounds=1)
    batch = Batch(torch.tensor([1, 2]), torch.tensor([[1, 2], [3, 0]]))
    for side_training in sides.values():
        evaluate(side_training.model)
        states, plain = (model.states(batch) for model in (side_training.model, side_training.model.model))
        cosine = normalize(plain.user, dim=-1) @ normalize(plain.item).T
        assert torch.allclose(states.user @ states.item.T, 10 * cosine, atol=1e-5)
    model = sides["domain"].model
    kept_as = KeptAs("domain", start.selected, {}, training.setup, None)
    kept = keep_side(model, kept_as, training.split)
    assert kept.facts["cosine_temperature"] == 0.1
    loaded = build(host, start.selected, training.setup, kept)
    assert torch.equal(loaded.states(batch).user, model.states(batch).user)
