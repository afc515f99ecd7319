"""What a scan on two local Dask workers takes, beside the same points one after the other.

    python tests/benchmarks/scan_speed.py [--points 24] [--jets 10000] [--epochs 30] [--workers 2] [--json]

Made-up jets of 27 correlated variables, AE_bn_LeakyReLU with 8 to 20 latent variables. The serial scan runs in this
process, with one thread; that of the workers includes starting them, where each imports torch. Both read the table,
judge
each point and write everything that `hepae scan` writes. It is checked that their results are the same, bit for bit.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from hepae.core import rng
from hepae.files.reading import write

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from hepae.bench.scan import scan


def correlated(n: int, d: int = 27, inner: int = 12) -> pd.DataFrame:
    "n rows of d variables that follow, with some noise, from fewer."
    random = rng(41)
    z = random.normal(size=(n, inner))
    x = np.tanh(z @ random.normal(size=(inner, d)) / inner**0.5) + 0.05 * random.normal(size=(n, d))
    return pd.DataFrame(x.astype("float32"), columns=[f"x{i}" for i in range(d)])


def grid(points: int, epochs: int) -> str:
    "A TOML text of so many points: four rates for each latent size."
    latent = [8 + 2 * i for i in range(points // 4)]
    return f'recipe = "AE_bn_LeakyReLU"\nepochs = {epochs}\nlr = [5e-4, 1e-3, 2e-3, 4e-3]\nlatent = {latent}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=24, help="a multiple of 4")
    parser.add_argument("--jets", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    seconds, tables, load = {}, {}, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as d:
        write(correlated(args.jets), table := Path(d) / "jets.parquet")
        (toml := Path(d) / "grid.toml").write_text(grid(args.points, args.epochs))
        for name, workers in {"workers": args.workers, "serial": 0}.items():
            start = time.perf_counter()
            tables[name] = scan(table, Path(d) / name, toml, workers=workers)
            seconds[name] = time.perf_counter() - start
    same = tables["workers"].drop(columns="seconds").equals(tables["serial"].drop(columns="seconds"))
    found = {
        "points": len(tables["serial"]),
        "workers": args.workers,
        "serial_s": round(seconds["serial"], 2),
        "workers_s": round(seconds["workers"], 2),
        "ratio": round(seconds["workers"] / seconds["serial"], 3),
        "same_results": same,
        "load_before": round(load, 2),
    }
    if args.json:
        return print(json.dumps(found))
    print(
        f"{found['points']} points of {args.jets:,} rows × 27, {args.epochs} epochs each: serial "
        f"{found['serial_s']} s, {args.workers} workers {found['workers_s']} s"
    )
    print(
        f"ratio {found['ratio']} (target: at most 0.6); results {'the same' if same else 'DIFFER'}; load of "
        f"the machine before: {found['load_before']}"
    )


if __name__ == "__main__":
    main()
