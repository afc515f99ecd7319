"""Jets on shell: E ≥ p whatever a network says, no seam in an azimuth, a model that begins at the formula."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hepae.core import HepaeError, UsageError, rng
from hepae.files.reading import read
from hepae.physics.jet_coordinates import JetCoordinates
from hepae.learning.learner import train
from hepae.learning.prep import Normaliser, fit_normaliser
from hepae.learning.trained import TrainedModel
from hepae.schema import infer_schema, with_schema


def momentum(table: pd.DataFrame) -> np.ndarray:
    return table["pt"].to_numpy("f8") * np.cosh(table["eta"].to_numpy("f8"))


def jets(n: int = 300, seed: int = 1, m: bool = False) -> pd.DataFrame:
    "Jets all round, forward ones and massless ones among them; a second azimuth beside the first."
    r = rng(seed)
    pt, eta = 20e3 * (1 - r.random(n)) ** -0.3, r.uniform(-4.9, 4.9, n)
    mass, phi = pt * r.gamma(6, 0.03, n) * (r.random(n) < 0.9), r.uniform(-np.pi, np.pi, n)
    second = (phi + r.normal(0, 0.03, n) + np.pi) % (2 * np.pi) - np.pi
    columns = {"pt": pt, "eta": eta, "phi": phi, "E": np.hypot(pt * np.cosh(eta), mass), "ActiveArea4vec_phi": second}
    table = pd.DataFrame(columns | ({"m": mass} if m else {})).astype("f4")
    return with_schema(table, infer_schema(table, "MeV"))


@pytest.mark.parametrize("m", [False, True])
def test_there_and_back(m):
    table = jets(m=m)
    fitted = fit_normaliser(table, "on-shell")
    back = fitted.inverse(fitted.forward(table))
    np.testing.assert_allclose(back, table, rtol=3e-6, atol=1e-6)
    again = Normaliser.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted and (again.forward(table) == fitted.forward(table)).all()


@pytest.mark.parametrize("m", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@given(st.integers(0, 1000), st.sampled_from([0.1, 3.0, 30.0]))
def test_no_jet_is_faster_than_light(m, dtype, seed, noise):
    table = jets(m=m).astype(dtype)
    fitted = fit_normaliser(with_schema(table, infer_schema(table, "MeV")), "on-shell")
    y = fitted.forward(table) + rng(seed).normal(0, noise, (len(table), len(fitted.names)))
    back = fitted.inverse(y)
    assert np.isfinite(back.to_numpy()).all()
    with np.errstate(over="ignore"):
        p = momentum(back)
    assert ((back["E"].to_numpy("f8") >= p) | (back["E"] == np.finfo(dtype).max)).all()
    if m:
        assert (back["m"] >= 0).all()


def test_an_error_at_the_seam_is_small():
    table = jets(2000)
    fitted = fit_normaliser(table, "on-shell")
    back = fitted.inverse(fitted.forward(table) + rng(3).normal(0, 0.01, (len(table), len(fitted.names))))
    apart = np.abs(table["phi"] - table["ActiveArea4vec_phi"]) > 3
    assert apart.any()  # on either side of ±π
    assert np.abs(fitted.forward(table)[:, fitted.names.index("ActiveArea4vec_phi - phi")]).max() < 0.2
    for name in ("phi", "ActiveArea4vec_phi"):
        off = np.abs((back[name] - table[name] + np.pi) % (2 * np.pi) - np.pi)
        assert off.max() < 0.1


def test_below_the_shell_is_survived_and_counted():
    table = jets()
    table.loc[:4, "E"] *= np.float32(0.5)
    table.loc[5, "E"] = np.float32(0)
    fitted = fit_normaliser(table, "on-shell")
    lost = fitted.jets.below_shell(table)
    assert lost[:6].all() and (table["E"] < momentum(table))[lost].all()
    back = fitted.inverse(fitted.forward(table))
    np.testing.assert_allclose(back["E"][:6], momentum(table)[:6], rtol=1e-6)


def test_what_has_no_place_is_refused_by_name():
    table = jets()
    fitted = fit_normaliser(table, "on-shell")
    for name, value, said in ("pt", 0.0, "pt in 1 of"), ("pt", 0.0, "pt > 0"), ("E", np.nan, "m²/pt² in 1 of"):
        bad = table.copy()
        bad.loc[0, name] = np.float32(value)
        with pytest.raises(HepaeError, match=said):
            fitted.forward(bad)
    with pytest.raises(UsageError, match="needs the pt"):
        fit_normaliser(table[["eta", "phi"]], "on-shell")


@pytest.mark.parametrize("kept", [["mass"], ["phi", "nothing"], 3, [3], None])
def test_a_hostile_normaliser_is_refused(kept):
    data = fit_normaliser(jets(), "on-shell").to_dict()
    with pytest.raises(HepaeError):
        Normaliser.from_dict(data | {"kept": kept})


def test_a_column_called_like_a_coordinate():
    table = jets().assign(**{"sin phi": np.float32(1)})
    with pytest.raises(HepaeError, match="rename"):
        JetCoordinates(infer_schema(table, "MeV"))


def test_a_network_begins_at_the_formula(tmp_path):
    "All latents stored: they come back to the last bit, and E is on or above p from the first step."
    torch.set_num_threads(1)
    table = read("data/jets.root", "E4D").iloc[:6000]
    choice = dict(normalisation="on-shell", epochs=2, progress=False, preview=False, symmetry=True)
    model = train(table, tmp_path / "m", "AE_3D_200_stored", lr=1e-9, **choice)
    rows = table[model.split(table)["test"]]
    back = TrainedModel.load(tmp_path / "m").reconstruct(rows)
    assert (back[["pt", "eta", "phi"]] == rows[["pt", "eta", "phi"]]).all().all()
    assert list(model.encode(rows)) == ["pt", "eta", "phi"]
    said = model.model(torch.tensor(model.normaliser.forward(rows), dtype=torch.float32))
    assert said[:, model.normaliser.names.index("m²/pt²")].abs().max() < 1e-4  # one constant: the training mean
    assert (back["E"] >= momentum(back)).all()
    with torch.no_grad():
        model.model.decoder[-1].bias.fill_(-1000)  # no mass at all: E is p of what was stored, to its last bit
    massless = model.reconstruct(rows)
    off = massless["E"].astype("f8") / momentum(massless) - 1
    assert (off >= 0).all() and off.max() < 2 * np.finfo("f4").eps


def test_columns_that_are_stored_beside_latents(tmp_path):
    torch.set_num_threads(1)
    table = read("data/jets_27D.root", "27D").iloc[:1000]
    choice = dict(normalisation="on-shell", latent=14, epochs=1, progress=False, preview=False)
    model = train(table, tmp_path / "m", "AE_angles", **choice)
    back = model.reconstruct(table)
    assert (back[["eta", "phi"]] == table[["eta", "phi"]]).all().all() and (back["m"] >= 0).all()
    assert model.encode(table).shape == (1000, 14) and model.stored == ["eta", "phi"]
    apart = np.abs((back["ActiveArea4vec_phi"] - back["phi"] + np.pi) % (2 * np.pi) - np.pi)
    assert apart.max() < 1


def test_train_says_how_many_jets_lie_below_the_shell(tmp_path, capsys):
    "Said, and in the JSON: five jets with E < p are trained on with E = p; without such jets nothing is said."
    from hepae.cli.main import cli

    table = read("data/jets.root", "E4D").iloc[:3000]
    low = table.copy()
    low.iloc[5:10, low.columns.get_loc("E")] *= np.float32(0.01)
    for k, (rows, n) in enumerate([(table, 0), (low, 5)]):
        rows.to_pickle(tmp_path / f"{k}.pkl")
        how = ["--recipe", "AE_3D_200_stored", "--normalisation", "on-shell", "--epochs", "1", "--lr", "1e-3", "--json"]
        cli.main(["train", str(tmp_path / f"{k}.pkl"), "-o", str(tmp_path / f"m{k}"), *how], standalone_mode=False)
        done = capsys.readouterr()
        for said in ([done.err], json.loads(done.out)["remarks"]):
            assert sum(f"{n} of 3,000 jets have E < p or m < 0" in text for text in said) == bool(n), said


@pytest.mark.parametrize("name, form", [("jets", "E4D"), ("jets_27D", "27D"), ("jets_27D_ttbar", "27D")])
def test_committed_networks_keep_jets_physical(name, form):
    "No jet comes back with E < p or m < 0, and none is turned."
    folder = {"E4D": "4D/AE_3D_200", "27D": "27D/AE_27_14"}[form]
    table = read(f"data/{name}.root", form)
    back = TrainedModel.load(folder).reconstruct(table)
    assert (back[["eta", "phi"]] == table[["eta", "phi"]]).all().all()
    if "E" in back: assert (back["E"] >= momentum(back)).all()
    else: assert (back["m"] >= 0).all()
    if "ActiveArea4vec_phi" not in back: return
    off = np.abs((back["ActiveArea4vec_phi"] - table["ActiveArea4vec_phi"] + np.pi) % (2 * np.pi) - np.pi)
    assert (off > 0.5).mean() < 1e-3 and off[np.abs(table["phi"] - table["ActiveArea4vec_phi"]) > 3].max() < 0.5
