"""The generated modules stand on their own: no name that only a notebook's hidden cell imported, nothing imported in vain."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_names():
    "ruff's pyflakes rules find nothing in hepae/, tests/ and the studies' scripts."
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "F", "hepae", "tests", "4D", "27D"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
