"""Peers have environments of their own, by their versions."""

from dataclasses import replace

import pytest
from measuring import environments
from measuring.environments import PEERS, Peer, PeerError, install, place, python_of
from measuring.options import Options


@pytest.fixture
def options(tmp_path):
    """Options that install nothing."""
    return Options(True, 1, 1, tmp_path, tmp_path, False, "", True)


def test_a_peer_that_is_not_there_is_none(options):
    assert python_of("recbole", options) is None


def test_a_peer_that_is_there_is_taken(options, tmp_path):
    python = place(PEERS["rectools"], tmp_path) / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert python_of("rectools", options) == python


def test_other_versions_have_another_environment(tmp_path):
    rectools = PEERS["rectools"]
    assert place(replace(rectools, requirements=("rectools==0.1",)), tmp_path) != place(rectools, tmp_path)


def test_every_peer_is_pinned():
    for peer in PEERS.values():
        assert any("==" in requirement for requirement in (*peer.requirements, *peer.alone))


def test_an_installation_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(command, peer):
        (tmp_path / "peer").mkdir()
        raise PeerError("no index")

    monkeypatch.setattr(environments, "run_pip", fail)
    with pytest.raises(PeerError, match="no index"):
        install(Peer("some", ()), tmp_path / "peer", [])
    assert list(tmp_path.iterdir()) == []
