"What all tests share: where the real files are, small ROOT files, and the command line in a process of its own."
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
TESTDATA = Path(os.environ.get("HEPAE_TESTDATA") or ROOT.parent / "shared" / "data")

settings.register_profile("hepae", deadline=None, derandomize=True, max_examples=40, print_blob=True)
settings.load_profile("hepae")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    "Tests that ask for real files carry the mark `real`: `-m real` runs them, `-m 'not real'` all others."
    for item in items:
        if "testdata" in item.fixturenames: item.add_marker("real")


@pytest.fixture(scope="session")
def testdata():
    "A function from a name in MANIFEST.md to the real file; the test is skipped where it is absent."
    def find(name: str) -> Path:
        if not TESTDATA.is_dir(): pytest.skip("no folder of real files; HEPAE_TESTDATA names it")
        if not (TESTDATA / name).exists(): pytest.skip(f"no {name} in the folder of real files, HEPAE_TESTDATA")
        return TESTDATA / name
    return find


@pytest.fixture(scope="session")
def sample() -> Path:
    "The committed jets."
    return ROOT / "data" / "jets.root"


def hepae(*arguments, **options) -> subprocess.CompletedProcess:
    "The command line as a user runs it."
    environment = {k: v for k, v in os.environ.items() if k not in ("HEPAE_DEBUG", "PYTHONWARNINGS")} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from hepae.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, **{"capture_output": True, "text": True, "timeout": 120, "env": environment, "stdin": subprocess.DEVNULL} | options)


def one_sentence(text: str, *parts) -> None:
    "Assert that an error message is one line that contains the parts, and no traceback."
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text and "internal error" not in text, text
    for part in parts: assert str(part) in text, f"{part!r} is not in: {text}"
