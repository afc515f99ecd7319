"""The whole test suite: notebooks in step with the package, every notebook, pytest. What failed stands at the end.

    python tests/suite.py [--real]

A step that fails does not keep the next ones from running. `--real`: only what reads real files, from HEPAE_TESTDATA.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import notebooks

TESTS = Path(__file__).resolve().parent
# one file's tests stay in one process, so that what they share is made once; conftest.py puts the longest files first
PYTEST = [
    "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "20",
    str(TESTS),
]


def passes(*arguments: str) -> bool:
    "Run Python in a process; does it exit with 0?"
    return subprocess.run([sys.executable, *arguments], cwd=TESTS.parent).returncode == 0


def main() -> None:
    "Exit 0 if all passed, 1 with the names of what failed otherwise."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="only what reads real files")
    real = parser.parse_args().real
    failed = [] if real or passes(str(TESTS / "in_step.py")) else ["tests/in_step.py"]
    chosen = [p for p in notebooks.tested() if notebooks.reads_real_files(p) or not real]
    results = notebooks.run_all(chosen)
    notebooks.summary(results, durations=20)
    failed += notebooks.failed(results)
    sys.stdout.flush()
    if not passes(*PYTEST, *(["-m", "real and not slow"] if real else [])):
        failed.append("pytest, named above")
    if failed:
        sys.exit("FAILED: " + "; ".join(failed))


if __name__ == "__main__":
    main()
