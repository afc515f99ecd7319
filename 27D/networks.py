"""Networks of 27 variables at equal numbers per jet: plain, skip connections, columns stored beside the latents,
branches, and three ways with discrete columns; a line of networks.csv each.

    hepae sample jets27.root --detector --jets 100000 --workers 2
    python 27D/networks.py jets27.root -o 27D/networks.csv
    python 27D/networks.py jets27.root -o 27D/networks_42.csv --seed 42 --lr 6e-3 --network "as the studies had it"
    --network plain --network skip --network "branches, skip"
    python 27D/networks.py jets27.root -o 27D/on_shell.csv --seed 41 --seed 42 --seed 43 --lr 6e-3 \
        --network components --network "components, on shell" --network plain --network "eta, phi stored, on shell"

Every network keeps --latent numbers of a jet; what is stored counts as they do. All have the same split,
normalisation, schedule, batches and epochs; of the rates given, that counts which did best on the validation
rows. The MSEs are those of the standardised variables, on validation and on test rows; `others` leaves the two
discrete columns out, and for these there is the share of values that come back exactly. `own mse` is that of the
variables as the network's normalisation has them: compare it with that of the principal components (recipe pca) on
the same normalisation. `turned` counts test jets whose phi comes back by more than 0.5 rad; sigma phi counts all.
"""

import itertools
import tempfile
import time
from pathlib import Path

import click
import pandas as pd
import torch

from hepae.core import whole
from hepae.files.reading import read
from hepae.learning.architecture import parameter_count
from hepae.learning.learner import train
from hepae.learning.trained import TrainedModel
from hepae.metrics import standardised_mse
from hepae.physics.kinematics import delta_phi

DISCRETE = ["N90Constituents", "ActiveArea"]
SKIP = {"skip": True}
VARIANTS = {  # name → recipe, changes
    "as the studies had it": ("AE_bn_LeakyReLU", {}),
    "plain": ("AE_silu", {}),
    "skip": ("AE_skip", {}),
    "branches": ("AE_branches", {}),
    "branches, skip": ("AE_branches", SKIP),
    "pt, eta stored": ("AE_aux", {}),
    "pt, eta stored, skip": ("AE_aux", SKIP),
    "discrete rounded, skip": ("AE_rounded", SKIP),
    "discrete one-hot, skip": ("AE_onehot", SKIP),
    "discrete stored, skip": ("AE_aux", SKIP | {"aux": DISCRETE}),
}
ON_SHELL = {  # beside them: without a network, and with the coordinates of jets on shell
    "components": ("pca", {}),
    "components, on shell": ("pca", {"normalisation": "on-shell"}),
    "on shell": ("AE_silu", {"normalisation": "on-shell"}),
    "eta, phi stored, on shell": ("AE_angles", {"normalisation": "on-shell"}),
}


def judged(model: TrainedModel, table: pd.DataFrame, part: str) -> dict:
    "How the rows of a part come back."
    rows = table[model.split(table)[part]]
    back = model.reconstruct(rows)
    others, off = [c for c in table if c not in DISCRETE], delta_phi(rows["phi"], back["phi"])
    difference = model.normaliser.forward(back) - model.normaliser.forward(rows)
    return {
        "own mse": float((difference**2).mean()),
        "sigma phi": float(off.std()),
        "turned": int((abs(off) > 0.5).sum()),
        "mse": standardised_mse(rows, back),
        "others": standardised_mse(rows[others], back[others]),
        **{f"exact {c}": float((rows[c] == back[c]).mean()) for c in DISCRETE},
    }


def point(
    table: pd.DataFrame,
    name: str,
    latent: int,
    epochs: int,
    bs: int,
    rates: list[float],
    seed: int = 41,
    preview: bool = False,  # a picture after each epoch
) -> dict:
    "Train a network with each rate, and judge the one that did best on validation rows."
    recipe, changes = (VARIANTS | ON_SHELL)[name]
    found, fixed = [], {"schedule": "one-cycle"} if recipe == "pca" else {"epochs": epochs, "bs": bs}
    for lr in rates[:1] if recipe == "pca" else rates:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as d:
            model = train(
                table,
                Path(d) / "model",
                recipe,
                latent=latent,
                **fixed,
                **({} if recipe == "pca" else {"lr": lr}),
                seed=seed,
                device="cpu",
                progress=False,
                preview=preview,
                **changes,
            )
        found.append((judged(model, table, "valid")["mse"], lr, time.perf_counter() - start, model))
    valid, lr, seconds, model = min(found, key=lambda f: f[0])
    return {
        "network": name,
        "seed": seed,
        "latent": latent,
        "learned": latent - len(model.stored),
        "parameters": parameter_count(model.model.config),
        "jets": len(table),
        "epochs": epochs,
        "lr": lr,
        "seconds": round(seconds),
        "valid mse": valid,
        **judged(model, table, "test"),
    }


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The table, .csv.")
@click.option("--latent", default=14, show_default=True, help="Numbers that are kept of each jet.")
@click.option("--epochs", default=12, show_default=True)
@click.option("--bs", default=512, show_default=True, help="Jets in a batch.")
@click.option(
    "--lr", "rates", multiple=True, type=float, default=[3e-3, 6e-3], show_default=True, help="Highest rates to try."
)
@click.option(
    "--seed", "seeds", multiple=True, type=int, default=[41], show_default=True, help="Of split, weights and order."
)
@click.option("--network", "names", multiple=True, type=click.Choice([*VARIANTS, *ON_SHELL]), help="Only these.")
@click.option("--threads", default=1, show_default=True, help="Of torch.")
def main(
    file: Path,
    output: Path,
    latent: int,
    epochs: int,
    bs: int,
    rates: list[float],
    seeds: list[int],
    names: list[str],
    threads: int,
) -> None:
    torch.set_num_threads(threads)
    table, rows = read(file, "27D"), []
    for seed, name in itertools.product(seeds, names or VARIANTS):
        rows.append(point(table, name, latent, epochs, bs, rates, seed))
        click.echo(rows[-1], err=True)
        with whole(output, force=True) as new:
            pd.DataFrame(rows).to_csv(new, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
