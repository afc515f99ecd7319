"""Bounds in units of another column: |back − value| ≤ x·error in every row."""

import io

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from hepae.cli.main import cli
from hepae.codec.bound_text import with_bounds
from hepae.codec.container import Reader
from hepae.codec.header import Header
from hepae.codec.tables import compress, decompress
from hepae.core import BoundError, HepaeError, UsageError
from hepae.metrics import bound_violations, within_bound
from hepae.schema import Column, infer_schema, schema_of

N = 10**6


def tracks(n: int = N, dtype: str = "f4") -> pd.DataFrame:
    "Momenta and their errors, some of which are none."
    r = np.random.default_rng(3)
    pt = 20 + r.exponential(40, n)
    error = pt * 0.02 * r.lognormal(0, 0.5, n)
    error[:: n // 20] = [0, -1, np.nan, np.inf, -np.inf] * 4
    table = pd.DataFrame({"Mu_pt": pt, "Mu_ptErr": error, "Mu_eta": r.normal(0, 1.5, n)}).astype(dtype)
    table.loc[5:7, "Mu_pt"] = [np.nan, np.inf, -0.0]
    return table


@pytest.mark.parametrize("dither", [None, 5])
@pytest.mark.parametrize("rounded", ["exact", "rel:1e-2", "bits:5", "abs:0.05"])
def test_every_row_keeps_its_own_bound(rounded, dither):
    t = tracks()
    data = compress(t, f"Mu_pt=sigma:0.1*Mu_ptErr,Mu_ptErr={rounded}", dither=dither)
    back = decompress(data)
    a, b, sigma = t["Mu_pt"].to_numpy(float), back["Mu_pt"].to_numpy(float), t["Mu_ptErr"].to_numpy(float)
    good = np.isfinite(sigma) & (sigma > 0) & np.isfinite(a)
    error, limit = b[good] - a[good], 0.1 * sigma[good]
    assert (np.abs(error) <= limit).all() and abs((error / limit).mean()) < 0.01
    np.testing.assert_array_equal(t["Mu_pt"].to_numpy()[~good], back["Mu_pt"].to_numpy()[~good])
    assert bound_violations(t, back, schema_of(back)).sum() == 0
    assert len(data) < len(compress(t, f"Mu_pt=rel:1e-4,Mu_ptErr={rounded}"))


def test_a_bound_that_is_broken_is_seen():
    t = tracks(1000)
    column = Column("Mu_pt", bound="sigma:0.1*Mu_ptErr")
    off = (t["Mu_pt"] + 0.11 * t["Mu_ptErr"]).to_numpy()
    assert not within_bound(t["Mu_pt"], off, column, t["Mu_ptErr"].to_numpy(float))[8:49].any()


def test_patterns_name_the_column_of_each():
    t = tracks(1000).assign(El_pt=1.0, El_ptErr=0.1)
    found = with_bounds(infer_schema(t), "*_pt=sigma:0.1*{name}Err")
    assert found["Mu_pt"].bound == "sigma:0.1*Mu_ptErr" and found["El_pt"].bound == "sigma:0.1*El_ptErr"


@pytest.mark.parametrize("bound", ["Mu_pt=sigma:0.1*nothing", "Mu_pt=sigma:0.1", "Mu_pt=sigma:-1*Mu_ptErr",
                                   "Mu_pt=sigma:0.1*Mu_ptErr,Mu_ptErr=sigma:0.1*Mu_eta", "Mu_pt=sigma:0.1*Mu_pt"])
def test_what_makes_no_sense(bound):
    with pytest.raises(UsageError):
        compress(tracks(100), bound)


def test_integers_as_units():
    t = pd.DataFrame({"x": np.random.default_rng(1).normal(0, 50, 5000), "k": np.arange(5000) % 4})
    back = decompress(compress(t, "x=sigma:0.5*k"))
    assert (np.abs(back["x"] - t["x"]) <= 0.5 * t["k"]).all()
    assert (back["x"][t["k"] == 0] == t["x"][t["k"] == 0]).all()


def test_on_the_command_line(tmp_path):
    t, source, packed = tracks(5000), tmp_path / "t.parquet", tmp_path / "t.hepae"
    t.to_parquet(source)
    run = lambda *a: CliRunner().invoke(cli, list(map(str, a)))
    assert run("compress", source, "-o", packed, "--bound", "Mu_pt=sigma:0.1*Mu_ptErr").exit_code == 0
    assert run("verify", source, packed).exit_code == 0
    t["Mu_pt"] += 0.21 * t["Mu_ptErr"]
    t.to_parquet(source)
    assert isinstance(run("verify", source, packed).exception, BoundError)


def test_a_branch_of_a_whole_root_file(tmp_path):
    "Objects' branches, too."
    import uproot

    r, n = np.random.default_rng(2), 2000
    pt = r.exponential(30, n)
    source, packed, back = tmp_path / "a.root", tmp_path / "a.hepae", tmp_path / "b.root"
    with uproot.recreate(source) as file:
        file["t"] = {"pt": pt.astype("f4"), "ptErr": (pt * 0.02).astype("f4"), "n": np.arange(n)}
    run = lambda *a: CliRunner().invoke(cli, list(map(str, a)))
    done = run("compress", source, "-o", packed, "--bound", "pt=sigma:0.1*ptErr")
    assert done.exit_code == 0, done.output
    assert run("verify", source, packed).exit_code == 0
    assert run("decompress", packed, "-o", back).exit_code == 0
    with uproot.open(source) as one, uproot.open(back) as other:
        a, sigma = (one[f"t/{c}"].array(library="np") for c in ("pt", "ptErr"))
        b = other["t/pt"].array(library="np")
    assert (np.abs(b.astype(float) - a) <= 0.1 * sigma.astype(float)).all() and (a != b).any()


def test_units_that_the_plan_has_no_place_for():
    "Errors are far from 0 in the first chunk, and a few near it in the next one escape: so do the values beside them."
    r, n = np.random.default_rng(41), 1000
    error = r.choice([-1, 1], n) * r.lognormal(0, 0.5, n)
    late = 500 + np.arange(0, 500, 25)
    error[late] = 1e-6 * r.lognormal(0, 0.5, len(late))
    table = pd.DataFrame({"x": r.normal(0, 1, n), "dx": error})
    data = compress(table, "x=sigma:0.1*dx,dx=rel:1e-2", rows=500)
    back = decompress(data)
    plan = Header.from_dict(Reader(io.BytesIO(data)).facts).plan
    assert any(p.dead_zone for p in plan) and (back["dx"].iloc[late] == table["dx"].iloc[late]).all()
    good = table["dx"] > 0
    assert (np.abs(back["x"] - table["x"])[good] <= 0.1 * table["dx"][good]).all()
    assert (back["x"][~good] == table["x"][~good]).all()


def test_a_header_with_a_unit_that_is_not_there():
    "A damaged file, not a wrong use."
    facts = Reader(io.BytesIO(compress(tracks(1000), "Mu_pt=sigma:0.1*Mu_ptErr"))).facts
    facts["columns"][0][4] = "sigma:0.1*Mu_pt"
    with pytest.raises(HepaeError, match="damaged header") as error:
        Header.from_dict(facts)
    assert not isinstance(error.value, UsageError)
