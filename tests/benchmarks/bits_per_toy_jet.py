"""Bits of a toy jet of 27 variables, everything counted, for hepae and the rivals that come nearest.

    python tests/benchmarks/bits_per_toy_jet.py [--jets 105000] [--seed 7] [--file jets27.root] [--codecs
    density,quantise+pcodec]

The jets are made first, which takes 16 minutes of CPU, unless `--file` is there already (it is kept). Two bounds:
those of the schema, and 1e-3 for everything. Closing figure of issue 4: 178.6 bits with the schema's bounds.
"""

import argparse
import tempfile
from pathlib import Path

from hepae.bench.race import bench
from hepae.files.reading import read
from hepae.toy.detector import write_detector_sample

SHOWN = [
    "codec", "bound", "rows", "bytes", "overhead", "bits_per_row", "bits_of_rows", "mean_error", "max_error",
    "violations", "version",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jets", type=int, default=105_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--bounds", default="schema")
    parser.add_argument("--codecs", default="density,quantise+pcodec")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.file or Path(folder) / "jets27.root"
        if not path.exists():
            write_detector_sample(path, jets=args.jets, seed=args.seed)
        table = read(path, "27D")
    bounds = [None if b == "schema" else b for b in args.bounds.split(",")]
    result = bench(table, args.codecs.split(","), bounds, estimate=False)
    print(result[SHOWN].round(3).to_string(index=False))


if __name__ == "__main__":
    main()
