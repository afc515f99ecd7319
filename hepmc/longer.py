"""The networks of particles_50.ipynb on more events and for longer; the result is a CSV.

    python hepmc/longer.py data/drell_yan_50.hepae -o hepmc/longer.csv [--minutes 10] [--only turned …]

The source is any table of particles, or HepMC file. Minutes are those of one core, for each network. Networks that
are in the file already with as many minutes are not trained again, so a run that was stopped goes on.
"""

from pathlib import Path

import click
import pandas as pd
import torch

from hepae.files.reading import read
from hepae.report.event_study import judged, train_for

BIGGER = dict(recipe="BIGGER_AE", bs=128, lr=5e-4)
TURNED = dict(coordinates="on-shell-turned", loss="mse+momentum", symmetry=True, bs=128, lr=5e-4)
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
}


@click.command(help=__doc__.splitlines()[0])
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--minutes", default=10.0, show_default=True, help="Of one core, for each network.")
@click.option("--particles", default=50, show_default=True)
@click.option("--latent", default=64, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(NETWORKS)), help="Only these networks.")
def main(source, output, minutes, particles, latent, only):
    torch.set_num_threads(1)
    table = read(source, particles=particles)
    done = pd.read_csv(output, index_col=["model", "minutes"]) if output.exists() else pd.DataFrame()
    for name in only or NETWORKS:
        if (name, minutes) in done.index:
            continue
        model = train_for(table, 60 * minutes, particles=particles, latent=latent, **NETWORKS[name])
        found = judged(table, {name: model})[0]
        done = pd.concat([done, found.assign(minutes=minutes).set_index("minutes", append=True)])
        done.to_csv(output, float_format="%.4g")
        print(found.T.to_string(), flush=True)


if __name__ == "__main__":
    main()
