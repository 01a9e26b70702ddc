import pytest

from corecbench.api import DataError, PluginError
from corecbench.plugin.guard import Guarded, guard, owner_of


def raised(error, owner="metric 'a' of plugin p (d 1)"):
    """Return what comes out of a guard that an error is raised in."""
    try:
        with guard(owner, "per_user"):
            raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no\n good"), "ValueError: no good"),
        (SystemExit(3), "SystemExit: 3"),
        (PluginError("no weights"), "no weights"),
    ],
)
def test_an_error_gets_the_names_of_its_owner_and_hook(error, reason):
    caught = raised(error)
    assert str(caught) == f"metric 'a' of plugin p (d 1) failed in per_user: {reason}"
    assert isinstance(caught, PluginError)
    assert caught.__cause__ is error


def test_an_error_that_is_meant_for_the_user_passes():
    error = DataError("line 3")
    assert raised(error) is error


def test_what_an_inner_guard_named_is_not_blamed_on_another_one():
    inner = raised(ValueError("no good"))
    assert raised(inner, owner="domain model 'b' of plugin q (e 2)") is inner


def test_an_interrupt_is_nobody_s_fault():
    with pytest.raises(KeyboardInterrupt), guard("owner", "hook"):
        raise KeyboardInterrupt


class Source:
    k_core = 5

    def items(self):
        return ["a"]


def test_a_guarded_component_is_as_it_was_otherwise():
    guarded = Guarded(Source(), "data set 'a'")
    assert (guarded.items(), guarded.k_core, getattr(guarded, "missing", 0)) == (["a"], 5, 0)
    with pytest.raises(PluginError, match=r"^data set 'a' lacks method interactions$"):
        guarded.interactions()
    assert owner_of(guarded) == "data set 'a'"
    assert owner_of(Source()) == "the Source"
