"""Autoencoders of 25 and 27 variables: the ancestors' recipe and ours, for the same minutes on the same jets.

    hepae sample --detector --jets 100000 --workers 2 -o processed_data/jets27_100k.root
    python tests/benchmarks/latent_mse.py processed_data/jets27_100k.root [--minutes 5] [--only 25D:14 …]

Both learn in the same frame, the ancestors' custom normalisation, with one-cycle schedules of as many epochs as the
minutes (of CPU time of one thread) hold; an epoch is timed first. Theirs is 27-200-200-200-z with LeakyReLU and
batch
normalisation, batches of 4096, learning rate and weight decay as they chose them for each z. The error is the mean
over jets and variables, of validation rows (which also choose the epoch) and of test rows (which
choose nothing), in the common frame as the networks see it, and of the jets that come back, in units of each
variable's standard deviation.
"""

import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch

from hepae.files.reading import read
from hepae.learning.learner import train
from hepae.learning.table_learner import ae_learner
from hepae.learning.prep import filter_events, split_by_event
from hepae.metrics import standardised_mse

# z: learning rate, weight decay
RATES = {
    8: (1e-2, 1e-4),
    10: (1e-3, 1e-2),
    12: (1e-3, 1e-1),
    14: (1e-2, 1e-2),
    16: (3e-2, 1e-4),
    18: (1e-2, 1e-2),
    20: (1e-2, 1e-2),
}


def theirs(z: int) -> dict:
    "The ancestors' recipe."
    lr, wd = RATES[z]
    return dict(recipe="AE_bn_LeakyReLU", latent=z, bs=4096, lr=lr, wd=wd, normalisation="custom")


def ours(z: int) -> dict:
    "Skip connections, no batch normalisation, sixteen times as many steps."
    return dict(recipe="AE_skip", activation="leaky_relu", latent=z, bs=256, lr=3e-3, wd=1e-6, normalisation="custom")


def epochs_in(table: pd.DataFrame, choice: dict, seconds: float) -> int:
    "How many epochs of a recipe fit into some seconds, from the second of two."
    bare = {k: v for k, v in choice.items() if k != "lr"}
    learn = ae_learner(table, progress=False, **bare)
    learn.fit(1, choice["lr"] / 10)
    start = time.process_time()
    learn.fit(1, choice["lr"] / 10)
    return max(2, int(seconds / (time.process_time() - start)))


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default=5.0, show_default=True)
@click.option("--only", multiple=True, metavar="DIMS:Z", help="Of 25D:14, 25D:20, 27D:18, 27D:20; all if not given.")
@click.option("--seed", default=41, show_default=True)
def main(file: Path, minutes: float, only: tuple[str, ...], seed: int) -> None:
    torch.set_num_threads(1)
    for name in only or ("25D:14", "25D:20", "27D:18", "27D:20"):
        dims, z = name.split(":")
        table, _ = filter_events(read(file, dims), "finite,jets")
        rows, found = split_by_event(table, seed), {}
        for who, choice in [("theirs", theirs(int(z))), ("ours", ours(int(z)))]:
            epochs = epochs_in(table, choice, 60 * minutes)
            with tempfile.TemporaryDirectory() as d:
                start = time.process_time()
                model = train(table, Path(d) / who, epochs=epochs, seed=seed, progress=False, preview=False, **choice)
                seconds = time.process_time() - start
            frame = model.config["result"]["valid_loss"], model.config["result"]["test_loss"]
            found[who] = np.array(
                [
                    (error, standardised_mse(t, model.reconstruct(t)))
                    for error, t in zip(frame, (table[rows["valid"]], table[rows["test"]]))
                ]
            )
            (v, vs), (t, ts) = found[who]
            print(
                f"{dims} z={z} {who:7}{epochs:5} epochs {seconds / 60:5.1f} min   validation {v:.3e} "
                f"(standardised {vs:.3e})   test {t:.3e} (standardised {ts:.3e})",
                flush=True,
            )
        ratio = found["ours"] / found["theirs"]
        print(
            f"{dims} z={z} ours/theirs: validation {ratio[0, 0]:.2f} (standardised {ratio[0, 1]:.2f}), test "
            f"{ratio[1, 0]:.2f} ({ratio[1, 1]:.2f}); the aim is at most 0.5",
            flush=True,
        )


if __name__ == "__main__":
    main()
