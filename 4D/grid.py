"""Every combination of the 4D study: both forms, 4→3 and 4→2, both schedules, both normalisations; one row of
results.csv each.

    python 4D/grid.py -o 4D/results.csv # ten minutes on one core

All networks are AE_3D_200, trained on the same split of data/jets.root. The MSE is that of the standardised
variables of the test rows, whatever the network was normalised with, so all rows compare.
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
from hepae.learning.learner import train
from hepae.metrics import residuals, standardised_mse, summarise

HERE = Path(__file__).parent
LR = {"one-cycle": 3e-3, "plain": 1e-3}  # highest rates that did not diverge in trial runs on the validation rows


def point(
    table: pd.DataFrame, form: str, latent: int, schedule: str, normalisation: str, epochs: int, folder: Path
) -> dict:
    "Train one network and judge it by the test rows."
    start = time.perf_counter()
    model = train(
        table,
        folder,
        "AE_3D_200",
        latent=latent,
        normalisation=normalisation,
        epochs=epochs,
        schedule=schedule,
        lr=LR[schedule],
        bs=256,
        progress=False,
    )
    seconds = time.perf_counter() - start
    test = table[model.split(table)["test"]]
    back = model.reconstruct(test)
    sigma = summarise(residuals(test, back))["q68"]
    return {
        "form": form,
        "latent": latent,
        "schedule": schedule,
        "normalisation": normalisation,
        "epochs": epochs,
        "seconds": round(seconds),
        "mse": standardised_mse(test, back),
        **{f"q68 {name}": value for name, value in sigma.items()},
    }


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "results.csv", show_default=True)
@click.option("--epochs", default=30, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Of torch: one is as fast as two for batches of 256.")
def main(output: Path, epochs: int, threads: int) -> None:
    torch.set_num_threads(threads)
    rows = []
    for form, latent, schedule, normalisation in itertools.product(
        ["E4D", "4D"], [3, 2], ["one-cycle", "plain"], ["standard", "custom"]
    ):
        with tempfile.TemporaryDirectory() as d:
            rows.append(
                point(
                    read(HERE.parent / "data" / "jets.root", form), form, latent, schedule, normalisation, epochs,
                    Path(d) / "model",
                )
            )
        click.echo(rows[-1], err=True)
    with whole(output, force=True) as new:
        pd.DataFrame(rows).to_csv(new, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
