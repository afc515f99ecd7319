"What all tests share: where the real files are, the committed jets, and the command line."

import functools
import io
import multiprocessing
import multiprocessing.forkserver
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
TESTDATA = Path(os.environ.get("HEPAE_TESTDATA") or ROOT.parent / "shared" / "data")
HIDDEN = ("HEPAE_DEBUG", "PYTHONWARNINGS")  # of the environment: they change what users see

settings.register_profile("hepae", deadline=None, derandomize=True, max_examples=40, print_blob=True)
settings.load_profile("hepae")


# files whose tests take longest, in a minute or more each: begun first, so that both workers of pytest end together
LONGEST = (
    "test_bad_input", "test_codec_machines", "test_learner", "test_scan", "test_format", "test_codec_damage",
    "test_particles_cli", "test_blocks_models", "test_ranks", "test_readme", "test_docs",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    "Tests that ask for real files carry the mark `real`: `-m real` runs them, `-m 'not real'` all others."
    for item in items:
        if "testdata" in item.fixturenames:
            item.add_marker("real")
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def testdata():
    "A function from a name in MANIFEST.md to the real file; the test is skipped where it is absent."

    def find(name: str) -> Path:
        if not TESTDATA.is_dir():
            pytest.skip("no folder of real files; HEPAE_TESTDATA names it")
        if not (TESTDATA / name).exists():
            pytest.skip(f"no {name} in the folder of real files, HEPAE_TESTDATA")
        return TESTDATA / name

    return find


@pytest.fixture(scope="session")
def sample() -> Path:
    "The committed jets."
    return ROOT / "data" / "jets.root"


def first_jets(events: int = 200) -> pd.DataFrame:
    "The first events of the committed jets as a table."
    from hepae.files.reading import read
    from hepae.schema import schema_of, with_schema

    jets = read(ROOT / "data" / "jets.root")
    schema, first = schema_of(jets), jets[jets.index.get_level_values(0) < events]
    return with_schema(first, replace(schema, source=replace(schema.source, entries=events)))


def hepae(*arguments, cwd: Path | None = None, **options) -> subprocess.CompletedProcess:
    "The command line. In this process, because imports cost seconds; in one of its own with options of subprocess.run."
    from hepae.cli.main import main

    if options:
        return hepae_process(*arguments, cwd=cwd, **options)
    return in_this_process(main, arguments, cwd)


def in_this_process(command: Callable, arguments: Iterable, cwd: Path | None = None) -> subprocess.CompletedProcess:
    "What a command that ends in sys.exit prints and returns."
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    streams = {"stdin": io.TextIOWrapper(io.BytesIO()), "stdout": out, "stderr": err}
    arguments, code = [str(a) for a in arguments], 0
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name in HIDDEN:
            patch.delenv(name, raising=False)
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        if cwd:
            patch.chdir(cwd)
        as_python_does()
        try:
            command(arguments)
        except SystemExit as e:
            code = e.code or 0
    return subprocess.CompletedProcess(arguments, code, *(s.buffer.getvalue().decode() for s in (out, err)))


def as_python_does() -> None:
    "Show those warnings that a Python process shows, on standard error."
    warnings.resetwarnings()
    for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", hidden)


def hepae_process(*arguments, **options) -> subprocess.CompletedProcess:
    "The command line as a user runs it."
    environment = {k: v for k, v in os.environ.items() if k not in HIDDEN} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from hepae.cli.main import main; main()", *map(str, arguments)]
    usual = {"capture_output": True, "text": True, "timeout": 120, "env": environment, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, **usual | options)


@functools.cache
def with_torch() -> multiprocessing.context.BaseContext:
    """For processes that have in memory what training needs: importing it takes 8 s, in each process anew.

    They are forked from one that has done nothing but import. Tests of what is imported, and of launchers, start
    processes from nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hepae.bench.scan", "hepae.cli.main", "torch._dynamo", "distributed", "hypothesis"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        multiprocessing.forkserver.ensure_running()
    return context


def started(function: Callable, *arguments) -> multiprocessing.Process:
    "A process of its own that calls a function of a test's module."
    process = with_torch().Process(target=function, args=arguments)
    process.start()
    return process


def started_hepae(*arguments, said: str | Path = "", **environment) -> multiprocessing.Process:
    "The command line in a process of its own; its standard output goes to the file `said`.out, errors to `said`.err."
    files = [f"{said}.out", f"{said}.err"] if said else [os.devnull] * 2
    return started(_hepae_main, [str(a) for a in arguments], files, environment)


def _hepae_main(arguments: list[str], files: list[str], environment: dict[str, str]) -> None:
    from hepae.cli.main import main

    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(environment)
    for stream, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    main(arguments)


def one_sentence(text: str, *parts) -> None:
    "Assert that an error message is one line that contains the parts, and no traceback."
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text and "internal error" not in text, text
    for part in parts:
        assert str(part) in text, f"{part!r} is not in: {text}"
