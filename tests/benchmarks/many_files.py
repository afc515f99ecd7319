"""What a folder of small files of one kind takes: each with a plan of its own, and with `--one-plan`.

    python tests/benchmarks/many_files.py [--files 20]

The files are events of data/jets_27D.root, drawn anew for each. Printed are CPU seconds a file, without imports, and
bytes.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hepae.core import rng
from hepae.event_rows import event_index
from hepae.files.many_files import compress_each
from hepae.files.reading import read, write
from hepae.schema import schema_of, with_schema

DATA = Path(__file__).resolve().parents[2] / "data"


def drawn(sample: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    "As many events as the sample has, drawn from it."
    counts = np.bincount(sample.index.get_level_values(0))
    first = np.cumsum(counts) - counts
    events = random.integers(0, len(counts), len(counts))
    rows = np.concatenate([np.arange(first[e], first[e] + counts[e]) for e in events])
    table = sample.iloc[rows].set_axis(event_index(np.concatenate([[0], np.cumsum(counts[events])])))
    return with_schema(table, schema_of(sample))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=20)
    files = parser.parse_args().files
    sample, random = read(DATA / "jets_27D.root", "27D"), rng(41)
    with tempfile.TemporaryDirectory() as folder:
        for k in range(files): write(drawn(sample, random), f"{folder}/{k:03}.root")
        compress_each([f"{folder}/000.root"], f"{folder}/warm", dims="27D")
        for bound in (None, "1e-3"):
            for one in (False, True):
                start = time.process_time()
                how = dict(dims="27D", bound=bound, one_plan=one)
                done = compress_each([f"{folder}/*.root"], f"{folder}/{bound}{one}", **how)
                spent = (time.process_time() - start) / files
                what = f"bound {bound or 'none'}, {'one plan' if one else 'own plans'}"
                print(f"{what:22}{spent:6.2f} s a file, {sum(d['bytes'] for d in done):>10,} bytes, "
                      f"{len({d['plan'] for d in done})} plans")


if __name__ == "__main__": main()
