"""Seconds to compress and to decompress tables of many columns: does the time grow with the columns, or their square?

    python tests/benchmarks/wide_tables.py [--columns 250 500 1000 2000 2600] [--rows 1000] [--repeat 3]

Flags, float32 and a third of each with integers, like the scalar branches of a NanoAOD; without loss, every table
compared with what comes back. Printed are medians and the time of a column beside that of the narrowest table.
"""

import argparse
import time

import numpy as np
import pandas as pd

from hepae.codec.tables import compress, decompress
from hepae.core import rng


def flags(random, n: int) -> np.ndarray: return random.random(n) < 0.1


def floats(random, n: int) -> np.ndarray: return random.exponential(10, n).astype("f4")


def integers(random, n: int) -> np.ndarray: return random.poisson(3, n).astype("i4")


KINDS = {"bool": [flags], "float": [floats], "mixed": [flags, floats, integers]}


def table(kind: str, columns: int, rows: int) -> pd.DataFrame:
    "Columns of a kind, or of all in turn."
    random, makers = rng(41), KINDS[kind]
    return pd.DataFrame({f"HLT_{j}": makers[j % len(makers)](random, rows) for j in range(columns)})


def timed(work, argument) -> tuple[float, object]:
    start = time.perf_counter()
    result = work(argument)
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, nargs="+", default=[250, 500, 1000, 2000, 2600])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(f"{'kind':>6}  {'columns':>7}  {'bytes':>10}  {'encode':>8}  {'decode':>8}   ms a column   to the narrowest")
    for kind in KINDS:
        first = None
        for n in args.columns:
            given, times = table(kind, n, args.rows), []
            for _ in range(args.repeat):
                encode, data = timed(compress, given)
                decode, back = timed(decompress, data)
                pd.testing.assert_frame_equal(back, given)
                times.append((encode, decode))
            encode, decode = np.median(times, 0)
            first = first or encode / n
            print(f"{kind:>6}  {n:7,}  {len(data):10,}  {encode:6.2f} s  {decode:6.2f} s   {1e3 * encode / n:11.2f}   "
                  f"{encode / n / first:16.2f}", flush=True)


if __name__ == "__main__":
    main()
