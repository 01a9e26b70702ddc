"""One search: its trials, each trained as a run trains, on a split without the test items."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corecbench.api import CorecbenchError, PluginError, Setup, UsageError
from corecbench.data.reduction import NOTHING_LEFT_OUT, Reduction
from corecbench.evaluation.protocol import sampled_users
from corecbench.experiment.algorithms import version_of
from corecbench.experiment.cells import cell_name, digest_of, settings_of
from corecbench.plugin.search_space import holds, shown_space
from corecbench.toolkit import cache_folder
from corecbench.tuning.space import space_of, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import optuna
    from optuna.trial import Trial

    from corecbench.api import Catalog
    from corecbench.data.loaded import SplitDataset
    from corecbench.data.split import Split
    from corecbench.plugin.host import Host
    from corecbench.plugin.search_space import Mark
    from corecbench.plugin.selected import Selected
    from corecbench.settings.config import RunConfig

START_TRIALS = 6
"""The default settings and then random ones, before the sampler learns from what there is."""
INTERRUPTED = "interrupted"
"""How a trial ends that the user stopped."""


@dataclass(frozen=True, eq=False)
class ValidationData:
    """A data set whose test items are gone."""

    name: str
    catalog: Catalog
    split: Split
    """It holds nothing of the stage "test"."""
    fingerprint: str
    """That of the split with its test items."""
    reduction: Reduction = NOTHING_LEFT_OUT
    """What training does not see."""
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its component -> the settings that the user gave, such as the names of columns."""

    @classmethod
    def of(cls, data: SplitDataset, config: RunConfig) -> ValidationData:
        whole = data.split
        split = dataclasses.replace(whole, held={"validation": whole.held["validation"].apart()})
        of_file = data.given(config)
        return cls(data.whole_name, data.catalog, split, whole.fingerprint, data.reduction, of_file)

    @property
    def shown(self) -> str:
        return self.reduction.name_of(self.name)


