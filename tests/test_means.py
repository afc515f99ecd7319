"""Rounding does not shift means: the mean error of a column of 10,000 values is at most a hundredth of its bound,
whatever the values are."""

import numpy as np
import pandas as pd
import pytest

from hepae.codec.tables import compress, decompress

N = 10_000


def cut(x: np.ndarray, bits: int) -> np.ndarray:
    i, s = x.astype("f4").view("u4"), 23 - bits
    return (i + (1 << s - 1) >> s << s).view("f4")


COLUMNS = {
    "normal": lambda r: r.normal(0, 2, N),
    "spectrum": lambda r: 20 + r.exponential(40, N),
    "flat": lambda r: r.uniform(0, 1, N),
    "narrow": lambda r: r.normal(91.2, 0.01, N),
    "counts": lambda r: r.integers(-5000, 5000, N) * 0.0237 + 0.011,
    "decimals": lambda r: np.round(r.normal(0, 3, N), 3),
    "short": lambda r: cut(r.exponential(20, N), 9),
    "both signs": lambda r: r.choice([-1, 1], N) * r.exponential(30, N),
    "angles": lambda r: r.uniform(-np.pi, np.pi, N),
    "steps": lambda r: np.arange(N) * 0.1,
}
BOUNDS = ["abs:0.1", "abs:1e-3", "rel:0.2", "rel:1e-2", "rel:1e-3", "bits:4", "bits:10"]


def mean_errors(x: np.ndarray, back: np.ndarray, bound: str) -> list[float]:
    "In units of the bound: of b - a; or of (b - a)/a and (b - a)/|a|."
    mode, size = bound.split(":")
    error = back.astype(float) - x.astype(float)
    if mode == "abs":
        return [error.mean() / float(size)]
    limit = float(size) if mode == "rel" else 2.0 ** -(int(size) + 1)
    relative = np.divide(error, x.astype(float), out=np.zeros(N), where=x != 0) / limit
    return [relative.mean(), (relative * np.sign(x)).mean()]


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_column_is_shifted(bound, dtype):
    for seed in range(2):
        table = pd.DataFrame(
            {
                name: make(np.random.default_rng([seed, i])).astype(dtype)
                for i, (name, make) in enumerate(COLUMNS.items())
            }
        )
        back = decompress(compress(table, {c: bound for c in table}))
        for c in table:
            worst = np.abs(mean_errors(table[c].to_numpy(), back[c].to_numpy(), bound)).max()
            assert worst <= 0.01, (c, seed, worst)


def changing(r: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    "Columns whose first rows are not like the later ones."
    other = lambda a, b: np.concatenate([a[: n // 2], b[n // 2 :]])
    return {
        "a peak later": other(20 + r.exponential(1, n), r.normal(91, 2, n)),
        "sorted": np.sort(r.exponential(5, n)),
        "a lattice moved": other(r.integers(0, 5000, n) * 0.01 + 0.0013, r.integers(0, 5000, n) * 0.01 + 0.0047),
        "signs apart": other(-r.exponential(1, n) - 20, r.normal(91, 2, n)),
    }


@pytest.mark.parametrize("bound", ["abs:0.1", "rel:0.2", "rel:1e-3", "bits:4"])
def test_a_million_values_whose_later_rows_are_others(bound):
    "The mean error of all chunks together is at most a hundredth of the bound, and each value keeps its bound."
    n, (mode, size) = 10**6, bound.split(":")
    limit = 2.0 ** -(int(size) + 1) if mode == "bits" else float(size)
    table = pd.DataFrame(changing(np.random.default_rng(8), n)).astype("f4")
    back = decompress(compress(table, bound))
    for c in table:
        a, b = table[c].to_numpy(float), back[c].to_numpy(float)
        error = (b - a) / limit if mode == "abs" else (b - a) / a / limit
        assert abs(error.mean()) <= 0.01 and abs(error).max() <= 1, (c, error.mean())
        if mode != "abs":
            assert abs((error * np.sign(a)).mean()) <= 0.01, c


def test_angles_are_not_shifted():
    "Nor do they leave their turn."
    random = np.random.default_rng(3)
    for i in range(6):
        x = random.uniform(-np.pi, np.pi, N).astype("f4") if i % 2 else random.uniform(0, 2 * np.pi, N).astype("f4")
        back = decompress(compress(pd.DataFrame({"phi": x}), "phi=abs:0.01"))["phi"].to_numpy()
        assert (
            abs((back.astype(float) - x).mean()) <= 1e-4
            and back.min() >= (-np.float32(np.pi) if i % 2 else 0)
            and (np.sign(back) == np.sign(x))[np.abs(x) > 0.02].all()
        )


def test_what_is_never_negative_stays_so():
    "A width or a fraction does not become negative."
    for seed in range(6):
        x = np.abs(np.random.default_rng(seed).normal(0, 0.01, N)).astype("f4")
        assert decompress(compress(pd.DataFrame({"x": x}), "x=abs:0.004"))["x"].min() >= 0


def test_bins_are_moved_at_no_cost():
    "As many bits as without."
    from hepae.codec import new_header

    x = np.random.default_rng(7).normal(0, 1, N).astype("f4")
    table = pd.DataFrame({c: np.random.default_rng(i).permutation(x) for i, c in enumerate("abcd")})
    moved = len(compress(table, "abs:0.003"))
    plain, new_header.balanced = new_header.balanced, lambda x, column, variant: variant
    try:
        assert abs(moved - len(compress(table, "abs:0.003"))) < 40
    finally:
        new_header.balanced = plain
