"""How fast hepae encodes and decodes, beside `xz -6` on the same float32 bytes in the same run.

    python tests/benchmarks/codec_speed.py [--rows 28000 200000 1000000] [--repeat 5]

Jets are drawn from data/jets.root with some noise, so that none is there twice. After a warm-up the contenders take
turns, so that a busy machine slows all of them alike; printed are medians, and the median of the ratios of each
turn (above 1: hepae is faster than xz compresses). MB are of float32 values, one thread.
"""

import argparse
import lzma
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hepae.codec.tables import compress, decompress
from hepae.core import rng
from hepae.files.reading import read
from hepae.schema import schema_of, with_schema

JETS = Path(__file__).resolve().parents[2] / "data" / "jets.root"


def jets(n: int) -> pd.DataFrame:
    "n jets without events: of the sample, each moved by a percent, turned in phi and by a little in eta."
    sample, random = read(JETS, "4D"), rng(41)
    drawn = sample.iloc[random.integers(0, len(sample), n)].reset_index(drop=True).astype("f8")
    drawn["m"] *= 1 + 0.01 * random.standard_normal(n)
    drawn["pt"] *= 1 + 0.01 * random.standard_normal(n)
    drawn["phi"] = random.uniform(-np.pi, np.pi, n)
    drawn["eta"] += 0.05 * random.standard_normal(n)
    return with_schema(drawn.astype("f4"), schema_of(sample))


def seconds(work, argument) -> float:
    start = time.perf_counter()
    work(argument)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[28_000, 200_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    print(
        f"{'jets':>10}  {'bits':>6}  {'encode':>10}  {'decode':>10}  {'unordered':>10}  {'back':>10}  "
        f"{'xz -6':>10}   ratios to xz"
    )
    for n in args.rows:
        table = jets(n)
        raw, data, unordered = (
            table.to_numpy("f4").tobytes(),
            compress(table, "schema"),
            compress(table, "schema", unordered="table"),
        )
        turns = [
            (compress, table), (decompress, data), (lambda t: compress(t, "schema", unordered="table"), table),
            (decompress, unordered), (lambda b: lzma.compress(b, preset=6), raw),
        ]
        times = np.array([[seconds(*turn) for turn in turns] for _ in range(args.repeat)])
        speed, ratio = len(raw) / 1e6 / np.median(times, 0), np.median(times[:, -1:] / times, 0)
        print(
            f"{n:10,}  {8 * len(data) / n:6.2f}  "
            + "  ".join(f"{s:5.2f} MB/s" for s in speed)
            + "   "
            + ", ".join(f"{r:.2f}" for r in ratio[:-1]),
            flush=True,
        )


if __name__ == "__main__":
    main()
