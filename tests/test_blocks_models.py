"""Networks on blocks of particles: what an event's latents depend on, masks, mass shells, quantiles for any
values, and hostile configurations."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import hepae
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepae.core import HepaeError, UsageError, rng
from hepae.learning.coordinates import KINDS, Coordinates, fit_coordinates
from hepae.learning.learner import train
from hepae.learning.model_folder import write_config
from hepae.learning.models import build_model, model_from_config
from hepae.learning.prep import PARTICLES, Normaliser, fit_normaliser
from hepae.learning.quantile import Quantile, fit_quantile
from hepae.learning.trained import TrainedModel
from hepae.physics.particles import faster_than_light, mass_squared, momenta
from hepae.schema import event_index, infer_schema, with_schema

# the tails of these few events are wild: some rows always lie far outside the training's
pytestmark = pytest.mark.filterwarnings("ignore::hepae.learning.ranges.ModelRemark")
settings.register_profile("hepae", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("hepae")
RECIPES = [
    "BIGGER_AE", "BIGGER_AE_bn_dropout", "BIGGER_AE_bypass", "BIGGER_AE_stored", "ResidualConnectionAE",
    "FSQ_AE",
    "TransformerAE", "TransformerAE_norank", "SetAE",
]


def particles(n=120, most=8, seed=41, unit="GeV"):
    "Events of 2 to `most` particles with a lepton pair in front; every tenth event is empty."
    counts = rng(seed, 1).integers(2, most + 1, n)
    counts[::10] = 0
    offsets, rows, r = np.cumsum([0, *counts]), counts.sum(), rng(seed)
    first = offsets[:-1][counts > 0]
    pid = r.choice([22, 211, -211, 2212], rows).astype("i4")
    pt, eta, phi = r.exponential(0.6, rows) + 0.01, r.normal(0, 4, rows), r.uniform(-np.pi, np.pi, rows)
    for k, kind in ((0, 11), (1, -11)):
        pid[first + k], pt[first + k], eta[first + k] = kind, r.normal(150, 10, len(first)), r.normal(0, 1, len(first))
    m = np.select([abs(pid) == 11, abs(pid) == 211, pid == 2212], [0.000511, 0.13957, 0.93827], 0.0)
    x = {
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * np.sinh(eta),
        "E": np.hypot(pt * np.cosh(eta), m),
        "m": m,
    }
    table = pd.DataFrame(
        {"pid": pid, "prompt": abs(pid) == 11} | {k: v * (1000 if unit == "MeV" else 1) for k, v in x.items()},
        event_index(offsets),
    )
    return with_schema(table, infer_schema(table, unit))


@pytest.fixture(scope="module")
def rows():
    "Normalised on-shell rows of 8 particles, NaN where none is."
    table = particles()
    wide = fit_coordinates(table, "on-shell", 8).wide(table)
    return torch.tensor(fit_normaliser(wide, "on-shell").forward(wide, absent=True), dtype=torch.float32)


def made(recipe, latent=10):
    "A model for 8 particles of 3 numbers."
    torch.manual_seed(41)
    return build_model(recipe, 24, latent, per_particle=3).eval()


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_event_has_no_neighbours(recipe, rows):
    """Latents and output of an event are the same alone, in a batch, and beside events that are anything; the
    latent has the size asked for."""
    model = made(recipe)
    with torch.inference_mode():
        z, out = model.encode(rows), model(rows)
        assert z.shape == (len(rows), 10) and out.shape == rows.shape and out.isfinite().all()
        torch.testing.assert_close(model.decode(z), out)
        for i in (0, 1, 50):
            torch.testing.assert_close(model(rows[i : i + 1]), out[i : i + 1], atol=1e-4, rtol=1e-4)
        wild = torch.cat([rows[:3], torch.full((5, 24), 1e3), torch.full((2, 24), torch.nan)])
        torch.testing.assert_close(model(wild)[:3], out[:3], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r != "BIGGER_AE_bn_dropout"])
def test_no_gradient_between_events(recipe, rows):
    """The output of one event has no derivative with respect to another, in training mode too (batch normalisation
    aside)."""
    x = rows[:6].nan_to_num(0.0).requires_grad_()
    made(recipe).train()(x)[2].sum().backward()
    assert x.grad[[0, 1, 3, 4, 5]].abs().max() == 0 and x.grad[2].abs().max() > 0


@pytest.mark.parametrize("latent", [1, 7, 64])
@pytest.mark.parametrize("recipe", ["TransformerAE", "SetAE", "BIGGER_AE"])
def test_latent_size(recipe, latent, rows):
    "Whatever is asked for."
    assert made(recipe, latent).encode(rows).shape == (len(rows), latent)


@pytest.mark.parametrize("recipe", ["TransformerAE_norank", "TransformerAE", "SetAE"])
def test_permutations(recipe, rows):
    "Without ranks the latents do not know the order of particles; with ranks they do."
    model, full = made(recipe), rows[~rows.isnan().any(1)][:10]
    order = torch.tensor(rng(41).permutation(8))
    with torch.inference_mode():
        moved = (model.encode(full.unflatten(1, (8, 3))[:, order].flatten(1)) - model.encode(full)).abs().max()
    assert moved < 1e-5 if recipe == "TransformerAE_norank" else moved > 5e-5


@pytest.mark.parametrize("recipe", ["TransformerAE", "TransformerAE_norank", "SetAE"])
def test_the_mask_hides(recipe, rows):
    "Empty places have no influence, however many there are; a particle more has."
    model = made(recipe)
    with torch.inference_mode():
        longer = torch.cat([rows, torch.full((len(rows), 60), torch.nan)], 1)
        torch.testing.assert_close(model.encode(longer), model.encode(rows), atol=1e-5, rtol=1e-5)
        longer[:, 24:27] = 1.0
        assert (model.encode(longer) - model.encode(rows)).abs().max() > 1e-4


@pytest.mark.parametrize(
    "change",
    [
        {"width": 2**40}, {"width": -4}, {"latent": 10**12}, {"layers": 10**6}, {"slots": 0}, {"heads": 0},
        {"kind": "x"}, {"kind": 3}, {"dropout": "a"}, {"n_features": 10**15}, {"per_particle": 0}, {"ranks": None},
        {"extra": 1},
    ],
)
def test_hostile_configurations(change):
    "Sizes are bounded before a layer is built."
    config = made("TransformerAE").config | change
    with pytest.raises(HepaeError):
        model_from_config(config)


values = arrays("f8", st.integers(1, 60), elements=st.floats(-1e6, 1e6))


@example(np.full(57, 1.2e-226), np.zeros(5), 1.0)  # smaller than what the mean of levels is rounded to
@given(values, arrays("f8", 5, elements=st.floats(-1e7, 1e7)), st.sampled_from([1.0, 1e-3]))
def test_quantiles(x, beyond, unit):
    """Any values, ties and constants too: monotone, nothing clipped, and back to 10⁻⁹ of the values' size, beyond
    the training range as well."""
    q = fit_quantile(x, u=unit)
    every = np.sort(np.concatenate([x, beyond]))
    y = q.forward(every)
    assert (np.diff(y) >= 0).all()
    size = np.abs(every).max() + np.ptp(x)
    np.testing.assert_allclose(q.inverse(y), every, rtol=1e-9, atol=1e-9 * size)
    apart = np.diff(every) > 1e-6 * size
    assert (np.diff(y)[apart] > 0).all()
    assert Quantile(**json.loads(json.dumps({"knots": q.knots, "levels": q.levels, "log": q.log, "u": q.u}))) == q


@given(arrays("f8", st.integers(3, 60), elements=st.floats(0, 1e6)), arrays("f8", 5, elements=st.floats(0, 1e8)))
def test_quantiles_of_logarithms(x, beyond):
    "Of log(1 + x), for momenta."
    q, every = fit_quantile(x, log=True), np.concatenate([x, beyond])
    np.testing.assert_allclose(q.inverse(q.forward(every)), every, rtol=1e-8, atol=1e-8)


@given(
    st.integers(0, 50), st.floats(0.01, 3.0), st.sampled_from(["on-shell", "on-shell-turned"]),
    st.sampled_from(["GeV", "MeV"]),
)
def test_on_shell_whatever_the_network_says(seed, noise, kind, unit):
    "The mass is exact and no particle faster than light, with rows that are anything."
    table = particles(20, seed=seed, unit=unit)
    c = fit_coordinates(table, kind, 8)
    wide = c.wide(table)
    normaliser = fit_normaliser(wide, "on-shell")
    y = np.nan_to_num(normaliser.forward(wide, absent=True)) + rng(seed, 2).normal(0, noise, wide.shape)
    made_up = normaliser.inverse(y).set_axis(wide.index)
    before, back = c.leading(table), c.narrow(made_up, table)
    assert (back["m"] == before["m"]).all() and (back["pid"] == before["pid"]).all() and back.index.equals(before.index)
    p = momenta(back)
    assert not faster_than_light(p).any()
    assert (
        np.abs(mass_squared(p) - momenta(before)[3] * 0 - (back["m"] * (1e-3 if unit == "MeV" else 1)) ** 2)
        <= 1e-12 * p[3] ** 2
    ).all()


@pytest.mark.parametrize("kind", KINDS)
def test_train_encode_reconstruct(kind, tmp_path):
    """A folder as any other; a row of latents an event that has particles; particles come back in their place,
    with their kind and mass; a loaded model is the same."""
    table = particles()
    model = train(
        table,
        tmp_path / "m",
        recipe="AE_LeakyReLU",
        latent=12,
        coordinates=kind,
        particles=6,
        epochs=2,
        lr=1e-3,
        bs=32,
        progress=False,
        preview=False,
        loss="mse+mass+momentum",
    )
    z, back = model.encode(table), model.reconstruct(table)
    assert z.shape == (108, 12) and z.index.equals(table.index.get_level_values(0).unique())
    before = table[table.index.get_level_values(1) < 6]
    assert back.index.equals(before.index) and list(back) == list(table) and (back.dtypes == table.dtypes).all()
    for name in ("pid", "prompt", "m"):
        assert (back[name] == before[name]).all()
    again = TrainedModel.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.reconstruct(table), back)
    masks = again.split(table)
    assert sum(m.sum() for m in masks.values()) == len(table) and masks["test"].any()
    assert not set(table.index[masks["train"]].get_level_values(0)) & set(
        table.index[masks["test"]].get_level_values(0)
    )
    one = table[table.index.get_level_values(0) == 11]
    # as the whole table's
    np.testing.assert_allclose(again.reconstruct(one)["pz"], back.loc[[11], "pz"], rtol=1e-4, atol=1e-4)
    other = particles(unit="MeV")
    with pytest.raises(HepaeError, match="MeV"):
        again.encode(other)


@pytest.mark.parametrize("recipe", ["TransformerAE", "SetAE", "BIGGER_AE_stored"])
def test_other_networks_train(recipe, tmp_path):
    "Attention, sets and stored leptons make folders, too; what is stored comes back to the last digit but one."
    table = particles(unit="MeV")
    train(
        table,
        tmp_path / "m",
        recipe=recipe,
        latent=12,
        coordinates="on-shell-turned",
        particles=6,
        epochs=1,
        lr=1e-3,
        bs=64,
        progress=False,
        preview=False,
    )
    back = TrainedModel.load(tmp_path / "m").reconstruct(table)
    if recipe == "BIGGER_AE_stored":
        leptons = back.index.get_level_values(1) < 2
        np.testing.assert_allclose(back[leptons]["pz"], table[table.index.get_level_values(1) < 2]["pz"], rtol=1e-9)
    assert len(back) == (table.index.get_level_values(1) < 6).sum() and np.isfinite(back[["px", "py", "pz", "E"]]).all(
        axis=None
    )


@pytest.mark.parametrize(
    "change, said",
    [
        ({"coordinates": "polar"}, "polar"), ({"particles": 0}, "particles"), ({"loss": "mae"}, "mae"),
        ({"recipe": "TransformerAE_x"}, "TransformerAE"), ({"width": 33, "recipe": "SetAE"}, "width"),
        ({"recipe": "TransformerAE", "hidden": [3]}, "hidden"), ({"normalisation": "minmax"}, "minmax"),
        ({"symmetry": True, "coordinates": "cartesian"}, "symmetry"),
    ],
)
def test_wrong_choices(change, said, tmp_path):
    "One sentence, before anything is written."
    choice = dict(coordinates="on-shell", particles=4, epochs=1, recipe="BIGGER_AE") | change
    with pytest.raises((UsageError, HepaeError), match=said):
        train(particles(), tmp_path / "m", **choice)
    assert not (tmp_path / "m").exists()


def test_hostile_coordinates(tmp_path):
    "A folder whose coordinates do not fit, or are none, is refused."
    table = particles()
    train(
        table,
        tmp_path / "m",
        recipe="AE_3D_small",
        coordinates="on-shell",
        particles=4,
        epochs=1,
        lr=1e-3,
        progress=False,
        preview=False,
    )
    path = tmp_path / "m" / "config.json"
    good = json.loads(path.read_text())
    for wrong in [
        {"kind": "polar"}, {"particles": 10**12}, {"particles": 5}, {"unit": 3}, {"free": [[1]]}, {"free": "x"},
        {"kind": ["on-shell"]},
    ]:
        write_config(path.parent, good | {"coordinates": good["coordinates"] | wrong})
        with pytest.raises(HepaeError):
            TrainedModel.load(tmp_path / "m")
    for scales in (
        [{"knots": [1, 1], "levels": [0, 1]}], [{"knots": [], "levels": []}], [{"knots": "ab", "levels": "cd"}],
        [{"knots": None}],
    ):
        with pytest.raises(HepaeError):
            Normaliser.from_dict(good["normaliser"] | {"scales": scales * 12})


@pytest.mark.parametrize("recipe", sorted(PARTICLES))
def test_recipes_invert(recipe):
    "Each recipe for particles, both units."
    for unit in ("GeV", "MeV"):
        table = particles(unit=unit)
        for kind in ("cartesian", "cylindrical") if recipe != "on-shell" else ("on-shell",):
            wide = Coordinates(kind, 8, unit).wide(table)
            full = wide.dropna()
            y = fit_normaliser(wide, recipe).forward(full)
            assert np.abs(y).max() < 50
            np.testing.assert_allclose(fit_normaliser(wide, recipe).inverse(y), full, rtol=1e-8, atol=1e-6)


def test_command_line(tmp_path):
    "Train on a parquet of particles, analyse, and a wrong wish."
    particles().to_parquet(tmp_path / "p.parquet")
    done = hepae(
        "train",
        "p.parquet",
        "--recipe",
        "AE_LeakyReLU",
        "--coordinates",
        "on-shell",
        "--particles",
        "6",
        "--latent",
        "12",
        "-o",
        "m",
        "--epochs",
        "2",
        "--lr",
        "1e-3",
        "-q",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    done = hepae(
        "analyse",
        "p.parquet",
        "--model",
        "m",
        "-o",
        "r.html",
        "--reconstructed",
        "back.parquet",
        "--latents",
        "z.parquet",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    back = pd.read_parquet(tmp_path / "back.parquet")
    assert (
        len(back) == (particles().index.get_level_values(1) < 6).sum() and (tmp_path / "r.html").stat().st_size > 50_000
    )
    assert pd.read_parquet(tmp_path / "z.parquet").shape == (108, 12)
    done = hepae("train", "p.parquet", "--particles", "6", "-o", "n", cwd=tmp_path)
    assert done.returncode == 2 and "--coordinates" in done.stderr and len(done.stderr.splitlines()) == 1
    done = hepae("train", "p.parquet", "--coordinates", "polar", "-o", "n", cwd=tmp_path)
    assert done.returncode == 2 and "polar" in done.stderr and len(done.stderr.splitlines()) == 1