@dataclass(frozen=True)
class Search:
    """A model alone, or in a pair, and what is searched of it."""

    host: Host
    data: ValidationData
    config: RunConfig
    model: str
    llm: str | None = None
    """The LLM of the pair; None for the model alone."""
    sharing: str | None = None
    seed: int = 0
    trial_s: float = float("inf")
    """After so many seconds a trial ends with the best that it reached."""
    searches_sharing: bool = True
    """Whether settings of the sharing module are searched, too."""
    first: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    """What is tried before the defaults."""

    def begun_with(self, settings: Mapping[str, Mapping[str, Any]]) -> Search:
        """Return the search with one more first trial: these settings, and the defaults of all others.

        Settings of components that are not searched are left aside.

        Raises:
            UsageError: a value is not in the space of its setting.
        """
        given = {}
        for label, space in self.spaces.items():
            for name, value in settings.get(label, {}).items():
                if name not in space or not holds(space[name], value):
                    allowed = shown_space(space[name]) if name in space else f"settings {', '.join(space)}"
                    raise UsageError(f"--first {label}.{name}={value} is not among what is searched: {allowed}")
                given[f"{label}.{name}"] = value
        return dataclasses.replace(self, first=[*self.first, self.defaults | given]) if given else self

    @property
    def parts(self) -> dict[str, Selected]:
        return {label: self.select(kind, label, {}) for kind, label in self.labels}

    @property
    def labels(self) -> list[tuple[str, str]]:
        pair = [("llms", self.llm), ("sharing", self.sharing)] if self.llm is not None else []
        return [(kind, label) for kind, label in [("models", self.model), *pair] if label is not None]

    @property
    def given(self) -> Mapping[str, Mapping[str, Any]]:
        on = self.config.settings_on if self.llm is None else self.config.settings_in_pairs_on
        return on(self.data.name)

    @property
    def spaces(self) -> dict[str, dict[str, Mark]]:
        """Component -> setting -> what is tried for it; of the LLM nothing."""
        searched = [self.model, *([self.sharing] if self.llm is not None and self.searches_sharing else [])]
        variants = {name: variant.settings for name, variant in self.config.variants.items()}

        def given(label: str, part: Selected) -> dict[str, Any]:
            return {**self.given.get(part.name, {}), **variants.get(label, {}), **self.given.get(label, {})}

        return {
            label: space_of(part, given(label, part)) for label, part in self.parts.items() if label in searched
        }

    @property
    def has_space(self) -> bool:
        return any(self.spaces.values())

    @property
    def name(self) -> str:
        """The name of the study. Trials of one name are comparable: same data, defaults, spaces and versions."""
        decisive = {
            "data": self.data.fingerprint,
            "texts": self.config.item_text_on(self.data.name),
            "parts": {label: [settings_of(part), version_of(part)] for label, part in self.parts.items()},
            "spaces": {label: repr(space) for label, space in self.spaces.items()},
            "max_history": self.max_history,
            "device": self.config.device,
            **self.data.reduction.fields(),
            **({"selection": self.config.selection} if self.data.reduction else {}),
            **({"validation": n_users} if (n_users := sampled_users(self.data.split, self.config)) else {}),
        }
        parts = "+".join(label for _, label in self.labels)
        return f"{self.data.name}/{parts}/seed-{self.seed}/{digest_of(decisive)}"

    @property
    def max_history(self) -> int:
        return self.config.max_history_on(self.data.name)

    def select(self, kind: str, label: str, settings: Mapping[str, Any]) -> Selected:
        under = dict(self.given)
        under[label] = {**under.get(label, {}), **settings}
        return self.host.select(kind, label, under, self.config.variants, self.data.catalog.n_items)

    @property
    def defaults(self) -> dict[str, Any]:
        parts = self.parts
        return {
            f"{label}.{name}": value
            for label, space in self.spaces.items()
            for name, mark in space.items()
            if holds(mark, value := getattr(parts[label].config, name))
        }

    def objective(self, trial: Trial, deadline_s: float) -> float:
        """Train under settings that a trial suggests; return the domain model's best NDCG@10 on validation.

        The deadline is on the clock of `time.monotonic`.
        """
        import optuna

        trial.study.sampler = sampler(self.seed, trial.number)
        trial.set_user_attr("pid", os.getpid())
        parts = self.parts
        settings = {
            label: suggest(trial, label, space, parts[label].config) for label, space in self.spaces.items()
        }
        trial.set_user_attr("settings", settings)
        started, best = time.monotonic(), 0.0

        def on_epoch(record: Any) -> None:
            nonlocal best
            now = time.monotonic()
            if record["side"] == "domain":
                best = max(best, record["validation"])
                trial.report(record["validation"], record["epoch"])
            if now >= deadline_s:
                raise ended(trial, "cut off")
            if trial.should_prune():
                raise ended(trial, "pruned")
            if now - started >= self.trial_s:
                raise OutOfTimeError

        try:
            self.train(settings, on_epoch)
        except OutOfTimeError:
            trial.set_user_attr("state", "out of time")
        except KeyboardInterrupt:
            trial.study.stop()
            raise ended(trial, INTERRUPTED) from None
        except optuna.TrialPruned:
            raise
        except CorecbenchError as error:
            if isinstance(error, PluginError | UsageError):
                raise
            raise ended(trial, "diverged") from error
        return best

    def train(self, settings: Mapping[str, Mapping[str, Any]], on_epoch: Callable[[Any], None]) -> None:
        """Train the model, alone or in its pair, as a run does."""
        from corecbench.training.cell import CellTraining
        from corecbench.training.pair import Learnt, Pair, Solo, train_pair

        metric = self.host.build(self.host.select("metrics", "NDCG@10", {}))
        model, *others = (self.select(kind, label, settings.get(label, {})) for kind, label in self.labels)
        name = cell_name([model, *others])
        sampled = sampled_users(self.data.split, self.config)
        training = CellTraining(self.host, self.setup, self.data.split, name, metric, sampled_users=sampled)
        if not others:
            side = training.train_solo("domain", model, on_epoch)
            if side.epochs == 0:  # a model without training: what it is worth is all there is to tell
                side.finish()
                on_epoch({"side": "domain", "epoch": 0, "validation": side.best_value})
            return
        llm, sharing = others

        def learnt() -> Learnt:
            raise UsageError(starts_alone(sharing.label))

        train_pair(training, Pair(model, llm, sharing), Solo(model, learnt), on_epoch)

    @property
    def setup(self) -> Setup:
        return Setup(self.data.catalog, self.max_history, self.seed, self.config.device, cache_folder())

    def check(self) -> None:
        """Raise a UsageError if there is nothing to search, or what is searched cannot be trained."""
        from corecbench.plugin.abilities import sharing_abilities

        model = self.parts[self.model]
        if model.component.config is None:
            raise UsageError(f"{self.model} has no settings, so there is nothing to tune")
        if not self.has_space:
            raise UsageError(f"there is nothing to search: {', '.join(map(self.why_no_space, self.spaces))}")
        if self.llm is None or self.sharing is None:
            return
        if not model.joint:
            raise UsageError(f"{self.model} takes no ids from outside, so it has no pairs; leave --llm out")
        module = self.host.build(self.parts[self.sharing], self.setup)
        if sharing_abilities(module).start_from != "new":
            raise UsageError(starts_alone(self.sharing))

    def why_no_space(self, label: str) -> str:
        some = space_of(self.parts[label], {})
        return f"every one of {label} is given" if some else f"{label} has no setting that is searched"


def starts_alone(sharing: str) -> str:
    return (
        f"pairs of {sharing} start from what the domain model learnt alone, so its settings cannot be searched in "
        "them; choose a module that starts anew, or leave --llm out"
    )


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return what suggests the settings of a trial.

    It is seeded by the trial's number, so that neither a resumed search nor a second process repeats suggestions.
    """
    from optuna.samplers import TPESampler

    return TPESampler(n_startup_trials=START_TRIALS, seed=1_000_003 * seed + number)


def ended(trial: Trial, state: str) -> Exception:
    import optuna

    trial.set_user_attr("state", state)
    return optuna.TrialPruned(state)


class OutOfTimeError(Exception):
    """A trial has had its time."""
