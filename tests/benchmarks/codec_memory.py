"""Memory and CPU time of `hepae compress` and `hepae decompress` as the number of jets grows, and what a GPU changes.

    python tests/benchmarks/codec_memory.py [--rows 1000000 3000000 10000000] [--model FOLDER]

Each command runs as a process of its own on a generated parquet file. Memory is its peak resident size, CPU time
the sum over its threads; both include Python, pandas and pyarrow, whose share is the first line (`hepae inspect`).
With --model (a trained density model) its networks are used.

A `.hepae` file is made by exact integer arithmetic on the CPU, with or without a model, so that every machine reads
it alike: a GPU serves training only, and changes neither bytes nor speed of the codec.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hepae.core import rng

# VmHWM and not getrusage: the latter begins with the size of the process that forked this one
CHILD = """
import os, sys
from hepae.cli.main import main
try: main(sys.argv[1:])
finally:
    t = os.times()
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(peak, t.user + t.system, file=sys.stderr)
"""


def generated(path: Path, rows: int, piece: int = 250_000) -> None:
    "A parquet file of jets (m, pt, phi, eta), written piece by piece."
    random, writer = rng(41), None
    for first in range(0, rows, piece):
        n = min(piece, rows - first)
        pt = 20e3 * (1 + random.pareto(4.5, n))
        jets = {
            "m": 0.2 * pt * np.exp(0.3 * random.standard_normal(n)),
            "pt": pt,
            "phi": random.uniform(-np.pi, np.pi, n),
            "eta": random.uniform(-4.9, 4.9, n),
        }
        batch = pa.Table.from_pandas(pd.DataFrame(jets).astype("f4"), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    writer.close()


def run(*arguments) -> tuple[float, float]:
    "Peak memory (MB) and CPU time (s) of a hepae command."
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", CHILD, *map(str, arguments)], capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(done.stderr)
    kilobytes, cpu = done.stderr.splitlines()[-1].split()
    return int(kilobytes) / 1e3, float(cpu)


def gpu() -> str:
    "What is there, and what it is good for."
    try:
        import torch
    except ImportError:
        return "no torch here"
    name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA device here"
    return f"{name}: encoding and decoding use the CPU alone"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    model = ["--model", args.model] if args.model else []
    print(gpu())
    with tempfile.TemporaryDirectory() as d:
        source, packed, back = Path(d) / "jets.parquet", Path(d) / "jets.hepae", Path(d) / "back.parquet"
        generated(source, 1000)
        print("hepae inspect, 1,000 jets: {:.0f} MB, {:.1f} s".format(*run("inspect", source)))
        for rows in args.rows:
            generated(source, rows)
            for name, command in [
                ("compress", ["compress", source, "-o", packed, *model]),
                ("decompress", ["decompress", packed, "-o", back, *model]),
            ]:
                memory, cpu = run(*command, "--force", "-q")
                print(
                    f"{rows:12,} jets  {name:10}  {memory:6.0f} MB  {cpu:6.1f} s CPU  "
                    f"{1e6 * cpu / rows:6.2f} µs a jet  {packed.stat().st_size / 1e6:7.2f} MB file",
                    flush=True,
                )


if __name__ == "__main__":
    main()
