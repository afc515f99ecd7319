"""Notebooks and package are in step: nbdev_export and nbdev_clean, run on a copy, change nothing."""

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["nbs", "hepae", "4D", "27D", "hepmc"]


def differing(a: Path, b: Path) -> list[str]:
    "Files that differ between two folders, or are in one only."
    names = {
        p.relative_to(top)
        for top in (a, b)
        for p in top.rglob("*")
        if p.suffix in (".py", ".ipynb") and not {"__pycache__", ".ipynb_checkpoints"} & set(p.parts)
    }
    return sorted(
        str(n)
        for n in names
        if not ((a / n).exists() and (b / n).exists() and filecmp.cmp(a / n, b / n, shallow=False))
    )


def main() -> None:
    "Exit 0 if the copy is unchanged, 1 with the names of changed files otherwise."
    with tempfile.TemporaryDirectory() as d:
        copy = Path(d) / "hepae"
        copy.mkdir()
        for name in ["settings.ini", "pyproject.toml", "setup.py", "README.md"]:
            shutil.copy(ROOT / name, copy)
        for name in FOLDERS:
            shutil.copytree(
                ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            )
        bin_ = Path(sys.executable).parent
        subprocess.run([bin_ / "nbdev_export"], cwd=copy, check=True)
        for name in FOLDERS:
            if any((copy / name).rglob("*.ipynb")):
                subprocess.run([bin_ / "nbdev_clean", "--fname", name], cwd=copy, check=True)
        changed = [f"{name}/{f}" for name in FOLDERS for f in differing(ROOT / name, copy / name)]
    if changed:
        sys.exit("out of step (run nbdev_export and nbdev_clean, and commit): " + ", ".join(changed))
    print("notebooks and hepae/ are in step, notebooks are clean")


if __name__ == "__main__":
    main()
