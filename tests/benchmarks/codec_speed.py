"""How fast hepae encodes and decodes, beside `xz -6` and quantise + pcodec on the same values in the same run.

    python tests/benchmarks/codec_speed.py [--rows 28000 200000 1000000] [--wide 100000] [--repeat 5]

Jets are drawn from data/jets.root (four columns) and data/jets_27D.root (`--wide`, 27 columns) with some noise, so that
none is there twice. After a warm-up the contenders take turns, so that a busy machine slows all of them alike; printed
are medians in MB/s of the values as they are, one thread, and the medians of the ratios to xz of each turn (above 1:
faster). Of encoding, the part that is spent on the plan, once a file, is printed beside it.
"""

import argparse
import lzma
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hepae.bench.rivals import rival
from hepae.codec.bound_text import with_bounds
from hepae.codec.new_header import make_header
from hepae.codec.tables import compress, decompress
from hepae.core import rng
from hepae.files.reading import read
from hepae.schema import schema_of, with_schema

DATA = Path(__file__).resolve().parents[2] / "data"


def drawn(name: str, dims: str, n: int) -> tuple[pd.DataFrame, np.random.Generator]:
    "n jets without events, drawn from a sample."
    sample, random = read(DATA / name, dims), rng(41)
    table = sample.iloc[random.integers(0, len(sample), n)].reset_index(drop=True)
    return with_schema(table, schema_of(sample)), random


def jets(n: int) -> pd.DataFrame:
    "n jets without events: of the sample, each moved by a percent, turned in phi and by a little in eta."
    table, random = drawn("jets.root", "4D", n)
    moved = table.astype("f8")
    moved["m"] *= 1 + 0.01 * random.standard_normal(n)
    moved["pt"] *= 1 + 0.01 * random.standard_normal(n)
    moved["phi"] = random.uniform(-np.pi, np.pi, n)
    moved["eta"] += 0.05 * random.standard_normal(n)
    return with_schema(moved.astype("f4"), schema_of(table))


def wide_jets(n: int) -> pd.DataFrame:
    "n jets of 27 variables, each float of the sample moved by a percent."
    table, random = drawn("jets_27D.root", "27D", n)
    for name, dtype in table.dtypes.items():
        if dtype.kind == "f": table[name] = (table[name] * (1 + 0.01 * random.standard_normal(n))).astype(dtype)
    return table


def seconds(work, argument) -> float:
    start = time.perf_counter()
    work(argument)
    return time.perf_counter() - start


def race(table: pd.DataFrame, repeat: int) -> None:
    "A line for each contender."
    bounded, packed = with_schema(table, with_bounds(schema_of(table), "schema")), rival("quantise+pcodec")
    raw, data, theirs = table.to_numpy("f4").tobytes(), compress(table, "schema"), packed.compress(bounded)
    xz = lzma.compress(raw, preset=6)
    turns = {
        "hepae": (lambda t: compress(t, "schema"), table, data), "hepae, back": (decompress, data, data),
        "of it the plan": (make_header, bounded, data),
        "quantise+pcodec": (packed.compress, bounded, theirs),
        "quantise+pcodec, back": (packed.decompress, theirs, theirs),
        "xz -6": (lambda b: lzma.compress(b, preset=6), raw, xz), "xz -6, back": (lzma.decompress, xz, xz),
    }
    if table.shape[1] == 4:
        free = compress(table, "schema", unordered="table")
        turns["unordered"] = (lambda t: compress(t, "schema", unordered="table"), table, free)
        turns["unordered, back"] = (decompress, free, free)
    times = np.array([[seconds(work, given) for work, given, _ in turns.values()] for _ in range(repeat)])
    columns = dict(zip(turns, times.T))
    print(f"{len(table):,} jets of {table.shape[1]} columns, {len(raw) / 1e6:.1f} MB")
    for name, (_, _, made) in turns.items():
        rate, to_xz = len(raw) / 1e6 / np.median(columns[name]), np.median(columns["xz -6"] / columns[name])
        print(f"  {name:22} {8 * len(made) / len(table):8.2f} bits {rate:8.2f} MB/s {to_xz:8.2f} of xz -6", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[28_000, 200_000, 1_000_000])
    parser.add_argument("--wide", type=int, nargs="*", default=[100_000])
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    for n in args.rows: race(jets(n), args.repeat)
    for n in args.wide: race(wide_jets(n), args.repeat)


if __name__ == "__main__":
    main()
