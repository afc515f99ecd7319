"""The networks of particles_50.ipynb on more events and for longer; the results are two CSV files.

    python hepmc/longer.py data/drell_yan_50.hepae -o hepmc/longer.csv [--minutes 10] [--only turned …]
    python hepmc/longer.py processed_data/dy50.parquet -o hepmc/finished.csv --epochs 60 --models processed_data/models

The source is any table of particles, or several of other events. Minutes are those of one core, for each network;
with --epochs a training has that many epochs, whatever they take, and with --models it goes on where it was stopped
(or is judged as it is: --stopped).
Networks that are in the file already with as many minutes or epochs are not trained again. Beside the results stands
a file of losses by epoch (finished_curves.csv), and --baselines adds what is to be had without a network.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch

from hepae.core import HepaeError
from hepae.files.reading import read
from hepae.learning.config import TrainConfig
from hepae.learning.learner import train
from hepae.learning.model_folder import read_log, read_tensors
from hepae.learning.table_learner import learner_of
from hepae.physics.particles import particles_of_events
from hepae.report.event_baselines import AlongBeam, first_numbers, principal_components
from hepae.report.event_study import Clock, judged, train_for
from hepae.schema import n_entries, schema_of

BIGGER = dict(recipe="BIGGER_AE", bs=128, lr=5e-4)
TURNED = dict(coordinates="on-shell-turned", loss="mse+momentum", symmetry=True, bs=128, lr=5e-4)
SORTED = TURNED | dict(coordinates="on-shell-sorted", loss="pt-mse")
NETWORKS = {
    "cartesian": dict(BIGGER, coordinates="cartesian"),
    "cartesian, bypass": dict(BIGGER, coordinates="cartesian", recipe="BIGGER_AE_bypass"),
    "cylindrical": dict(BIGGER, coordinates="cylindrical"),
    "on shell": dict(BIGGER, coordinates="on-shell"),
    "turned": dict(TURNED, recipe="BIGGER_AE_bypass"),
    "px, py, pz": dict(TURNED, recipe="BIGGER_AE_bypass", coordinates="on-shell-cartesian", symmetry=False),
    "px, py, pz, stored": dict(TURNED, recipe="BIGGER_AE_stored", coordinates="on-shell-cartesian", symmetry=False),
    "stored": dict(TURNED, recipe="BIGGER_AE_stored"),
    "residual": dict(TURNED, recipe="ResidualConnectionAE"),
    "transformer": dict(TURNED, recipe="TransformerAE", lr=1e-3, bs=64),
    "set": dict(TURNED, recipe="SetAE", lr=1e-3, bs=64),
    "sorted, BIGGER_AE": dict(SORTED, recipe="BIGGER_AE"),
    "sorted, BIGGER_AE with bypass": dict(SORTED, recipe="BIGGER_AE_bypass"),
    "sorted, BIGGER_AE with pair stored": dict(SORTED, recipe="BIGGER_AE_stored"),
    "sorted, ResidualConnectionAE": dict(SORTED, recipe="ResidualConnectionAE"),
    "sorted, ResidualConnectionAE with pair stored": dict(SORTED, recipe="ResidualConnectionAE", aux=list(range(6))),
    "sorted, TransformerAE": dict(SORTED, recipe="TransformerAE", lr=1e-3, bs=64, layers=1, heads=2),
}


def first_particles(sources, particles):
    "The first particles of the events of several files, one file after the other."
    tables = [read(path, "on-shell", particles=particles) for path in sources]
    units = {schema_of(t).energy_unit for t in tables}
    if len(units) > 1: raise HepaeError(f"the files are in {', '.join(units)}; convert some")
    tables = [t[t.index.get_level_values(1) < particles] for t in tables]
    counts = np.concatenate([t.groupby(level=0).size() for t in tables])
    columns = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
    return particles_of_events(counts, *units, **columns)


def baselines(table, particles, latent):
    "What is to be had without a network: name → something that can be judged as a model."
    kinds = "on-shell", "on-shell-cartesian", "on-shell-sorted"
    first = {f"first numbers, {kind}": first_numbers(table, kind, particles, latent) for kind in kinds}
    made = {f"principal components, {kind}": principal_components(table, kind, particles, latent) for kind in kinds}
    beam = {"pair, pz of all": AlongBeam(table, particles, 0)}
    beam["pair, pz of all, px and py of the five hardest"] = AlongBeam(table, particles, 5)
    return first | beam | made


def trained(table, folder, epochs, **config):
    "A model of so many epochs in a folder, and the minutes of one core that they took."
    model = train(table, folder, epochs=epochs, resume=True, progress=False, preview=False, cbs=[clock := Clock()],
                  **config)
    return model, np.mean(clock.seconds) * epochs / 60 if clock.seconds else np.nan


def stopped(table, folder, epochs, **config):
    "A training that was stopped, with the weights that did best so far."
    learn = learner_of(table, TrainConfig(epochs=epochs, **config), progress=False, preview=False)
    learn.model.load_state_dict(read_tensors(folder / "weights.safetensors")[0])
    model = learn.trained()
    model.log = read_log(folder / "log.csv")
    model.config["result"] = {"epochs": len(model.log)}
    return model, np.nan


def add(found, path, index):
    "Rows that follow those of a CSV file, which is written anew."
    done = pd.read_csv(path, index_col=index) if path.exists() else found.iloc[:0]
    pd.concat([done, found[~found.index.isin(done.index)]]).to_csv(path, float_format="%.4g")


def is_done(path, **wanted):
    "Has a CSV file a row with these values already?"
    if not path.exists(): return False
    done = pd.read_csv(path)
    return bool(np.logical_and.reduce([done[name] == value for name, value in wanted.items()]).any())


@click.command(help=__doc__.splitlines()[0])
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--minutes", default=10.0, show_default=True, help="Of one core, for each network.")
@click.option("--epochs", type=int, help="In place of minutes.")
@click.option("--models", type=click.Path(path_type=Path), help="Folder for models; needs --epochs.")
@click.option("--stopped", "as_it_is", is_flag=True, help="Judge trainings that were stopped, and train nothing.")
@click.option("--particles", default=50, show_default=True)
@click.option("--latent", default=64, show_default=True)
@click.option("--seed", default=TrainConfig.seed, show_default=True, help="Of split, weights and order.")
@click.option("--only", multiple=True, type=click.Choice(list(NETWORKS)), help="Only these networks.")
@click.option("--baselines", "without", is_flag=True, help="Judge what needs no network, too.")
def main(sources, output, minutes, epochs, models, as_it_is, particles, latent, seed, only, without):
    torch.set_num_threads(1)
    table = first_particles(sources, particles)
    index = ["model", "seed", "events", "epochs" if epochs else "minutes"]
    about = dict(seed=seed, events=n_entries(table.index))
    if without:
        found = judged(table, baselines(table, particles, latent))[0].assign(minutes=0.0, **about)
        add(found.reset_index().set_index(index), output, index)
    for name in only or NETWORKS:
        if is_done(output, model=name, seed=seed, **{index[3]: epochs or minutes}): continue
        config = dict(particles=particles, latent=latent, seed=seed, **NETWORKS[name])
        if epochs:
            models.mkdir(parents=True, exist_ok=True)
            folder = models / f"{name}, {epochs}, {seed}".replace(" ", "_")
            model, about["minutes"] = (stopped if as_it_is else trained)(table, folder, epochs, **config)
        else: model, about["minutes"] = train_for(table, 60 * minutes, **config), minutes
        found = judged(table, {name: model})[0].assign(**about)
        curve = model.log[["epoch", "train_loss", "valid_loss"]].assign(model=name, of=len(model.log), **about)
        key = ["model", "seed", "of", "epoch"]
        add(curve.set_index(key), output.with_name(f"{output.stem}_curves.csv"), key)
        add(found.reset_index().set_index(index), output, index)
        print(found.T.to_string(), flush=True)


if __name__ == "__main__":
    main()
