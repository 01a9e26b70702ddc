import ast
import importlib.util
import re
import subprocess
import sys
import tomllib

import pytest

from corecbench.api import UsageError
from corecbench.plugin.host import Host
from corecbench.plugin.kinds import WORDS
from corecbench.scaffold import USES, module_name, write_project

KINDS = sorted(WORDS)
KIND_CLASSES = {
    "model": "DomainModelComponent",
    "llm": "LlmComponent",
    "sharing": "SharingComponent",
    "control": "ControlComponent",
    "dataset": "DatasetComponent",
    "metric": "MetricComponent",
    "reporter": "ReporterComponent",
    "tracker": "TrackerComponent",
}
LINES = {
    "model": 40,
    "llm": 60,
    "sharing": 70,
    "control": 30,
    "dataset": 40,
    "metric": 30,
    "reporter": 30,
    "tracker": 40,
}


def run_test_file(path):
    """Run the cases of a generated test file in this process; return the number of cases that did not apply."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (mark,) = module.test_conformance.pytestmark
    skipped = 0
    for check in mark.args[1]:
        try:
            module.test_conformance(check)
        except pytest.skip.Exception:
            skipped += 1
    return skipped


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Write a project and let it be found as if it were installed in place: `installed(kind)`."""

    def write(kind, name="my-thing"):
        folder = write_project(name, kind, tmp_path)
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        metadata = folder / f"{module_name(name)}-{project['project']['version']}.dist-info"
        metadata.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['project']['version']}\n"
        (metadata / "METADATA").write_text(head)
        points = project["project"]["entry-points"]["corecbench"]
        lines = [f"{key} = {value}" for key, value in points.items()]
        (metadata / "entry_points.txt").write_text("\n".join(["[corecbench]", *lines, ""]))
        monkeypatch.syspath_prepend(folder)
        return folder

    yield write
    sys.modules.pop("my_thing", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_project_is_found_and_passes_its_test(installed, monkeypatch, cache, kind):
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    folder = installed(kind)
    listed = {component.name: str(info) for component, info in Host.discover().list(WORDS[kind])}
    assert listed["my-thing"] == "my-thing (my-thing 0.1.0)"
    assert run_test_file(folder / "test_my_thing.py") <= 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_short_and_imports_the_contract_only(tmp_path, kind):
    source = (write_project("my-thing", kind, tmp_path) / "my_thing.py").read_text()
    imports = [line.split()[1] for line in source.splitlines() if re.match(r"(from|import) corecbench", line)]
    assert imports == ["corecbench.api"]
    assert len(source.splitlines()) <= LINES[kind]
    assert "plugname" not in source.lower()
    assert ast.get_docstring(ast.parse(source)).startswith("my-thing: ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_function_of_a_new_plugin_says_its_types(tmp_path, kind):
    tree = ast.parse((write_project("my-thing", kind, tmp_path) / "my_thing.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        assert function.returns is not None, function.name
        assert all(argument.annotation for argument in function.args.args if argument.arg != "self"), function.name


@pytest.mark.parametrize("kind", KINDS)
def test_the_hook_of_a_new_plugin_returns_the_class_of_its_kind(tmp_path, kind):
    tree = ast.parse((write_project("my-thing", kind, tmp_path) / "my_thing.py").read_text())
    (hook,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)
    assert ast.unparse(hook.returns) == f"list[{KIND_CLASSES[kind]}]"


def test_a_project_is_named_throughout(tmp_path):
    folder = write_project("my-auc", "metric", tmp_path)
    assert folder == tmp_path / "my-auc"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "my_auc.py",
        "pyproject.toml",
        "test_my_auc.py",
    ]
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "my-auc"
    assert project["project"]["entry-points"]["corecbench"] == {"my-auc": "my_auc"}
    assert project["tool"]["setuptools"]["py-modules"] == ["my_auc"]
    assert "class MyAucMetric:" in (folder / "my_auc.py").read_text()
    assert "corecbench check my-auc" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("metric", "metric"),
        ("model", "batch"),
        ("sharing", "turn"),
        ("reporter", "report"),
        ("dataset", "component"),
    ],
)
def test_a_name_of_the_contract_harms_nothing(tmp_path, kind, name):
    source = (write_project(name, kind, tmp_path) / f"{name}.py").read_text()
    tree = ast.parse(source)
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not imported & {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


@pytest.mark.parametrize("name", ["", "My-Model", "1st", "a b", "../x", "class", "-x", "x-", "a--b", "modèle"])
def test_a_name_that_no_package_can_have_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="is no name of a package; allowed are"):
        write_project(name, "model", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["torch", "json", "corecbench", "corecbench-plugins"])
def test_the_name_of_another_package_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="is the name of a package that is there already"):
        write_project(name, "model", tmp_path)


def test_an_existing_folder_is_left_as_it_is(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="mine exists; choose another name, or another folder by --out"):
        write_project("mine", "model", tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []


def test_every_kind_has_a_template_and_a_use():
    assert sorted(USES) == KINDS


@pytest.mark.slow
def test_a_project_is_installed_and_tested_as_its_readme_says(tmp_path):
    """What `pip install -e . && pytest` does, into a folder of its own instead of the environment."""
    folder, target = write_project("my-thing", "metric", tmp_path), tmp_path / "target"
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), "-e", "."]
    subprocess.run(command, cwd=folder, check=True)
    code = f"import site, sys; site.addsitedir({str(target)!r}); import pytest; sys.exit(pytest.main(['-q']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed, 2 skipped" in done.stdout
