"""Random tables through compress and decompress, checked in extended precision by code of their own: 0 values broken.

    python tests/benchmarks/random_tables.py [--values 1e7] [--seed 1]

Every dtype (float16, float32, float64, integers, bool); smooth values, lattices, short mantissas, labels,
sentinels, NaN, infinities, −0.0, subnormals, huge numbers, angles near ±π, in degrees and from 0 to 2π; bounds of
each kind and size; with and
without events; rows in order and without. Nothing of hepae.metrics is used: a difference is a plain difference of
long doubles. Ends with 1 if a value is broken.
"""

import argparse
import sys
import time
from collections import Counter

import numpy as np
import pandas as pd

from hepae.codec.tables import compress, decompress
from hepae.schema import event_index

FLOATS = ("float16", "float32", "float64")
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
NAMES = [
    "pt", "eta", "phi", "m", "E", "px", "charge", "Jet_pt", "Jet_phi", "met", "x", "y", "weight", "author", "a:b",
    "dphi",
]


# ---- values ----


def smooth(random: np.random.Generator, n: int) -> np.ndarray:
    scale = 10.0 ** random.uniform(-6, 6)
    return [random.normal, random.uniform, random.exponential][random.integers(3)](size=n) * scale + random.choice(
        [0, 0, 1, -100]
    ) * scale


def lattice(random: np.random.Generator, n: int) -> np.ndarray:
    step = random.choice([0.1, 0.5, 1, 0.001, 1 / 3, 2.0**-7, 10.0 ** random.uniform(-4, 3)])
    return random.integers(-1000, 1000, n) * step + random.choice([0, 0, 0.25 * step, 0.7])


def short(random: np.random.Generator, n: int) -> np.ndarray:
    drop = int(random.integers(8, 20))
    return (random.exponential(30, n).astype("f4").view("u4") >> drop << drop).view("f4") * random.choice([-1, 1], n)


def labels(random: np.random.Generator, n: int) -> np.ndarray:
    return random.choice([-1, 0, 1, 16, -999, 0.1, 0.000511, 125.1, 1e-3][: random.integers(1, 10)], n)


def with_sentinel(random: np.random.Generator, n: int) -> np.ndarray:
    return np.where(
        random.uniform(size=n) < random.choice([0.001, 0.1, 0.6]),
        random.choice([-999, 0, -1, 1e9, 9999]),
        smooth(random, n),
    )


def odd(random: np.random.Generator, n: int) -> np.ndarray:
    strange = np.array(
        [
            np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, -1e-310, 1e-40, -1e-42, 6e-8, 1.7e308, -1.7e308, 3.4e38,
            -3.4e38, 65504, 1e-45, np.pi, -np.pi, 1, -1,
        ]
    )
    return np.where(
        random.uniform(size=n) < random.choice([0.01, 0.3, 1]), random.choice(strange, n), smooth(random, n)
    )


def wide(random: np.random.Generator, n: int) -> np.ndarray:
    return 10.0 ** random.uniform(-300, 300, n) * random.choice([-1, 1], n)


def angles(random: np.random.Generator, n: int) -> np.ndarray:
    x = random.uniform(-np.pi, np.pi, n)
    edge = np.pi - 10.0 ** random.uniform(-8, -1, n)
    x = np.where(random.uniform(size=n) < 0.3, edge * random.choice([-1, 1], n), x)
    way = random.integers(5)
    if way == 1:
        x = x % (2 * np.pi)
    if way == 2:
        x = np.degrees(x)
    if way == 3:
        x = np.where(random.uniform(size=n) < 0.05, -999, x)
    if way == 4:
        x = np.where(
            random.uniform(size=n) < 0.01, random.choice([np.pi, -np.pi, np.float32(np.pi), -np.float32(np.pi)], n), x
        )
    return x


KINDS = [smooth, smooth, lattice, short, labels, with_sentinel, odd, wide, angles, angles]


def integers(random: np.random.Generator, n: int, dtype: str) -> np.ndarray:
    info = np.iinfo(dtype)
    if random.uniform() < 0.4:
        return random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
    if random.uniform() < 0.5:
        return random.choice(np.array([info.min, info.max, 0, 1], dtype), n)
    return np.clip(random.poisson(random.choice([0.1, 3, 50]), n), info.min, info.max).astype(dtype)


def bound(random: np.random.Generator, dtype: str) -> str:
    way = random.integers(10)
    if way < 4:
        usual, extreme = 10.0 ** random.uniform(-6, 1), 10.0 ** random.uniform(-30, 30)
        return f"abs:{random.choice([usual, extreme, 1e-3, 0.5, 3.1, 3.2]):.6g}"
    if way < 7:
        return f"rel:{random.choice([10.0 ** random.uniform(-7, -0.01), 10.0 ** random.uniform(-18, -3), 1e-3]):.6g}"
    return "exact" if way == 7 else f"bits:{random.integers(1, 53)}"


def column(random: np.random.Generator, n: int) -> tuple[np.ndarray, str]:
    "Values and a bound."
    way = random.uniform()
    if way < 0.08:
        return random.integers(0, 2, n).astype(bool), "exact"
    if way < 0.25:
        return integers(random, n, str(random.choice(INTEGERS))), "exact"
    dtype = str(random.choice(FLOATS))
    with np.errstate(all="ignore"):
        x = KINDS[random.integers(len(KINDS))](random, n).astype(dtype)
    return x, bound(random, dtype)


