"""No algorithm changes unless its number is counted up, or somebody states that all ranks stay the same."""

import algorithms
import pytest
from algorithms import Digest, advice, digest_of, digests, modules, not_counted, stored


def test_no_algorithm_has_changed_without_being_counted_up():
    names = not_counted(stored(), digests())
    assert not names, advice(names)


def test_the_digests_are_those_of_the_present_code():
    assert stored() == digests(), "run: python benchmarks/algorithms.py"


def test_every_module_that_trains_or_ranks_belongs_to_an_algorithm():
    known = {path for paths in modules().values() for path in paths} | set(algorithms.NO_RANKS)
    folders = ("corecbench/training", "corecbench/evaluation")
    files = [path for folder in folders for path in (algorithms.ROOT / folder).glob("*.py")]
    found = {str(path.relative_to(algorithms.ROOT)) for path in files if path.name != "__init__.py"}
    assert found <= known, f"{sorted(found - known)}: name them in CORE or NO_RANKS of benchmarks/algorithms.py"


CODE = '''
def add(a, b):
    """Return the sum."""
    return a + b
'''


@pytest.mark.parametrize("same", [CODE.replace("sum", "total"), CODE + "# a comment", CODE.replace("+", " +  ")])
def test_docstrings_comments_and_blanks_are_no_code(same):
    assert digest_of([same]) == digest_of([CODE])


@pytest.mark.parametrize("other", [CODE.replace("+", "-"), CODE.replace("b)", "b=1)"), CODE + "add(1, 2)"])
def test_any_other_change_is_code(other):
    assert digest_of([other]) != digest_of([CODE])


def test_a_change_without_a_new_number_is_found():
    before = {"a": Digest(1, "x"), "b": Digest(1, "x"), "c": Digest(1, "x")}
    now = {"a": Digest(1, "y"), "b": Digest(2, "y"), "c": Digest(1, "x"), "new": Digest(1, "x")}
    assert not_counted(before, now) == ["a"]


def test_the_digests_are_not_written_where_a_number_is_to_be_counted_up(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(algorithms, "FILE", tmp_path / "algorithms.json")
    monkeypatch.setattr(algorithms, "digests", lambda: {"a": Digest(1, "x")})
    assert algorithms.main([]) == 0
    monkeypatch.setattr(algorithms, "digests", lambda: {"a": Digest(1, "y")})
    assert algorithms.main([]) == 1
    assert "count the number up" in capsys.readouterr().err
    assert algorithms.stored() == {"a": Digest(1, "x")}
    assert algorithms.main(["--same-ranks"]) == 0
    assert algorithms.stored() == {"a": Digest(1, "y")}
