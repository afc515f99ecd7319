"""Whole ROOT files: bytes of hepae and its rivals without loss and within bounds, speed, three columns, and memory.

    python tests/benchmarks/root_files.py [FILE …] [--bounds 1e-2,1e-3,1e-4] [--repeat 3] [--no-rivals] [--no-memory]
    [--json FILE] [--csv FILE]

Without FILE it takes the ROOT files in HEPAE_TESTDATA. A rival gets what hepae keeps: branches that uproot cannot read
are left out of ROOT's baskets, too, and lists of one collection are counted once. *Baskets* are those of the file, and
the same packed with another algorithm (headers and streamers are not counted, of no rival the names of branches but for
RNTuple and parquet). *Columns* are packed one by one. Within a bound all rivals get mantissas as short as it allows;
RNTuple has fields of such values, fields that are cut (Real32Trunc), or integers over a range where a bound is absolute
(Real32Quant), written by ROOT 6.40 (PyPI `root`) and left out without it. Sizes of hepae, parquet and RNTuple are of
files. *hepae, histograms* is what histograms and other objects take in hepae's file: rivals keep trees alone, so
`hepae / it`, the ratio of bytes, is without these; where a target is set for it, it stands beside.
MB/s are of numbers, texts and lengths in memory, by CPU time on one thread: the fastest of --repeat runs, and the
slowest. Of compressing, reading the ROOT file is a part; decompressing is to tables in memory, and to a ROOT file.
Memory is the peak of a process of its own, for the file and for ten times its events.
--json and --csv write all figures, and the bytes of each collection, which the terminal does not show.
`4D/whole_files.ipynb` shows what --csv 4D/whole_files.csv has written.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import awkward as ak
import click
import numpy as np
import pandas as pd
import uproot

import hepae
from hepae.bench.compressors import root_package
from hepae.bench.tree_columns import (
    PACKERS,
    TreeColumns,
    basket_tables,
    by_collection,
    hepae_tables,
    numbers,
    packed_columns,
    parquet_bytes,
    rounded,
    tree_columns,
)
from hepae.bench.tree_rntuples import COMPRESSIONS, rntuple_file
from hepae.codec.container import DATASETS, Reader
from hepae.codec.datasets import read_datasets
from hepae.codec.sections import put_document, put_numbers
from hepae.core import HepaeError
from hepae.files.compression import compress_files
from hepae.files.decompression import decompress_file
from hepae.io.root_objects import OBJECTS

BASKETS = {"baskets": None, "baskets, zstd": uproot.ZSTD(5), "baskets, LZMA": uproot.LZMA(8)}
TARGETS = {  # at most so much of a rival's bytes: of NanoAODs, of others (there of the best one)
    ("exact", "baskets"): (0.42, 0.9), ("exact", "columns, xz -6"): (0.72, 0.9),
    ("exact", "columns, zstd -19"): (None, 0.9), ("exact", "columns, pcodec"): (0.9, 0.9),
    ("1e-3", "baskets"): (0.37, None), ("1e-3", "RNTuple Real32Trunc, zstd"): (0.75, 0.5),
    ("1e-3", "RNTuple Real32Trunc, LZMA"): (0.75, 0.5), ("1e-3", "RNTuple Real32Quant, zstd"): (0.75, 0.5),
    ("1e-3", "RNTuple Real32Quant, LZMA"): (0.75, 0.5),
}
SPEEDS = {"compress": 8, "decompress": 20}  # MB/s, at least
# a small process starts the command, so that its peak is not that of this one
LAUNCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""
COMPRESS = """
import sys
sys.path.insert(0, sys.argv[1])
from root_files import compress
compress(sys.argv[3:], sys.argv[2], None)
"""
DECOMPRESS = """
import sys
from hepae.files.decompression import decompress_file
decompress_file(sys.argv[1], sys.argv[2], force=True)
"""


def compress(paths: list, output: Path, bound: str | None) -> None:
    "Whole ROOT files to one .hepae file."
    compress_files(paths, output, bound, force=True)


class Figures(list):
    "What was measured, a line each."

    def note(self, file: str, bound: str, what: str, value: float, unit: str, **more) -> None:
        "Keep a figure."
        self.append({"file": file, "bound": bound, "what": what, "value": round(value, 4), "unit": unit} | more)

    def add(self, file: str, bound: str, what: str, value: float, unit: str, **more) -> None:
        "Keep a figure and print it."
        self.note(file, bound, what, value, unit, **more)
        shown = f"{value:>14,.0f}" if unit in ("bytes", "") else f"{value:>14.4g}"
        said = "".join(f"  {name.replace('_', ' ')} {x:.3g}" for name, x in more.items() if x is not None)
        print(f"{file[:30]:30}  {bound:6}  {what:32} {shown} {unit:5}{said}", flush=True)


# ---- bytes

def is_nanoaod(t: TreeColumns) -> bool:
    "Does a file look like a NanoAOD?"
    return any(tree.name == "Events" and "nJet" in tree.names for tree in t.layout.trees)


def rivals(path: Path, t: TreeColumns, bound: str, folder: Path):
    "Name and bytes of each rival."
    if bound == "exact":
        all_baskets = all(tree.kind == "TTree" for tree in t.layout.trees)  # pages of RNTuples are not packed again
        for name, packing in BASKETS.items():
            if packing is None or all_baskets: yield name, sum(basket_tables(path, t.layout, packing).values())
    else: yield "baskets", sum(basket_tables(path, t.layout).values())
    short = rounded(t)
    for name, size in PACKERS.items(): yield f"columns, {name}", sum(packed_columns(short, size).values())
    yield "parquet, zstd", parquet_bytes(short)
    if root_package() is None: return
    for kind in ["plain"] if bound == "exact" else ["rounded", "Real32Trunc", "Real32Quant"]:
        for packing in COMPRESSIONS:
            given = (short, "plain") if kind == "rounded" else (t, kind)
            yield f"RNTuple {kind}, {packing}", rntuple_file(given[0], folder / "rival.root", given[1], packing)


def counted(path: Path, t: TreeColumns, figures: Figures) -> None:
    "Entries, branches, and the bytes of all numbers."
    main = t.layout.parents and next(iter(t.layout.parents))
    entries = {tree.table: tree for tree in t.layout.trees if tree.table}
    with uproot.open(path) as file: n = file[entries[main].name].num_entries
    figures.add(path.stem, "exact", "entries", n, "")
    figures.add(path.stem, "exact", "branches", sum(len(tree.branches) for tree in t.layout.trees), "")
    figures.add(path.stem, "exact", "numbers", numbers(t), "bytes")


def by_part(file: str, bound: str, way: str, t: TreeColumns, sizes: dict[str, int], figures: Figures) -> None:
    "Bytes of each collection; '' is what belongs to none."
    found = by_collection(t.layout, {k: n for k, n in sizes.items() if k}) | {"": sizes.get("", 0)}
    for part, n in found.items(): figures.note(file, bound, f"{way} of", n, "bytes", collection=part)


def histogram_bytes(packed: Path) -> int:
    "Bytes of the block of histograms and other objects in a .hepae file: kind, length, document, digest."
    with open(packed, "rb") as file: document = Reader(file, DATASETS).documents.get(OBJECTS)
    if document is None: return 0
    payload = len(put_document(OBJECTS, document))
    return 1 + len(put_numbers([payload])) + payload + 8


def all_bytes(path: Path, bounds: list[str], with_rivals: bool, folder: Path, figures: Figures) -> None:
    "Bytes of a file, without loss and within bounds."
    for bound in ["exact", *bounds]:
        t = tree_columns(path, None if bound == "exact" else bound)
        compress([path], packed := folder / f"{bound}.hepae", None if bound == "exact" else bound)
        whole, histograms = packed.stat().st_size, histogram_bytes(packed)
        if bound == "exact": counted(path, t, figures)
        figures.add(path.stem, bound, "hepae", whole, "bytes")
        figures.add(path.stem, bound, "hepae, histograms", histograms, "bytes")
        by_part(path.stem, bound, "hepae", t, hepae_tables(packed), figures)
        if bound == "exact": by_part(path.stem, bound, "baskets", t, basket_tables(path, t.layout), figures)
        for name, size in rivals(path, t, bound, folder) if with_rivals else ():
            target = TARGETS.get((bound, name), (None, None))[0 if is_nanoaod(t) else 1]
            ratio = (whole - histograms) / size
            figures.add(path.stem, bound, name, size, "bytes", **{"hepae_/_it": ratio, "at_most": target})


# ---- speed

def spent(work, repeat: int) -> list[float]:
    "CPU seconds of each run."
    found = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return found


def speeds(path: Path, bounds: list[str], repeat: int, folder: Path, figures: Figures) -> None:
    "MB/s of numbers."
    size = numbers(tree_columns(path)) / 1e6
    for bound in ["exact", *bounds]:
        packed, asked = folder / f"{bound}.hepae", None if bound == "exact" else bound
        for what, work in {
            "compress": lambda: compress([path], packed, asked),
            "decompress": lambda: list(read_datasets(io.BytesIO(packed.read_bytes()))),
            "decompress to ROOT": lambda: decompress_file(packed, folder / "back.root", force=True),
        }.items():
            taken = spent(work, repeat)
            more = {"slowest": size / max(taken), "at_least": SPEEDS.get(what)}
            figures.add(path.stem, bound, what, size / min(taken), "MB/s", **more)


def three_columns(path: Path) -> tuple[str, list[str]]:
    "A tree, and three of its branches: pt, eta and phi of jets, or the first floats of the largest collection."
    t = tree_columns(path)
    main = next(tree for tree in t.layout.trees if tree.table == next(iter(t.layout.parents)))
    usual = ["Jet_pt", "Jet_eta", "Jet_phi"]
    if not set(usual) - set(main.names): return main.name, usual
    floats = {b.name: t.values[b.node.of.table] for b in main.branches if getattr(b.node, "kind", "") == "list"
              and getattr(getattr(b.node, "of", None), "dtype", "")[:1] == "f"}
    if not floats: return main.name, main.names[:3]
    size = {name: len(next(iter(of.values()))) for name, of in floats.items()}
    most = max(size.values())
    return main.name, [name for name in floats if size[name] == most][:3]


def some_columns(path: Path, repeat: int, folder: Path, figures: Figures) -> None:
    "CPU ms of opening a file and reading three columns, with hepae and with uproot."
    tree, names = three_columns(path)

    def by_uproot():
        with uproot.open(path, array_cache=None, object_cache=None) as file:
            return {n: file[tree][n].array() for n in names}

    def by_hepae():
        with hepae.open(folder / "exact.hepae") as file: return file[tree].arrays(names, threads=1)
    before, after = by_uproot(), by_hepae()
    for n in names:
        if not ak.array_equal(before[n], after[n], equal_nan=True): raise HepaeError(f"{path}: {n} came back otherwise")
    taken = {name: spent(work, max(3, repeat)) for name, work in (("uproot", by_uproot), ("hepae", by_hepae))}
    for name, seconds in taken.items():
        ratio = {"times_uproot": min(seconds) / min(taken["uproot"]), "at_most": 3} if name == "hepae" else {}
        figures.add(path.stem, "exact", f"three columns, {name}", 1e3 * min(seconds), "ms", slowest=1e3 * max(seconds),
                    **ratio)


# ---- memory

def peak(*command) -> float:
    "Peak MB of a command of Python."
    run = [sys.executable, "-S", "-c", LAUNCH, sys.executable, "-c", *map(str, command)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return float(subprocess.run(run, capture_output=True, text=True, check=True, env=env).stdout)


def memory(path: Path, folder: Path, figures: Figures) -> None:
    "Peaks for a file, and for ten times its events."
    found, packed = {}, folder / "memory.hepae"
    for times in (1, 10):
        found["compress", times] = peak(COMPRESS, Path(__file__).parent, packed, *[path] * times)
        found["decompress to ROOT", times] = peak(DECOMPRESS, packed, folder / "memory.root")
    for (what, times), mb in found.items():
        more = {"to_one_file": mb / found[what, 1]} if times > 1 else {}
        figures.add(path.stem, "exact", f"{what}, events × {times}", mb, "MB", **more)


def files_there() -> list[Path]:
    "The ROOT files in the folder of real files."
    folder = Path(os.environ.get("HEPAE_TESTDATA") or Path(__file__).parents[3] / "shared" / "data")
    found = sorted((folder / "root").glob("*.root"))
    if not found: raise click.UsageError("no real files; give some, or name their folder in HEPAE_TESTDATA")
    return found


@click.command(help=__doc__)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bounds", default="1e-2,1e-3,1e-4", show_default=True, help="'' for none.")
@click.option("--repeat", default=3, show_default=True, help="0: no speed.")
@click.option("--rivals/--no-rivals", "with_rivals", default=True, show_default=True)
@click.option("--memory/--no-memory", "with_memory", default=True, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures here, too.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Or here.")
def main(files, bounds, repeat, with_rivals, with_memory, output, table):
    "Print a line a figure."
    figures, bounds = Figures(), [b for b in bounds.split(",") if b]
    np.seterr(all="ignore")
    if root_package() is None: print("no ROOT 6.40 here, so no RNTuples")
    for path in files or files_there():
        with tempfile.TemporaryDirectory() as folder:
            all_bytes(path, bounds, with_rivals, Path(folder), figures)
            if repeat:
                speeds(path, bounds, repeat, Path(folder), figures)
                some_columns(path, repeat, Path(folder), figures)
            if with_memory: memory(path, Path(folder), figures)
            if table: pd.DataFrame(figures).to_csv(table, index=False)  # after each file, should one fail
    if output: output.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
