"""Imports run in one direction through the package, and reading a file brings in no network library."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, NOTEBOOKS = ROOT / "hepae", ROOT / "nbs"

# a wing imports those before it; within a wing a module imports those with lower numbers
WINGS = [
    "core", "variables", "columns", "event_rows", "schema", "dataset", "arguments", "names", "physics", "metrics",
    "toy", "io", "hepmc", "plots", "learning", "codec", "codec.learned", "files", "report", "bench", "cli",
]
# of learning, what prepares tables without a network
PREPARES = {
    "learning.ranges",
    "learning.quantile", "learning.prep", "learning.coordinates", "learning.architecture", "learning.config",
}
# of the wings above learning, what needs no network
JUDGES = {
    "report.layout", "report.page", "report.event_chunks", "report.compare", "report.event_tables",
    "report.event_report", "report.two_tables", "bench.rounding", "bench.compressors", "bench.rivals", "bench.estimate",
    "bench.contestants", "bench.race", "bench.race_page", "bench.equal_bytes", "bench.particle_bytes",
    "bench.points", "cli.options", "cli.tables", "cli.networks", "cli.analysis", "cli.compression_texts",
    "cli.compression",
    "cli.comparison", "cli.summary", "cli.main", "cli.contents_text", "cli.inspection", "cli.training_options",
}
HEAVY = ("torch", "fastai", "torchvision")


def module_name(path: Path) -> str:
    "Of a file of the package: io.root."
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {module_name(p): p for p in sorted(PACKAGE.rglob("*.py")) if not p.stem.startswith("_")}


def exported(notebook: Path) -> str | None:
    "The module that a notebook exports."
    found = re.search(r"#\| default_exp ([\w.]+)", notebook.read_text())
    return found and found[1]


SOURCES = {name: p for p in sorted(NOTEBOOKS.rglob("*.ipynb")) if (name := exported(p))}


def wing_of(module: str) -> str:
    "io.root → io; core → core."
    return module if module in WINGS else module.rpartition(".")[0]


def place(module: str) -> tuple[int, int]:
    "Where a module stands: its wing, and the number of its notebook."
    return WINGS.index(wing_of(module)), int(SOURCES[module].name.partition("_")[0])


def is_light(module: str) -> bool:
    "Does it do its work without torch and fastai?"
    if wing_of(module) in ("learning", "codec.learned", "report", "bench", "cli"):
        return module in PREPARES | JUDGES
    return True


def targets(node: ast.AST, module: str) -> set[str]:
    "Dotted names that an import statement of a module may mean, without hepae."
    if isinstance(node, ast.Import):
        return {a.name.removeprefix("hepae.") for a in node.names if a.name.startswith("hepae.")}
    if not isinstance(node, ast.ImportFrom):
        return set()
    stem = node.module or ""
    if node.level:
        stem = ".".join([*module.split(".")[: -node.level], stem]).strip(".")
    elif stem.split(".")[0] == "hepae":
        stem = stem.removeprefix("hepae").strip(".")
    else:
        return set()
    return {stem} | {f"{stem}.{a.name}".strip(".") for a in node.names}


def imported(module: str) -> set[str]:
    "The modules of the package that a module imports, at any place in it."
    nodes = ast.walk(ast.parse(MODULES[module].read_text()))
    return set().union(*(targets(node, module) for node in nodes)) & set(MODULES)


def test_a_notebook_stands_where_its_module_does():
    "nbs/<wing>/NN_name.ipynb exports hepae/<wing>/name.py, and each number is given once."
    assert sorted(SOURCES) == sorted(MODULES)
    for module, path in SOURCES.items():
        number, _, name = path.relative_to(NOTEBOOKS).with_suffix("").as_posix().rpartition("/")[2].partition("_")
        folder = ".".join(path.relative_to(NOTEBOOKS).parent.parts)
        assert number.isdigit() and f"{folder}.{name}".strip(".") == module, path
    assert len({place(m) for m in MODULES}) == len(MODULES)


def test_the_map_is_true():
    "CONTRIBUTING.md draws today's wings, imports and modules; `make map` mends it."
    import draw_map

    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert draw_map.with_map(contributing) == contributing


@pytest.mark.parametrize("module", MODULES)
def test_directions(module):
    "A module imports only those before it."
    assert [m for m in imported(module) if place(m) >= place(module)] == []


@pytest.mark.parametrize("module", [m for m in MODULES if is_light(m)])
def test_what_is_light_imports_nothing_heavy(module):
    "At the top of a module, where importing it imports them."
    tree = ast.parse(MODULES[module].read_text())
    at_top = set().union(*(targets(node, module) for node in tree.body)) & set(MODULES)
    assert [m for m in at_top if not is_light(m)] == []


def loaded(code: str) -> set[str]:
    "The top-level packages in memory after running `code` in a fresh process."
    code += "\nimport sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_light_modules():
    "Reading, writing, compressing and judging tables needs no torch."
    found = loaded("\n".join(f"import hepae.{m}" for m in MODULES if is_light(m)))
    assert not found & set(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "data/jets.root"], ["train", "--help"]])
def test_light_commands(arguments):
    "--help and inspect import neither torch nor fastai; --help not even pandas."
    code = (
        f"import os; os.chdir({str(ROOT)!r})\nfrom hepae.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as e: assert not e.code, e.code"
    )
    heavy = set(HEAVY) | ({"pandas", "uproot", "matplotlib"} if "--help" in arguments else set())
    assert not loaded(code) & heavy


def test_training_imports_no_compiler():
    "torch._dynamo, with the sympy it needs, takes a second, and compiles nothing here."
    code = (
        "import numpy as np, pandas as pd\nfrom hepae.learning.table_learner import ae_learner\n"
        "rows = np.random.default_rng(0).normal(size=(200, 4)).astype('float32')\n"
        "jets = pd.DataFrame(rows, columns=['m', 'pt', 'phi', 'eta'])\n"
        "learn = ae_learner(jets, 'AE_3D_small', progress=False, preview=False)\n"
        "learn.fit_one_cycle(1, 1e-3)\nlearn.opt.load_state_dict(learn.opt.state_dict())"
    )
    assert not {"sympy"} & loaded(code)


def test_old_names_still_import():
    "A module that has moved is found under its old name, with a warning that says the new one."
    from hepae._moved import MOVED

    assert set(MOVED.values()) <= set(MODULES) and not set(MOVED) & set(MODULES)
    with pytest.warns(DeprecationWarning, match="hepae.files.reading now"):
        import hepae.io.files as old
    import hepae.files.reading

    assert old is hepae.files.reading and old.__spec__.name == "hepae.files.reading"
    with pytest.raises(ModuleNotFoundError):
        import hepae.io.nothing  # noqa: F401


def test_nothing_imports_torchvision():
    "torchvision's CPU build does not import everywhere, and nothing here needs it."
    assert "torchvision" not in loaded("import hepae.learning.learner, hepae.report.analysis")
