"""Lepton pairs through networks on blocks of particles: the cartesian BIGGER_AE of the study before us, and ours on
the mass shell, for the same minutes on the same events.

    python tests/benchmarks/onshell_blocks.py [data/drell_yan_50.hepae] [--minutes 2] [--particles 50] [--latent 64]
    [--events N]

All see the same training events, have the same number of latents and the same seconds (an epoch is timed first); a
validation split chooses the epoch, and the figures are of test events, which choose nothing.

    cartesian          px, py standardised, pz, E by quantiles; BIGGER_AE; MSE
    cylindrical        log(1 + E), log(1 + pt), eta, phi by quantiles; BIGGER_AE; MSE
    on shell           log pt, eta, phi, turned to the first lepton; BIGGER_AE with a linear bypass of each half
    that begins at principal components; MSE and the momentum term; training events turned and mirrored
    on shell, stored   the same, and of the latents six are the momenta of the first two particles as they are

"|p| > E" is how many particles more than in the original; "off shell" is the share of particles whose E² − p²
misses m² by more than 10⁻⁹ E².
"""

import tempfile
from pathlib import Path

import click
import torch

from hepae.files.reading import read
from hepae.report.event_study import judged, train_for
from hepae.schema import schema_of, with_schema

DATA = Path(__file__).resolve().parents[2] / "data" / "drell_yan_50.hepae"
BIGGER = dict(recipe="BIGGER_AE", bs=128, lr=5e-4)
ON_SHELL = dict(BIGGER, recipe="BIGGER_AE_bypass", coordinates="on-shell-turned", loss="mse+momentum", symmetry=True)
CHOICES = {
    "cartesian": dict(BIGGER, coordinates="cartesian"),
    "cylindrical": dict(BIGGER, coordinates="cylindrical"),
    "on shell": ON_SHELL,
    "on shell, stored": dict(ON_SHELL, recipe="BIGGER_AE_stored"),
}


@click.command(help=__doc__.splitlines()[0])
@click.argument("source", default=DATA, type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default=2.0, show_default=True, help="For each network.")
@click.option("--particles", default=50, show_default=True)
@click.option("--latent", default=64, show_default=True)
@click.option("--events", type=int, help="Only the first ones.")
@click.option("--only", multiple=True, type=click.Choice(list(CHOICES)), help="Only these networks.")
def main(source, minutes, particles, latent, events, only):
    torch.set_num_threads(1)
    table = read(source)
    if events:
        table = with_schema(table[table.index.get_level_values(0) < events], schema_of(table))
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for name in only or CHOICES:
            models[name] = train_for(
                table,
                60 * minutes,
                Path(folder) / name.replace(" ", "_"),
                particles=particles,
                latent=latent,
                **CHOICES[name],
            )
            print(f"{name}: {models[name].config['result']}", flush=True)
        found, _ = judged(table, models)
    print(found.to_string(float_format=lambda x: f"{x:.3g}"))
    if {"cartesian", "on shell", "on shell, stored"} <= set(found.index):
        for name in ("on shell", "on shell, stored"):
            print(
                f"m_ll relative residual rms: {name} {found.loc[name, 'm_ll rms']:.3g}, cartesian "
                f"{found.loc['cartesian', 'm_ll rms']:.3g}, ratio "
                f"{found.loc[name, 'm_ll rms'] / found.loc['cartesian', 'm_ll rms']:.3g} (at most 0.1 is asked for)"
            )


if __name__ == "__main__":
    main()
