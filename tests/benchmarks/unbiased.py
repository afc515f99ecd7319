"""Rounding without bias, dither without spikes, bounds in units of another column, masses of pairs: measured.

    python tests/benchmarks/unbiased.py [--rows 1000000]

Of each column and bound: |mean error| in units of the bound (at most 0.01 is promised), the largest error, and χ² of
the histogram of what comes back against that of the original in 200 bins, for each bin (1 is what chance makes of two
independent samples), without and with dither; bytes of both. Then errors in units of another column, and masses of all
pairs of objects in every event. Columns are smooth, on a lattice, narrow, with a sentinel, or change in the middle of
the file. Ends with 1 if a promise is broken.
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd

from hepae.codec.tables import compress, decompress
from hepae.physics.pair_masses import pair_masses, pairs_in_events
from hepae.schema import event_index

SEED, BINS = 11, 200
BOUNDS = ["abs:0.1", "abs:1e-3", "rel:0.1", "rel:1e-3", "bits:4", "bits:10"]
# coarse enough that a histogram of 200 bins sees the lattice
COARSE = {"pt": "abs:0.3", "eta": "abs:0.05", "phi": "abs:0.05", "width": "abs:0.008", "peak": "abs:0.2"}


def columns(n: int) -> pd.DataFrame:
    "Spectra, angles, a peak, a lattice, a sentinel, and rows that change in the middle."
    r = np.random.default_rng(5)
    half = n // 2
    found = {
        "pt": 20 + r.exponential(40, n),
        "eta": r.normal(0, 1.5, n),
        "phi": r.uniform(-np.pi, np.pi, n),
        "width": np.abs(r.normal(0, 0.2, n)),
        "peak": r.normal(91.2, 2.5, n),
        "counts": r.integers(-5000, 5000, n) * 0.0237 + 0.011,
        "score": np.where(r.random(n) < 0.1, -999, r.normal(0, 1, n)),
        "changes": np.concatenate([20 + r.exponential(1, half), r.normal(91, 2, n - half)]),
        "sorted": np.sort(r.exponential(5, n)),
    }
    return pd.DataFrame(found).astype("f4")


def errors(a: np.ndarray, b: np.ndarray, bound: str) -> tuple[float, float]:
    "|mean| and largest error in units of the bound; of relative bounds the larger of two means."
    mode, size = bound.split(":")
    limit = 2.0 ** -(int(size) + 1) if mode == "bits" else float(size)
    a, b = a.astype(float), b.astype(float)
    error = (b - a) / limit if mode == "abs" else np.divide(b - a, a * limit, out=np.zeros(len(a)), where=a != 0)
    means = [error.mean()] if mode == "abs" else [error.mean(), (error * np.sign(a)).mean()]
    return float(np.abs(means).max()), float(np.abs(error).max())


def chi2(a: np.ndarray, b: np.ndarray) -> float:
    "Of two histograms, for each bin."
    a = a[a > -900]
    edges = np.linspace(*np.quantile(a, [0.001, 0.999]), BINS + 1)
    x, y = (np.histogram(v, edges)[0].astype(float) for v in (a, b))
    return float(((x - y) ** 2 / np.maximum(x + y, 1)).sum() / BINS)


def rounding(n: int) -> bool:
    "Means for all bounds; is the promise kept?"
    table, good = columns(n), True
    print(f"{n:,} rows\nbound     dither     worst |mean|/bound largest/bound      bytes      s")
    for bound in BOUNDS:
        for seed in (None, SEED):
            start = time.perf_counter()
            data = compress(table, bound, dither=seed)
            took, back = time.perf_counter() - start, decompress(data)
            found = {c: errors(table[c].to_numpy(), back[c].to_numpy(), bound) for c in table}
            worst = max(found, key=lambda c: found[c][0])
            largest = max(e for _, e in found.values())
            good &= found[worst][0] <= 0.01 and largest <= 1
            said = f"{found[worst][0]:.5f} ({worst})"
            print(f"{bound:9} {'yes' if seed else 'no':6} {said:>22} {largest:13.4f} {len(data):10,} {took:6.2f}")
    return good


def spikes(n: int) -> bool:
    "χ² at 200 bins without and with dither."
    table, good = columns(n)[[*COARSE]], True
    files = {seed: compress(table, COARSE, dither=seed) for seed in (None, SEED)}
    back = {seed: decompress(data) for seed, data in files.items()}
    print(f"\n{BINS} bins: χ² for each bin, plain {len(files[None]):,} bytes, dithered {len(files[SEED]):,} "
          f"({len(files[SEED]) / len(files[None]) - 1:+.2%})")
    for c, bound in COARSE.items():
        plain, dithered = (chi2(table[c].to_numpy(), back[s][c].to_numpy()) for s in (None, SEED))
        good &= dithered < 1
        print(f"{c:9} {bound:10} plain {plain:10.2f}, dithered {dithered:.3f}")
    return good


def in_units(n: int) -> bool:
    "Errors of pt in units of a tenth of its error."
    r = np.random.default_rng(3)
    pt = 20 + r.exponential(40, n)
    table = pd.DataFrame({"pt": pt, "ptErr": pt * 0.02 * r.lognormal(0, 0.5, n)}).astype("f4")
    print("\npt=sigma:0.1*ptErr")
    good = True
    for own in ("exact", "rel:0.01"):
        data = compress(table, f"pt=sigma:0.1*ptErr,ptErr={own}")
        back = decompress(data)
        limit = 0.1 * table["ptErr"].to_numpy(float)
        error = (back["pt"].to_numpy(float) - table["pt"].to_numpy(float)) / limit
        good &= np.abs(error).max() <= 1 and abs(error.mean()) <= 0.01
        fine = len(compress(table, f"pt=rel:{float((limit / table['pt']).min()):.3g},ptErr={own}"))
        print(f"ptErr {own:9} |mean| {abs(error.mean()):.5f}, largest {np.abs(error).max():.4f} of the bound; "
              f"{8 * len(data) / n:.2f} bits a row ({8 * fine / n:.2f} with one relative bound for all)")
    return bool(good)


def parallel_objects(events: int, dtype: str = "f4", nearest: float = -3) -> tuple[pd.DataFrame, np.ndarray]:
    "Objects of events, a tenth of them nearly parallel to the one before (to 10**nearest); offsets of the events."
    r = np.random.default_rng(5)
    offsets = np.concatenate([[0], np.cumsum(r.poisson(2.5, events))])
    n = int(offsets[-1])
    table = {"pt": 5 + r.exponential(30, n), "eta": r.normal(0, 1.5, n), "phi": r.uniform(-3.1, 3.1, n)}
    near = r.integers(1, n, n // 10)
    for c in ("eta", "phi"):
        table[c][near] = table[c][near - 1] + 10.0 ** r.uniform(nearest, 0, len(near)) * r.normal(size=len(near))
    table["phi"] = (table["phi"] + np.pi) % (2 * np.pi) - np.pi
    return pd.DataFrame(table | {"m": 0.10566}, index=event_index(offsets)).astype(dtype), offsets


def pairs(events: int) -> bool:
    "Masses of all pairs in every event, a tenth of the objects nearly parallel to others."
    table, offsets = parallel_objects(events)
    n = len(table)
    i, j = (np.concatenate(x) for x in zip(*pairs_in_events(offsets)))
    masses = lambda t: pair_masses({c: t[c].to_numpy() for c in t}, i, j)
    before, good = masses(table), True
    print(f"\n{events:,} events, {n:,} objects, {len(i):,} pairs, 1e-3 for pt, eta, phi")
    for wish in (None, 1e-2, 1e-3, 1e-4):
        start = time.perf_counter()
        data = compress(table, "1e-3", computed=[f"mass(jets)=rel:{wish}"] if wish else [])
        took, back = time.perf_counter() - start, decompress(data)
        off = np.abs(masses(back) - before) / before
        good &= not wish or off.max() <= wish
        said = f"rel:{wish:g}" if wish else "free"
        print(f"mass {said:9} worst {off.max():.2e}, {8 * len(data) / n:.2f} bits an object, "
              f"{(back['eta'] == table['eta']).mean():.2%} exact, {took:.2f} s")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10**6)
    n = parser.parse_args().rows
    kept = [rounding(n), spikes(n), in_units(n), pairs(n // 5)]
    print("\nall promises kept" if all(kept) else f"\nbroken: {kept}")
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
