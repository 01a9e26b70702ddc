"""Packaged weights come from the hub where it has the same files in time, else from the packages."""

import hashlib
import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from corecbench.api import CorecbenchWarning
from corecbench_plugins.hf_llm import hub_files, packaged_weights, weights
from corecbench_plugins.hf_llm.packaged_weights import PackagedFile, PackagedModel
from corecbench_plugins.hf_llm.weights import model_folder

FILES = {"model.safetensors": b"these are the weights", "config.json": b"{}"}
REVISION = "0" * 40


def sha(content):
    return hashlib.sha256(content).hexdigest()


MODEL = PackagedModel(
    "Toy", "1 kB", ("toy==1.0",), {name: PackagedFile(sha(text), (f"toy/{name}",)) for name, text in FILES.items()}
)


@pytest.fixture
def hub(monkeypatch):
    """A hub on this machine: `hub.files` are those of the model, and `hub.seconds` pass before it answers."""

    class Hub(BaseHTTPRequestHandler):
        files, seconds, asked = dict(FILES), 0.0, []

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def answer(self):
            time.sleep(self.seconds)
            self.asked.append(self.path)
            name = self.path.rpartition("/")[2]
            if self.path.startswith("/api/models/org/toy"):
                content = json.dumps({"id": "org/toy", "sha": REVISION, "siblings": siblings(self.files)}).encode()
            elif name in self.files:
                content = self.files[name]
            else:
                self.send_error(404)
                return
            self.send_response(200)
            for header, value in {"ETag": f'"{sha(content)}"', "X-Repo-Commit": REVISION}.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield Hub
    server.shutdown()
    thread.join()
    server.server_close()


def siblings(files):
    """Return what a hub says of files: the checksum of large ones alone."""
    return [
        {
            "rfilename": name,
            "size": len(content),
            "blobId": "b",
            **({"lfs": {"sha256": sha(content), "size": len(content), "pointerSize": 1}} if name[0] == "m" else {}),
        }
        for name, content in files.items()
    ]


@pytest.fixture
def packages(monkeypatch):
    """Let the packages be not installed, and note when they are downloaded: they hold the same files."""
    used = []

    def download(model, folder, progress):
        used.append(model.title)
        folder.mkdir()
        for name, content in FILES.items():
            (folder / name).write_bytes(content)

    monkeypatch.setattr(packaged_weights, "path_of", lambda member: None)
    monkeypatch.setattr(weights, "write_files", download)
    monkeypatch.setattr(weights, "PACKAGED", {"toy": replace(MODEL, hub="org/toy")})
    return used


def written(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


def test_the_hub_is_asked_first_and_its_files_are_checked(hub, packages, tmp_path):
    assert written(model_folder("toy", tmp_path, lambda *_: None)) == FILES
    assert packages == []
    assert any("resolve" in path for path in hub.asked)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [f"toy-{MODEL.sha256[:16]}"]


@pytest.mark.parametrize("name", FILES)
def test_other_files_on_the_hub_are_named_and_not_used(hub, packages, tmp_path, name):
    hub.files = FILES | {name: b"others"}
    with pytest.warns(CorecbenchWarning, match=f"{name} of org/toy on the hub is not the file that Toy is here"):
        assert written(model_folder("toy", tmp_path, lambda *_: None)) == FILES
    assert packages == ["Toy"]
    assert (name == "model.safetensors") == (not any("resolve" in path for path in hub.asked))  # nothing was loaded


def test_a_hub_that_is_slow_costs_its_seconds(hub, packages, tmp_path, monkeypatch):
    hub.seconds = 1.5
    monkeypatch.setattr(hub_files, "TIMEOUT_S", 0.2)
    started = time.monotonic()
    assert written(model_folder("toy", tmp_path, lambda *_: None)) == FILES
    assert time.monotonic() - started < 1.2
    assert packages == ["Toy"]


@pytest.mark.parametrize("fault", ["unreachable", "without the file", "offline"])
def test_without_the_hub_the_packages_are_used(hub, packages, tmp_path, monkeypatch, fault):
    if fault == "unreachable":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    elif fault == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    else:
        hub.files = {"model.safetensors": FILES["model.safetensors"]}
    assert written(model_folder("toy", tmp_path, lambda *_: None)) == FILES
    assert packages == ["Toy"]


def test_a_model_whose_packages_are_installed_asks_no_hub(hub, packages, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "is_installed", lambda model: True)
    model_folder("toy", tmp_path, lambda *_: None)
    assert packages == ["Toy"]
    assert hub.asked == []


def test_the_checksums_of_the_default_llm_name_its_cells_whatever_the_source():
    """A change of the source must change no hash: these are the checksums that published results have."""
    assert packaged_weights.PACKAGED["smollm2-135m-instruct"].sha256.startswith("b179c9523d0e6a0f")