def random_table(random: np.random.Generator) -> tuple[pd.DataFrame, dict[str, str]]:
    "A table, and the bounds of its columns."
    n = int(random.choice([1, 2, 10, 100, 1000, 5000, 20_000], p=[0.02, 0.03, 0.05, 0.1, 0.3, 0.3, 0.2]))
    names = random.choice(NAMES, random.integers(1, 9), replace=False).tolist()
    made = {name: column(random, n) for name in names}
    table = pd.DataFrame({name: x for name, (x, _) in made.items()})
    if random.uniform() < 0.4:
        table.index = events(random, n)
    return table, {name: b for name, (_, b) in made.items()}


def events(random: np.random.Generator, n: int) -> pd.MultiIndex:
    "Rows in events, some of them empty."
    offsets = np.unique(np.append(np.cumsum(random.integers(0, 6, n)).clip(0, n), [0, n]))
    return event_index(np.sort(np.append(offsets, random.choice(offsets, random.integers(0, 3)))))


# ---- the check ----


def limit(x: np.ndarray, text: str, dtype: np.dtype) -> np.ndarray:
    "The largest |difference| allowed, as long doubles; a bound is the decimal number that was written."
    mode, _, size = text.partition(":")
    magnitude = np.abs(x.astype(np.longdouble))
    if mode == "abs":
        return np.full(len(x), np.longdouble(size))
    if mode == "rel":
        return np.longdouble(size) * magnitude
    return magnitude * np.longdouble(2) ** -(int(size) + 1)


def broken(x: np.ndarray, back: np.ndarray, text: str) -> np.ndarray:
    "(n,) which values did not come back as promised."
    if x.dtype != back.dtype:
        return np.ones(len(x), bool)
    same = x.view(f"u{x.itemsize}") == back.view(f"u{x.itemsize}") if x.dtype.kind == "f" else x == back
    if x.dtype.kind != "f":
        return ~same
    same |= np.isnan(x) & np.isnan(back)
    if text == "exact":
        return ~same
    with np.errstate(all="ignore"):
        finite = np.isfinite(x) & np.isfinite(back) & ~((x == 0) & np.signbit(x))  # −0.0 stays −0.0
        error = np.abs(back.astype(np.longdouble) - x.astype(np.longdouble))
        return ~(same | (finite & (error <= limit(x, text, x.dtype))))


def unordered_back(table: pd.DataFrame, bounds: dict[str, str], unordered: str) -> pd.DataFrame:
    "The rows that come back from a file without their order, in the order of `table`: a number goes with each."
    numbered = table.assign(row=np.arange(len(table)))
    back = decompress(compress(numbered, bounds | {"row": "exact"}, unordered=unordered))
    return back.sort_values("row", kind="stable").drop(columns="row")


def check(table: pd.DataFrame, bounds: dict[str, str], unordered: str, found: Counter) -> list[str]:
    "What is wrong with a table that went through the codec."
    if unordered:
        back = unordered_back(table, bounds, unordered)
    else:
        back = decompress(compress(table, bounds))
    if len(back) != len(table) or list(back.columns) != list(table.columns):
        return ["other rows or columns"]
    if not unordered and not back.index.equals(table.index):
        return ["another index"]
    wrong = []
    for name, text in bounds.items():
        x, y = table[name].to_numpy(), back[name].to_numpy()
        bad = np.flatnonzero(broken(x, y, text))
        found["values"] += len(x)
        found[f"{x.dtype} {text.partition(':')[0]}"] += len(x)
        found["broken"] += len(bad)
        if len(bad):
            wrong.append(
                f"{name} {x.dtype} {text}: {len(bad)} of {len(x)} broken, first {x[bad[0]]!r} -> {y[bad[0]]!r}"
            )
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=float, default=1e7)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    found, tables, failed, start = Counter(), 0, 0, time.time()
    while found["values"] < args.values:
        random = np.random.default_rng([args.seed, tables])
        table, bounds = random_table(random)
        ways = [""] + ["table"] * (table.shape[1] > 1) + ["events"] * (table.index.nlevels == 2)
        unordered = str(random.choice(ways))
        try:
            wrong = check(table, bounds, unordered, found)
        # whatever it is, it is named with its table
        except Exception as e:
            wrong = [f"{type(e).__name__}: {str(e)[:300]}"]
        if wrong:
            failed += 1
            print(
                f"table {tables} of seed {args.seed} ({len(table)} "
                f"rows{', unordered ' + unordered if unordered else ''}): " + "; ".join(wrong),
                flush=True,
            )
        tables += 1
        if tables >= 100 and not found["values"]:
            break
    for kind in sorted(k for k in found if " " in k):
        print(f"{kind:16} {found[kind]:>12,}")
    print(
        f"{tables:,} tables, {found['values']:,} values, {found['broken']:,} broken, {failed} tables "
        f"failed, {time.time() - start:.0f} s"
    )
    sys.exit(1 if found["broken"] or failed else 0)


if __name__ == "__main__":
    main()
