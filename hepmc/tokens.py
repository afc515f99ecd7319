"""Tokens of networks beside the codec, at counted bytes of the momenta of test events; the result is a CSV file.

    python hepmc/tokens.py data/drell_yan_50.hepae data/drell_yan_100.hepae processed_data/dy50_*.parquet
        -o hepmc/tokens.csv --models processed_data/models [--epochs 40] [--seed 41]

Kind, origin and mass of the particles are no part of these bytes: they cost all rivals the same. Bytes of tokens are
those of a `.hepae` file that holds them, and the pair's momenta, which are stored beside them, within 0.1%.
With --rounded it is networks of longer.py whose latent variables are rounded after the training.
The last columns are what it takes to bring all particles within 0.1%: whole numbers of steps of log pt, eta, phi,
or what a model's reconstruction leaves of them, as a `.hepae` file.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from longer import NETWORKS as OTHERS
from longer import SORTED, first_particles, stopped, trained

from hepae.codec.bound_text import with_bounds
from hepae.codec.tables import compress, decompress
from hepae.learning.coordinates import fit_coordinates
from hepae.learning.prep import split_by_event
from hepae.learning.tokens import adaptive_bits, from_tokens, token_table
from hepae.physics.kinematics import directions
from hepae.physics.particles import momenta
from hepae.report.event_baselines import GOLDEN, principal_components
from hepae.report.event_study import fidelity
from hepae.schema import infer_schema, n_entries, schema_of, with_schema

STORED = list(range(6))  # px, py, pz of the pair
FINE = 1e-3              # bound of log pt, eta, phi
NUMBERS = 150            # of an event
NETWORKS = {"FSQ_AE, 58 of 8": (64, 8), "FSQ_AE, 128 of 16": (134, 16)}  # latent, values
# relative bound of the pair; bounds of the eight hardest, and of the rest behind them: px and py in GeV, pz relative
# (of the rest asinh of pz/GeV, so that 20 GeV leaves of px and py nothing)
CODEC = {
    "codec, 0.01": (FINE, (0.01, 0.01), (0.01, 0.01)), "codec, 0.1": (FINE, (0.1, 0.1), (0.1, 0.1)),
    "codec, 0.3": (FINE, (0.3, 0.2), (0.5, 0.3)), "codec, pz 0.1": (FINE, (0.5, 0.1), (20.0, 0.1)),
    "codec, pz 0.2": (FINE, (0.5, 0.2), (20.0, 0.2)), "codec, pz 0.3": (FINE, (0.5, 0.3), (20.0, 0.3)),
    "codec, pz 0.2, pair 0.05": (0.05, (0.5, 0.2), (20.0, 0.2)),
    "codec, pz 0.3, pair 0.05": (0.05, (0.6, 0.3), (20.0, 0.3)),
    "codec, pz 0.4, pair 0.1": (0.1, (0.6, 0.4), (20.0, 0.4)),
}


def packed(table, bound):
    "Bytes of a table within a bound as a `.hepae` file, and how it comes back."
    table = with_schema(table, with_bounds(infer_schema(table, "GeV"), bound))
    data = compress(table, "schema")
    return len(data), decompress(data)


def in_order(x, along, aside):
    "Particles (n, N, 3) in steps: pz as asinh, the difference to the particle before, then px and py."
    q = np.rint(np.stack([np.arcsinh(x[..., 2]) / (2 * along), x[..., 0] / (2 * aside), x[..., 1] / (2 * aside)], 2))
    q[:, 1:, 0] -= q[:, :-1, 0].copy()
    return q


def from_order(q, along, aside):
    "Particles from steps."
    pz = np.sinh(2 * along * np.cumsum(q[..., 0], 1))
    return np.stack([q[..., 1] * 2 * aside, q[..., 2] * 2 * aside, pz], 2)


def of_places(x, bound):
    "Bytes of some places (n, N, 3) of all events by the codec, one particle after the other, and how they come back."
    there, back = ~np.isnan(x[..., 0]), x.copy()
    whole = "i8" if bound == "exact" else "f8"
    size, found = packed(pd.DataFrame(x[there].astype(whole), columns=["px", "py", "pz"]), bound)
    back[there] = found.to_numpy()
    return size, back


def with_usual(x, pt):
    "Particles (n, N, 3), those whose px and py are 0 with a usual pt at azimuths spread evenly."
    phi, none = GOLDEN * np.arange(x.shape[1]), (x[..., 0] == 0) & (x[..., 1] == 0)
    for i, of_phi in enumerate((np.cos, np.sin)): x[..., i] = np.where(none, pt * of_phi(phi), x[..., i])
    return x


def by_codec(rows, pair, hardest, rest, pt):
    "Bytes of the momenta by the codec, and the rows that come back."
    x = rows.to_numpy().reshape(len(rows), -1, 3)
    front, first = of_places(x[:, :2], f"rel:{pair}")
    bound = "px=abs:{0},py=abs:{0},pz=rel:{1}".format(*hardest)
    hard, second = of_places(x[:, 2:10], bound)
    aside, along = rest
    behind, third = of_places(in_order(x[:, 10:], along, aside), "exact")
    back = with_usual(np.concatenate([first, second, from_order(third, along, aside)], 1), pt)
    made = pd.DataFrame(back.reshape(rows.shape), rows.index, rows.columns)
    return front + hard + behind, with_schema(made, schema_of(rows))


def in_steps(table):
    "log pt, eta and phi in steps of twice the bound."
    pt, eta, phi = directions(momenta(table))
    x = {"pt": np.log(np.maximum(pt, 1e-6)), "eta": np.clip(eta, -20, 20), "phi": phi}
    return pd.DataFrame({name: np.rint(v / (2 * FINE)).astype("i8") for name, v in x.items()})


def from_steps(table):
    "The table within the bound."
    x = in_steps(table).set_axis(table.index) * (2 * FINE)
    return with_schema(table.assign(pt=np.exp(x["pt"]), eta=x["eta"], phi=x["phi"]), schema_of(table))


def within_bound(before, after=None):
    "Bytes of all momenta within 0.1%, or of what a reconstruction leaves of them."
    steps = in_steps(before)
    if after is not None:
        steps -= in_steps(after)
        turn = round(np.pi / FINE)
        steps["phi"] = (steps["phi"] + turn // 2) % turn - turn // 2
    return packed(steps.set_axis(before.index), "exact")[0]


def described(before, after, size, model=None):
    "A row of the table."
    events, particles = before.index.get_level_values(0).nunique(), len(before)
    facts = {"bytes": size / events, "bits a particle": 8 * size / particles} | fidelity(before, after)
    facts["residuals"] = within_bound(before, after) / events
    facts["all within 0.1%"] = facts["bytes"] + facts["residuals"]
    return facts | ({"model bytes": model} if model else {})


def model_bytes(folder):
    "What a network takes on disk."
    return sum((folder / name).stat().st_size for name in ("weights.safetensors", "config.json"))


def of_network(model, before, test, values, folder):
    "Tokens of a model: their bytes by the codec and by an adaptive coder, and what comes back."
    tokens = token_table(model, test)
    size, found = packed(tokens.reset_index(drop=True), f"rel:{FINE}")
    after = model.coordinates.narrow(from_tokens(model, found.set_axis(tokens.index)), test)
    bits = adaptive_bits(tokens.to_numpy()[:, :-len(STORED)].astype(int), values).sum()
    return described(before, after, size, model_bytes(folder)) | {"tokens, adaptive": bits / 8 / len(tokens)}


def of_rounded(model, before, test, share, folder=None):
    "Latent variables that were trained without rounding, within a share of their spread."
    z = model.encode(test)
    bound = ",".join(f"{name}=abs:{max(share * spread, 1e-9):.3g}" for name, spread in z.std().items())
    size, found = packed(z.reset_index(drop=True), bound)
    after = model.coordinates.narrow(model.decode(found.set_axis(z.index).astype(z.dtypes)), test)
    return described(before, after, size, folder and model_bytes(folder))


@click.command(help=__doc__.splitlines()[0])
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--models", required=True, type=click.Path(path_type=Path), help="Folder for models.")
@click.option("--epochs", default=40, show_default=True)
@click.option("--seed", default=41, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(NETWORKS)), help="Only these networks.")
@click.option("--rounded", multiple=True, type=(str, int), help="Networks and epochs of longer.py, latents rounded.")
@click.option("--networks-only", is_flag=True, help="Leave out what is not trained.")
def main(sources, output, models, epochs, seed, only, rounded, networks_only):
    torch.set_num_threads(1)
    models.mkdir(parents=True, exist_ok=True)
    table = first_particles(sources, 50)
    split = split_by_event(table, seed, (0.8, 0.1, 0.1))
    coordinates = fit_coordinates(table[split["train"]], "on-shell-sorted", 50)
    test = with_schema(table[split["test"]], schema_of(table))
    before, rows, found = coordinates.leading(test), coordinates.wide(test), {}
    if not networks_only:
        found["codec, 0.001"] = described(before, from_steps(before), within_bound(before))
        pt = float(np.median(directions(momenta(table[split["train"]]))[0]))
        for name, bounds in CODEC.items():
            size, back = by_codec(rows, *bounds, pt)
            found[name] = described(before, coordinates.narrow(back, test), size)
        for latent in (64, 134):
            model = principal_components(table, "on-shell-sorted", 50, latent)
            for bound in (0.1, 0.3):
                found[f"{latent} components, {bound}"] = of_rounded(model, before, test, bound)
    for name, n in rounded:
        folder = models / f"{name}, {n}, {seed}".replace(" ", "_")
        model = stopped(table, folder, n, particles=50, latent=64, seed=seed, **OTHERS[name])[0]
        for share in (0.05, 0.1, 0.3):
            found[f"{name}, {share}"] = of_rounded(model, before, test, share, folder) | model.config["result"]
    for name in only or (NETWORKS if not rounded else []):
        latent, values = NETWORKS[name]
        folder = models / f"{name}, {epochs}, {seed}".replace(" ", "_")
        model, minutes = trained(table, folder, epochs, **SORTED, recipe="FSQ_AE", particles=50, latent=latent,
                                 tokens=values, aux=STORED, seed=seed)
        found[name] = of_network(model, before, test, values, folder) | {"epochs": epochs, "minutes": minutes}
    made = pd.DataFrame(found).T.rename_axis("what").assign(seed=seed, events=n_entries(table.index))
    if output.exists(): made = pd.concat([pd.read_csv(output, index_col="what"), made])
    made.to_csv(output, float_format="%.4g")
    print(made.T.to_string())


if __name__ == "__main__":
    main()
