"""The generated modules stand on their own: no name that only a notebook's hidden cell imported, nothing imported
in vain."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def ruff(rules: str, *places: str) -> subprocess.CompletedProcess:
    "Ruff's findings by these rules alone."
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", rules, *places]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_names():
    "ruff's pyflakes rules find nothing in hepae/, tests/ and the studies' scripts."
    found = ruff("F", "hepae", "tests", "4D", "27D", "hepmc")
    assert found.returncode == 0, found.stdout


def test_line_length():
    "At most 120 characters, in every cell and script; modules are made of the cells."
    found = ruff("E501", "nbs", "tests", "4D", "27D", "hepmc", "hepae/_moved.py")
    assert found.returncode == 0, found.stdout


def test_notebooks_show_no_warnings_and_no_machine():
    """What was printed to standard error, a traceback or a place on the disk of whoever ran it has no place in a
    committed notebook."""
    for path in sorted(p for folder in ("nbs", "4D", "27D", "hepmc") for p in (ROOT / folder).rglob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            for out in cell.get("outputs", []):
                assert out.get("name") != "stderr" and out["output_type"] != "error", (path.name, out)
                assert str(ROOT) not in json.dumps(out), (path.name, str(ROOT))
