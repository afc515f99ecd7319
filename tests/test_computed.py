"""What is computed from rounded columns: masses of pairs within their bound in every event, matrices that stay positive
definite."""

import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import ROOT

from hepae.cli.main import cli
from hepae.codec.tables import compress, decompress
from hepae.core import BoundError, UsageError
from hepae.physics.pair_masses import pair_masses, pairs_in_events
from hepae.schema import schema_of

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
from unbiased import parallel_objects  # noqa: E402

BOUND = "pt=rel:1e-3,eta=abs:1e-3,phi=abs:1e-3"


def objects(events: int = 30_000, dtype: str = "f4") -> tuple[pd.DataFrame, np.ndarray]:
    "Objects of events, a tenth of them nearly parallel to the one before; offsets of the events."
    return parallel_objects(events, dtype, -4)


def masses(table: pd.DataFrame, offsets: np.ndarray) -> np.ndarray:
    "Of all pairs in all events; written anew, in long double, from E and p."
    i, j = (np.concatenate(x) for x in zip(*pairs_in_events(offsets)))
    pt, eta, phi, m = (table[c].to_numpy().astype(np.longdouble) for c in ("pt", "eta", "phi", "m"))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    E = np.sqrt(px**2 + py**2 + pz**2 + m**2)
    square = (E[i] + E[j]) ** 2 - sum((p[i] + p[j]) ** 2 for p in (px, py, pz))
    return np.sqrt(np.maximum(square, 0)).astype(float)


@pytest.mark.parametrize("how", [{}, {"dither": 3}, {"rows": 7000, "threads": 2}])
@pytest.mark.parametrize("wish", ["rel:1e-2", "rel:1e-4", "abs:0.05"])
def test_the_mass_of_every_pair(wish, how):
    table, offsets = objects()
    back = decompress(compress(table, BOUND, computed=[f"mass(jets)={wish}"], **how))
    mode, size = wish.split(":")
    before, after = masses(table, offsets), masses(back, offsets)
    limit = float(size) * (before if mode == "rel" else 1)
    assert (np.abs(after - before) <= limit * (1 + 1e-6)).all()
    plain = masses(decompress(compress(table, BOUND)), offsets)
    assert (np.abs(plain - before) > limit).mean() > 1e-3
    if not how:
        same = np.mean([(back[c] == table[c]).mean() for c in ("pt", "eta", "phi")])
        assert same < 0.15  # tighter bounds, not all exact


