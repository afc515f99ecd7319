"""Extraction against a bare uproot read of the same branches, and the memory of `hepae extract` at 1× and 10× input.

    python tests/benchmarks/extraction.py [--dims 4D|27D] [--jets 1000000] [--repeat 7]

Times are medians of alternating runs after one warm-up. Memory is the peak resident size of the child process that
runs `hepae extract` (Linux).
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import uproot

from hepae.io.root import read_root_chunks
from hepae.io.root_writing import write_root
from hepae.schema import Schema, Source, event_index, preset, variable, with_schema

CONTAINER = "AntiKt4EMTopoJets"


def make_file(path: Path, jets: int, dims: str) -> None:
    "A file of generated jets, four a event on average, in the layout of a derivation."
    random = np.random.default_rng(41)
    counts = random.poisson(4, jets // 4)
    n = int(counts.sum())
    columns = {
        "m": random.gamma(2, 4000, n),
        "pt": 2e4 * (1 + random.pareto(3, n)),
        "phi": random.uniform(-np.pi, np.pi, n),
        "eta": random.normal(0, 2, n),
    }
    columns = {v: columns[v] if v in columns else random.normal(0, 1, n) for v in preset(dims)}
    table = pd.DataFrame(columns, index=event_index(np.concatenate([[0], np.cumsum(counts)]))).astype("float32")
    source = Source(
        "ROOT",
        "CollectionTree",
        container=CONTAINER,
        branches={v: f"{CONTAINER}AuxDyn.{v}" for v in preset(dims)},
        entries=len(counts),
    )
    write_root(
        with_schema(table, Schema(tuple(variable(v, energy_unit="MeV") for v in preset(dims)), dims, source)), path
    )


def bare(path: Path, dims: str):
    "What uproot alone needs for the same branches."
    with uproot.open(path, array_cache=None) as file:
        return file["CollectionTree"].arrays([f"{CONTAINER}AuxDyn.{v}" for v in preset(dims)])


def ours(path: Path, dims: str) -> int:
    "Chunk by chunk, as `hepae extract` does it."
    return sum(len(chunk) for chunk in read_root_chunks(path, preset(dims)))


def seconds(f, *args) -> float:
    "Wall time of one call."
    start = time.perf_counter()
    f(*args)
    return time.perf_counter() - start


# VmHWM and not getrusage: the latter begins with the size of the process that forked this one
CHILD = """
import sys
from hepae.cli.main import main
try: main()
finally: print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


def peak_memory(inputs: list[Path], output: Path, dims: str) -> tuple[float, float]:
    "Peak resident MB and wall seconds of `hepae extract` in a process of its own."
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "extract", *map(str, inputs), "--dims", dims, "-o", str(output), "--force", "-q"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr.split()[-1]) / 1024, time.perf_counter() - start


@click.command()
@click.option("--dims", type=click.Choice(["4D", "27D"]), default="4D", show_default=True)
@click.option("--jets", default=1_000_000, show_default=True)
@click.option("--repeat", default=7, show_default=True)
def main(dims: str, jets: int, repeat: int) -> None:
    with tempfile.TemporaryDirectory() as d:
        one, ten = Path(d) / "one.root", Path(d) / "ten.root"
        make_file(one, jets, dims)
        make_file(ten, 10 * jets, dims)
        bare(one, dims), ours(one, dims)
        pairs = [(seconds(bare, one, dims), seconds(ours, one, dims)) for _ in range(repeat)]
        a, b = (statistics.median(x) for x in zip(*pairs))
        print(
            f"{jets:,} jets × {len(preset(dims))} ({one.stat().st_size / 1e6:.0f} MB): uproot alone {a:.3f} "
            f"s, table of jets {b:.3f} s, ratio {b / a:.2f} "
            f"(range {min(y / x for x, y in pairs):.2f} to {max(y / x for x, y in pairs):.2f}); the aim is at most 1.5"
        )
        for suffix in (".pkl", ".parquet"):
            for name, inputs in [("1×", [one]), ("10× in one file", [ten]), ("10× in ten files", [one] * 10)]:
                memory, wall = peak_memory(inputs, Path(d) / f"out{suffix}", dims)
                print(f"hepae extract -o x{suffix}, {name}: peak {memory:.0f} MB, {wall:.1f} s")


if __name__ == "__main__":
    main()
