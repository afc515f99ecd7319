"""Run every cell of notebooks, and say at the end which failed, what was skipped and what took long.

    python tests/notebooks.py [NOTEBOOK or FOLDER …] [--slow] [--real] [--workers 2] [--durations 20]

Cells run as `nbdev_test` runs them, with its flags. Two things differ. A notebook that fails, or whose process dies,
does not keep the others from running. And each notebook has a process of its own, forked from one that has imported the
large packages. One worker of `nbdev_test` runs half of them and grows to 4 GB: IPython registers every shell with
`atexit`, which keeps its namespace (tables, networks, samples) until the process ends, and what was freed on the heap
is not given back to the system. Measured over 21 notebooks: 890 MB, of which emptying the shells freed 120.
"""

import argparse
import os
import resource
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [ROOT / name for name in ("nbs", "4D", "27D", "hepmc")]
# packages that take seconds to import and start no threads; hepae is not among them
PRELOAD = [
    "nbdev.test", "fastai.tabular.all", "matplotlib.pyplot", "mplhep", "hist", "seaborn", "uproot", "scipy.stats",
    "pyarrow.parquet", "pyhepmc",
]

STUDIES = FOLDERS[1:]
# studies that only `make studies` runs, so that the whole test suite stays within its time
APART = [
    "gravitational_waves", "in_the_stream", "sonification", "vae_latent_scan", "event_by_event", "ttbar_analysis",
    "anomaly_scores", "whole_files",
]


# begun first, so that all workers end together
LONGEST = [
    "03_training", "compression", "unseen_signal", "35_tables", "bytes", "07_detector", "13_learner",
    "01_generator", "1cycle", "04_race",
]


@dataclass(order=True)
class Cell:
    "What one cell took."

    wall: float  # seconds
    cpu: float  # seconds, with processes that have ended
    line: str  # its first line of code


@dataclass
class Result:
    "What one notebook did."

    notebook: Path
    passed: bool = False
    wall: float = 0.0  # seconds
    cpu: float = 0.0  # seconds, with its processes
    memory: float = 0.0  # largest resident set, MB
    cells: list[Cell] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # what its cells say they leave out

    @property
    def name(self) -> str:
        return os.path.relpath(self.notebook, ROOT)


def first_line(source: str) -> str:
    "The first line of a cell that is code."
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")[:80]


def cpu_seconds() -> float:
    "CPU time of this process and of those that it has waited for."
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usages)


def note_cells(result: Result) -> None:
    "Let the shell that nbdev's tests use note the time of each cell, and what cells say they skip."
    from execnb.shell import CaptureShell

    run_cell = CaptureShell.cell

    def cell(self, cell, **options):
        if cell.cell_type != "code":
            return
        start, cpu = time.perf_counter(), cpu_seconds()
        run_cell(self, cell, **options)
        result.cells.append(Cell(time.perf_counter() - start, cpu_seconds() - cpu, first_line(cell.source)))
        for output in cell.get("outputs", []):
            lines = "".join(output.get("text", [])).splitlines()
            result.skipped += [line for line in lines if line.startswith("skipped: ")]

    CaptureShell.cell = cell


def run(notebook: Path, slow: bool, pipe) -> None:
    "Run one notebook in this process and send the Result."
    from nbdev.config import get_config
    from nbdev.test import test_nb

    result = Result(notebook)
    note_cells(result)
    start = time.perf_counter()
    try:
        flags = get_config().tst_flags.split()
        result.passed, _ = test_nb(notebook, skip_flags=flags, force_flags=flags if slow else [], basepath=ROOT)
    except BaseException:
        traceback.print_exc()
    result.wall = time.perf_counter() - start
    result.cpu, result.memory = cpu_seconds(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send(result)


def in_own_process(context, notebook: Path, slow: bool) -> Result:
    "The Result of a notebook; not passed if its process dies."
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(notebook, slow, there))
    process.start()
    there.close()
    try:
        result = here.recv()
    except EOFError:
        result = Result(notebook)
    process.join()
    note = "" if result.passed else "  FAILED" if result.cells else f"  DIED (exit code {process.exitcode})"
    print(f"{result.wall:6.1f} s  {result.cpu:6.1f} s CPU  {result.memory:5.0f} MB  {result.name}{note}", flush=True)
    return result


def reads_real_files(notebook: Path) -> bool:
    "Does it look for the folder of real files?"
    return "HEPAE_TESTDATA" in notebook.read_text()


def notebooks_of(paths: list[Path]) -> list[Path]:
    "Notebooks, and those in folders by name."
    found = [sorted(p.rglob("*.ipynb")) if p.is_dir() else [p] for p in paths]
    return [p.resolve() for some in found for p in some if ".ipynb_checkpoints" not in p.parts]


def tested() -> list[Path]:
    "All notebooks of the test suite."
    return [p for p in notebooks_of(FOLDERS) if p.stem not in APART]


def takes_long(notebook: Path) -> int:
    "The place in LONGEST from its end, 0 for all others."
    return next((len(LONGEST) - k for k, name in enumerate(LONGEST) if notebook.stem.endswith(name)), 0)


def run_all(notebooks: list[Path], workers: int = 2, slow: bool = False) -> list[Result]:
    "Run notebooks, so many at a time."
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    notebooks = sorted(notebooks, key=takes_long, reverse=True)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda notebook: in_own_process(context, notebook, slow), notebooks))


def failed(results: list[Result]) -> list[str]:
    "Names of notebooks that did not come to their end."
    return [r.name for r in results if not r.passed]


def summary(results: list[Result], durations: int) -> None:
    "Print the slowest cells, what was skipped, and what failed."
    cells = sorted(((cell, r.name) for r in results for cell in r.cells), reverse=True)
    if durations:
        print(f"\nslowest {durations} cells")
    for cell, name in cells[:durations]:
        print(f"{cell.wall:6.1f} s  {cell.cpu:6.1f} s CPU  {name}: {cell.line}")
    for r in results:
        for line in r.skipped:
            print(f"{r.name}: {line}")
    print(f"{len(results)} notebooks, {len(failed(results))} failed; {sum(r.cpu for r in results):.0f} s CPU")
    for name in failed(results):
        print(f"FAILED {name}")


def main() -> None:
    "Exit 0 if all passed, 1 otherwise."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, help="none: those of the test suite")
    parser.add_argument("--studies", action="store_true", help="all of 4D/, 27D/ and hepmc/")
    parser.add_argument("--slow", action="store_true", help="cells marked `#| slow`, too")
    parser.add_argument("--real", action="store_true", help="only notebooks that read real files")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--durations", type=int, default=20, help="how many of the slowest cells to name")
    args = parser.parse_args()
    chosen = notebooks_of(STUDIES if args.studies else args.paths) if args.studies or args.paths else tested()
    notebooks = [p for p in chosen if reads_real_files(p) or not args.real]
    results = run_all(notebooks, args.workers, args.slow)
    summary(results, args.durations)
    sys.exit(bool(failed(results)))


if __name__ == "__main__":
    main()
