"""The generated modules stand on their own: no name that only a notebook's hidden cell imported, nothing imported
in vain. What a function accepts can be read from its signature."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def ruff(rules: str, *places: str) -> subprocess.CompletedProcess:
    "Ruff's findings by these rules alone."
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", rules, *places]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_names():
    "ruff's pyflakes rules find nothing in hepae/, tests/ and the studies' scripts."
    found = ruff("F", "hepae", "tests", "docs", "4D", "27D", "hepmc")
    assert found.returncode == 0, found.stdout


def test_line_length():
    "At most 120 characters, in every cell and script; modules are made of the cells."
    found = ruff("E501", "nbs", "tests", "docs", "4D", "27D", "hepmc", "hepae/_moved.py")
    assert found.returncode == 0, found.stdout


def test_notebooks_show_no_warnings_and_no_machine():
    """What was printed to standard error, a traceback or a place on the disk of whoever ran it has no place in a
    committed notebook."""
    for path in sorted(p for folder in ("nbs", "4D", "27D", "hepmc") for p in (ROOT / folder).rglob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            for out in cell.get("outputs", []):
                assert out.get("name") != "stderr" and out["output_type"] != "error", (path.name, out)
                assert str(ROOT) not in json.dumps(out), (path.name, str(ROOT))


def hides_arguments(node: ast.AST) -> bool:
    "Does a public function hand arguments on that neither it nor a decorator names?"
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not node.args.kwarg:
        return False
    name = node.args.kwarg.arg
    handed_on = [k for k in ast.walk(node) if isinstance(k, ast.keyword) and k.arg is None]
    named = any("arguments_of" in ast.unparse(d) or "wraps" in ast.unparse(d) for d in node.decorator_list)
    return not named and any(isinstance(k.value, ast.Name) and k.value.id == name for k in handed_on)


def test_signatures_show_every_argument():
    "A public function names its arguments, or says by @arguments_of whose they are."
    hidden = [
        f"{path.relative_to(ROOT)}: {node.name}(**{node.args.kwarg.arg})"
        for path in sorted((ROOT / "hepae").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if hides_arguments(node)
    ]
    assert not hidden


MOST_LINES, MOST_OF_A_CELL = 300, 50


def cells_of(module: str) -> list[str]:
    "The exported cells of a module, without the line that names each."
    parts = re.split(r"^# %% .*\n", module, flags=re.M)
    return [part.strip("\n") for part in parts[2:]]


@pytest.mark.parametrize("path", sorted((ROOT / "hepae").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_cells_are_short(path):
    "A module has at most 300 lines, an exported cell at most 50; the index of names is nobody's to read."
    if path.name == "_modidx.py":
        return
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES, "split its notebook where it has a seam"
    long = [cell.split("\n")[0] for cell in cells_of(text) if len(cell.splitlines()) > MOST_OF_A_CELL]
    assert not long, "split these cells"
