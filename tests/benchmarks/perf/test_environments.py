"""Peers have environments of their own, by their versions."""

import pytest
from measuring import environments
from measuring.environments import PEERS, REQUIREMENTS, PeerError, install, place, python_of
from measuring.options import Options


@pytest.fixture
def options(tmp_path):
    """Options that install nothing."""
    return Options(True, 1, 1, tmp_path, tmp_path, False, "", True)


def test_a_peer_that_is_not_there_is_none(options):
    assert python_of("recbole", options) is None


def test_a_peer_that_is_there_is_taken(options, tmp_path):
    python = place("rectools", tmp_path) / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert python_of("rectools", options) == python


def test_other_versions_have_another_environment(tmp_path, monkeypatch):
    before = place("rectools", tmp_path)
    (tmp_path / "rectools.txt").write_text("rectools==0.1\n")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    assert place("rectools", tmp_path) != before


def test_every_peer_is_pinned():
    for name, alone in PEERS.items():
        lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert any(line.startswith(name) and "==" in line for line in (*lines, *alone))


def test_an_installation_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(command, peer):
        (tmp_path / "peer").mkdir()
        raise PeerError("no index")

    monkeypatch.setattr(environments, "run_pip", fail)
    with pytest.raises(PeerError, match="no index"):
        install("rectools", tmp_path / "peer", [])
    assert list(tmp_path.iterdir()) == []