def test_rows_without_an_order_in_their_event():
    "Sorted within events: the same pairs."
    table, offsets = objects(3000)
    back = decompress(compress(table, BOUND, computed=["mass=rel:1e-4"], unordered="events"))
    of = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets) * (np.diff(offsets) - 1) // 2)
    each = []
    for t in (table, back):
        sizes = [np.diff(offsets)[k] for k in range(len(offsets) - 1)]
        events = np.concatenate([np.flatnonzero(np.array(sizes) == n) for n in np.unique(sizes) if n > 1])
        many = [sizes[e] * (sizes[e] - 1) // 2 for e in events]
        order = np.repeat(events, many)
        m = masses(t, offsets)
        each.append(m[np.lexsort([m, order])])
    assert len(of) == len(each[0]) and (np.abs(each[1] - each[0]) <= 1e-4 * (1 + 1e-6) * each[0]).all()


def covariances(n: int = 20_000, size: int = 5, dtype: str = "f4") -> pd.DataFrame:
    "Covariance matrices, one in ten of them nearly singular; of any scale."
    r = np.random.default_rng(7)
    a = r.normal(size=(n, size, 4 * size))
    a[: n // 10, :, 1:] *= 10.0 ** r.uniform(-4, 0, (n // 10, 1, 1))
    a *= 10.0 ** r.uniform(-3, 0, (n, size, 1))
    matrices = a @ a.transpose(0, 2, 1)
    upper = {f"cov_{i}{j}": matrices[:, i, j] for i in range(size) for j in range(i, size)}
    return pd.DataFrame(upper | {"other": r.normal(size=n)}).astype(dtype)


def definite(table: pd.DataFrame, size: int = 5) -> np.ndarray:
    "Has each matrix only eigenvalues above 0, and what LAPACK's Cholesky needs?"
    full = np.empty((len(table), size, size))
    for i in range(size):
        for j in range(i, size):
            full[:, i, j] = full[:, j, i] = table[f"cov_{i}{j}"]
    scale = np.sqrt(np.maximum(np.einsum("nii->ni", full), 1e-300))
    return np.linalg.eigvalsh(full / scale[:, :, None] / scale[:, None, :])[:, 0] > 0


@pytest.mark.parametrize("bound", ["rel:1e-3", "bits:7", "abs:1e-4"])
@pytest.mark.parametrize("size, dtype", [(2, "f4"), (3, "f8"), (5, "f4")])
def test_matrices_stay_positive_definite(size, dtype, bound):
    table = covariances(size=size, dtype=dtype)
    names = [c for c in table if c != "other"]
    wish = f"positive({', '.join(names)})"
    back, plain = (decompress(compress(table, bound, computed=k)) for k in ([wish], []))
    before, after = definite(table, size), definite(back, size)
    assert before.mean() > 0.5 and after[before].all()
    assert (~definite(plain, size)[before]).sum() > (0 if size == 2 and bound != "abs:1e-4" else 10)
    assert (back["other"] != table["other"]).mean() > 0.9
    assert (back[names[0]] != table[names[0]]).mean() > 0.02


def run(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_compress_and_verify_a_table(tmp_path):
    table, _ = objects(2000)
    source, packed = tmp_path / "t.parquet", tmp_path / "t.hepae"
    table.to_parquet(source)
    done = run("compress", source, "-o", packed, "--bound", BOUND, "--keep", "mass(jets)=rel:1e-4")
    assert done.exit_code == 0 and "pt rel:1e-3" not in done.output, done.output  # it says the tighter bounds
    checked = run("verify", source, packed, "--json")
    assert checked.exit_code == 0 and '"mass(jets)"' in checked.output, checked.output
    other = tmp_path / "other.parquet"
    r = np.random.default_rng(1)
    bounds = {c.name: float(c.bound.split(":")[1]) for c in schema_of(decompress(packed.read_bytes())).columns
              if c.bound != "exact"}
    moved = table.assign(eta=table["eta"] + (0.6 * bounds["eta"] * r.choice([-1, 1], len(table))).astype("f4"))
    moved.to_parquet(other)
    assert isinstance(run("verify", other, packed).exception, BoundError)


def test_collections_of_a_root_file(tmp_path):
    "Muons, jets and a matrix of tracks, in one file; `verify` counts pairs."
    import awkward as ak
    import uproot

    table, offsets = objects(2000)
    tracks = covariances(3000, 3).iloc[:2000]
    jagged = lambda x: ak.unflatten(ak.Array(x), np.diff(offsets))
    objects_of = {c: jagged(table[c].to_numpy()) for c in table}
    source, packed, back = (tmp_path / name for name in ("a.root", "a.hepae", "b.root"))
    with uproot.recreate(source) as file:
        file["Events"] = {"Muon": ak.zip(objects_of)} | {c: tracks[c].to_numpy() for c in tracks if c != "other"}
    wishes = ["mass(Muon)=rel:1e-3", f"positive({','.join(c for c in tracks if c != 'other')})"]
    options = [x for wish in wishes for x in ("--keep", wish)]
    done = run("compress", source, "-o", packed, "--bound", "rel:1e-3,*eta=abs:1e-3,*phi=abs:1e-3", *options)
    assert done.exit_code == 0, done.output
    checked = run("verify", source, packed, "--json")
    assert checked.exit_code == 0 and '"mass(Muon)"' in checked.output and "positive" in checked.output
    assert run("decompress", packed, "-o", back).exit_code == 0
    with uproot.open(back) as file:
        found = pd.DataFrame({c: ak.to_numpy(ak.flatten(file[f"Events/Muon.{c}"].array())) for c in table})
        matrices = pd.DataFrame({c: file[f"Events/{c}"].array(library="np") for c in tracks if c != "other"})
    before = masses(table, offsets)
    assert (np.abs(masses(found, offsets) - before) <= 1e-3 * (1 + 1e-6) * before).all()
    assert definite(matrices, 3)[definite(tracks, 3)].all()


@pytest.mark.parametrize("wish", ["mass(jets)=bits:3", "mass(jets)", "positive(pt,eta)", "positive(pt,eta,nothing)",
                                  "mean(pt)=abs:1", "mass(jets)=abs:-1"])
def test_wishes_that_make_no_sense(wish):
    with pytest.raises(UsageError):
        compress(objects(100)[0], BOUND, computed=[wish])


def test_what_does_not_go_together(tmp_path):
    table = objects(100)[0]
    with pytest.raises(UsageError, match="no events"):
        compress(table.reset_index(drop=True), BOUND, computed=["mass=rel:1e-4"])
    with pytest.raises(UsageError, match="unordered"):
        compress(table, BOUND, computed=["mass=rel:1e-4"], unordered="table")
    with pytest.raises(UsageError, match="choose all, final"):
        raise run("compress", "x", "-o", tmp_path / "y", "--keep", "fina").exception


def test_of_what_is_exact_nothing_is_asked():
    "Without rounding all masses are as they were, and no byte is spent."
    table, _ = objects(500)
    assert abs(len(compress(table, computed=["mass=rel:1e-9"])) - len(compress(table))) < 40


def test_pairs_of_coordinates():
    "The formula without cancellations is that of long double."
    table, offsets = objects(5000, "f8")
    i, j = (np.concatenate(x) for x in zip(*pairs_in_events(offsets)))
    found = pair_masses({c: table[c].to_numpy() for c in table}, i, j)
    np.testing.assert_allclose(found, masses(table, offsets), rtol=1e-5)
