"""Dithered bins: each value within its bound, no mean shifted, and histograms without spikes or empty bins."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepae.codec.row_bins import random_draws
from hepae.codec.tables import compress, decompress, read_rows
from hepae.core import UsageError
from hepae.metrics import bound_violations
from hepae.schema import schema_of

N = 10**6


def table(n: int = N) -> pd.DataFrame:
    "Spectra, angles, a score with a sentinel, a charge, an ADC's counts."
    r = np.random.default_rng(5)
    found = {
        "pt": 20 + r.exponential(40, n),
        "eta": r.normal(0, 1.5, n),
        "phi": r.uniform(-np.pi, np.pi, n),
        "score": np.where(r.random(n) < 0.1, -999, r.normal(0, 1, n)),
        "charge": r.choice([-1.0, 1.0], n),
        "counts": r.integers(-5000, 5000, n) * 0.0237 + 0.011,
        "width": np.abs(r.normal(0, 0.2, n)),
    }
    return pd.DataFrame(found).astype("f4")


BOUND = "pt=abs:0.3,eta=abs:0.05,phi=abs:0.05,score=abs:0.05,charge=rel:0.1,counts=rel:0.05,width=abs:0.008"


@pytest.fixture(scope="module")
def files() -> tuple[pd.DataFrame, bytes, bytes]:
    t = table()
    return t, compress(t, BOUND, dither=11), compress(t, BOUND)


def chi2(original: np.ndarray, back: np.ndarray, bins: int = 200) -> float:
    "χ² of two histograms, for each degree of freedom."
    edges = np.linspace(*np.quantile(original, [0.001, 0.999]), bins + 1)
    a, b = (np.histogram(x, edges)[0] for x in (original, back))
    return float(((a - b) ** 2 / np.maximum(a + b, 1)).sum() / bins)


def test_bounds_and_means(files):
    t, dithered, _ = files
    back = decompress(dithered)
    assert bound_violations(t, back, schema_of(back)).sum() == 0
    for c in t:
        mode, size = schema_of(back)[c].bound.split(":")
        a, b = t[c].to_numpy(float), back[c].to_numpy(float)
        error = (b - a) / float(size) / (1 if mode == "abs" else a)
        assert abs(error.mean()) <= 0.01 and abs((error * np.sign(a)).mean()) <= 0.01, c


def test_no_spikes_at_200_bins(files):
    "The histogram of what comes back is that of the original, while plain bins leave spikes and holes."
    t, dithered, plain = files
    back, rounded = decompress(dithered), decompress(plain)
    for c in ("pt", "eta", "phi", "width"):
        assert chi2(t[c], back[c]) < 1, c
        assert chi2(t[c], rounded[c]) > 20, c
    measured = t["score"] > -100
    assert chi2(t["score"][measured], back["score"][measured]) < 1


def test_what_is_frequent_is_exact_and_nothing_else_becomes_it(files):
    t, dithered, _ = files
    back = decompress(dithered)
    assert (back["charge"] == t["charge"]).all()
    assert ((t["score"] == -999) == (back["score"] == -999)).all()
    assert back["width"].min() >= 0 and back["phi"].abs().max() <= np.float32(np.pi)


def test_the_error_is_independent_of_the_value(files):
    t, dithered, _ = files
    back = decompress(dithered)
    for c, width in (("pt", 0.6), ("eta", 0.1)):
        a = t[c].to_numpy(float)
        error, place = back[c].to_numpy(float) - a, (a / width % 1 * 20).astype(int)
        means = [error[place == k].mean() for k in range(20)]
        spreads = [error[place == k].std() for k in range(20)]
        assert np.abs(means).max() < 0.01 * width and np.ptp(spreads) < 0.01 * width
        assert abs(np.corrcoef(error, a)[0, 1]) < 0.005


def test_any_rows_any_threads_any_chunks():
    t = table(20_000)
    data = compress(t, BOUND, dither=3, rows=3000)
    assert data == compress(t, BOUND, dither=3, rows=3000, threads=3)
    back = decompress(data)
    assert read_rows(io.BytesIO(data), 8990, 9010).equals(back.iloc[8990:9010])
    assert not back.equals(decompress(compress(t, BOUND, dither=4, rows=3000)))


def test_each_chunk_has_its_own_places():
    "The same values in two chunks come back otherwise."
    t = pd.concat([table(3000)] * 2, ignore_index=True)
    back = decompress(compress(t, BOUND, dither=3, rows=3000))["eta"].to_numpy()
    assert (back[:3000] != back[3000:]).mean() > 0.9


def test_draws_are_what_the_format_says():
    "As in FORMAT.md."
    assert random_draws(7, 0, "", "pt", 3).tolist() == [88890, 70039, 111307]


@pytest.mark.parametrize("how", [{"unordered": "table"}, {"unordered": "events"}, {"dither": -1}, {"dither": 2**63}])
def test_what_does_not_go_together(how):
    with pytest.raises(UsageError, match="dither"):
        compress(table(100), BOUND, **{"dither": 1, **how})


def test_on_the_command_line(tmp_path):
    "A table, and a whole ROOT file; `verify` finds every value within its bound."
    from click.testing import CliRunner

    from hepae.cli.main import cli

    jets = Path(__file__).parents[1] / "data" / "jets.root"
    for source, more in ((jets, ["--dims", "4D"]), (jets, [])):
        out = tmp_path / f"{len(more)}.hepae"
        run = lambda *a: CliRunner().invoke(cli, list(map(str, a)))
        done = run("compress", source, "-o", out, "--bound", "1e-3", "--dither", "5", *more)
        assert done.exit_code == 0, done.output
        checked = run("verify", source, out)
        assert checked.exit_code == 0, checked.output


def test_inspect_says_it(tmp_path):
    "The seed, and what is computed, in files of both versions."
    from click.testing import CliRunner

    from hepae.cli.main import cli

    jets = Path(__file__).parents[1] / "data" / "jets.root"
    for k, more in enumerate((["--dims", "4D"], [])):
        out = tmp_path / f"{k}.hepae"
        run = lambda *a: CliRunner().invoke(cli, list(map(str, a)))
        wish = ["--keep", "mass(AntiKt4TruthJets)=abs:1e6"] if not k else []
        done = run("compress", jets, "-o", out, "--bound", "1e-3", "--dither", "5", *more, *wish)
        assert done.exit_code == 0, done.output
        shown = run("inspect", out).output
        assert "dithered with seed 5" in shown and ("kept: mass(" in shown) == (not k)


def test_arrays_in_python():
    "A dict, and a jagged array."
    import awkward as ak

    import hepae

    r = np.random.default_rng(3)
    x = r.normal(0, 1, 20_000).astype("f4")
    back = hepae.decompress(hepae.compress({"x": x}, bound="abs:0.1", dither=3))["x"].to_numpy()
    assert np.abs(back.astype(float) - x).max() <= 0.1 and len(np.unique(back)) > 10_000
    jagged = ak.unflatten(ak.Array(x), r.multinomial(20_000, np.full(9000, 1 / 9000)))
    back = ak.to_numpy(ak.flatten(hepae.decompress(hepae.compress(jagged, bound="abs:0.1", dither=3))))
    assert np.abs(back.astype(float) - x).max() <= 0.1 and len(np.unique(back)) > 10_000
