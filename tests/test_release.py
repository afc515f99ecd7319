"""What a release is made of agrees with itself: versions, requirements, what the distributions hold."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

import hepae

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def facts():
    "settings.ini"
    config = ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini", encoding="utf-8")
    return config["DEFAULT"]


@pytest.fixture(scope="module")
def recipe():
    "The conda recipe, its {{ expressions }} as text."
    return yaml.safe_load((ROOT / "conda/recipe.yaml").read_text())


def test_one_version(facts, recipe):
    "Package, settings, recipe, citation and the newest entry of the changes say the same."
    changes = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    assert {facts["version"], recipe["context"]["version"], citation, changes} == {hepae.__version__}


def test_recipe_asks_for_what_the_package_needs(facts, recipe):
    "Names and least versions of settings.ini."
    asked = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert asked == {*facts["requirements"].split(), f"python>={facts['min_python']}"}


def test_recipe_renders():
    "By rattler-build, for one version of Python."
    rattler_build = pytest.importorskip("rattler_build")
    stage = rattler_build.Stage0Recipe.from_file(ROOT / "conda/recipe.yaml")
    (variant,) = stage.render(rattler_build.VariantConfig({"python": ["3.11.*"]}))
    assert str(variant.recipe.package.name) == "hepae"


def test_the_core_needs_neither_networks_nor_pictures(facts):
    "The requirements are those of the modules that compress; what only trains or draws is an extra."
    heavy = {"torch", "fastai", "matplotlib", "scipy", "seaborn", "scikit-learn", "pythia8mc"}
    assert not heavy & {re.match(r"[\w-]+", need)[0] for need in facts["requirements"].split()}


def test_every_package_that_is_imported_is_asked_for(facts):
    "At the top of any module or inside it; by the package's requirements or an extra's."
    needs = " ".join(value for name, value in facts.items() if name.endswith("requirements"))
    asked = {re.match(r"[\w-]+", need)[0].replace("-", "_") for need in needs.split()}
    called = {"sklearn": "scikit_learn", "pythia8": "pythia8mc", "PIL": "matplotlib", "markupsafe": "jinja2",
              "ROOT": "root", "IPython": "jupyterlab", "fsspec": "uproot", "cramjam": "uproot", "xxhash": "uproot",
              "pysz": "pysz", "dask": "distributed"}
    found = set()
    for path in (ROOT / "hepae").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    found -= set(sys.stdlib_module_names) | {"hepae"}
    assert sorted(name for name in found if called.get(name, name) not in asked) == []


def test_sources_build(tmp_path):
    "The source distribution has what setup.py reads, the C files with their headers, and py.typed."
    command = [sys.executable, "setup.py", "-q", "egg_info", "-e", str(tmp_path), "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    patterns = ("*.py", "*.c", "*.h")
    sources = {p.relative_to(ROOT).as_posix() for pattern in patterns for p in (ROOT / "hepae").rglob(pattern)}
    assert {"settings.ini", "hepae/py.typed", "README.md", "LICENSE", "FORMAT.md"} | sources <= names


def test_nbdev_3_reads_the_same(facts):
    "[tool.nbdev] says what settings.ini says."
    modern = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["nbdev"]
    for name in ("lib_path", "nbs_path", "doc_path", "recursive", "tst_flags", "clean_ids", "jupyter_hooks"):
        assert str(modern[name]) == {"True": "True", "False": "False"}.get(facts[name], facts[name])
