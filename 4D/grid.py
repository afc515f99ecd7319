"""What three or two numbers cost a jet: without a network, with principal components, and with networks, over
forms, schedules, batches and normalisations; one row of results.csv each.

    python 4D/grid.py -o 4D/results.csv                  # an hour on one core; goes on where it stopped

All are judged by the same test rows of data/jets.root for a seed. The MSE is that of the standardised variables,
whatever the network was normalised with, so all rows compare; "E < p" counts test jets that are faster than light.

The plain schedule is there twice: `plain` shares its epochs out as the ancestors' 10, 50, 100 and 100 at 1e-3, 1e-4,
1e-5 and 1e-6, which of 30 epochs leaves 7 above 1e-5; `plain, tuned` trains three quarters at the first rate. Where
a schedule has several rates, that counts which did best on the validation rows.
"""

import itertools
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch

from hepae.core import whole
from hepae.files.reading import read
from hepae.learning.learner import train
from hepae.learning.prep import fit_normaliser, split_by_event
from hepae.metrics import residuals, standardised_mse, summarise

HERE = Path(__file__).parent
SEEDS = 41, 42, 43
KEYS = ["form", "latent", "network", "normalisation", "schedule", "bs", "epochs", "seed"]
RATES = {"one-cycle": [3e-3], "plain": [1e-3], "plain, tuned": [1e-3]}
LARGE_BATCH = {"one-cycle": [3e-3, 1e-2], "plain": [1e-3], "plain, tuned": [1e-3, 3e-3]}


def momentum(table: pd.DataFrame) -> np.ndarray:
    "|p| of jets, float64."
    return table["pt"].to_numpy("f8") * np.cosh(table["eta"].to_numpy("f8"))


def formula(table: pd.DataFrame, train: np.ndarray) -> pd.DataFrame:
    "pt, eta and phi as they are; E = √(p² + (c·pt)²), or m = c·pt, with c the median of the training rows."
    back, pt, p = table.copy(), table["pt"].to_numpy("f8"), momentum(table)
    if "m" in table: ratio = table["m"].to_numpy("f8") / pt
    else: ratio = np.sqrt(((table["E"].to_numpy("f8") ** 2 - p**2) / pt**2).clip(min=0))
    m = np.median(ratio[train]) * pt
    if "m" in table: back["m"] = m.astype(table["m"].dtype)
    else: back["E"] = np.hypot(p, m).astype(table["E"].dtype)
    return back


def components(table: pd.DataFrame, train: np.ndarray, latent: int, normalisation: str) -> pd.DataFrame:
    "The table after its first principal components, of the normalised training rows."
    normaliser = fit_normaliser(table[train], normalisation)
    y = normaliser.forward(table)
    mean = y[train].mean(0)
    axes = np.linalg.eigh(np.cov((y[train] - mean).T))[1][:, -latent:]
    return normaliser.inverse((y - mean) @ axes @ axes.T + mean).set_axis(table.index)


def network(table: pd.DataFrame, key: dict) -> tuple[pd.DataFrame, dict]:
    "The table after a network: of the rates of its schedule, the one that does best on validation rows."
    rates, found = (LARGE_BATCH if key["bs"] > 1000 else RATES)[key["schedule"]], []
    for lr in rates:
        schedule, epochs = {"lr": lr, "schedule": key["schedule"]}, key["epochs"]
        if key["schedule"] == "plain, tuned":
            last, middle = epochs // 10, epochs // 6
            schedule = {"stages": [(epochs - middle - last, lr), (middle, lr / 10), (last, lr / 100)]}
        same = {k: key[k] for k in ("latent", "normalisation", "bs", "epochs", "seed")}
        with tempfile.TemporaryDirectory() as d:
            model = train(table, Path(d) / "m", key["network"], **same, **schedule, progress=False, preview=False)
        found.append((model.config["result"]["valid_loss"], lr, model.reconstruct(table)))
    best = min(found, key=lambda f: f[0])
    return best[2], {"lr": best[1]}


def point(table: pd.DataFrame, key: dict) -> dict:
    "One row: a way to a few numbers and back, judged by the test rows."
    start, split = time.process_time(), split_by_event(table, key["seed"])
    if key["network"] == "formula": back, facts = formula(table, split["train"]), {}
    elif key["network"] == "principal components":
        back, facts = components(table, split["train"], key["latent"], key["normalisation"]), {}
    else: back, facts = network(table, key)
    test, back = table[split["test"]], back[split["test"]]
    sigma = summarise(residuals(test, back))["q68"]
    facts |= {"CPU seconds": round(time.process_time() - start), "mse": standardised_mse(test, back)}
    if "E" in test: facts["E < p"] = int((back["E"].to_numpy("f8") < momentum(back)).sum())
    facts |= {f"q68 {name}": value for name, value in sigma.items()}
    return key | {name: float(f"{x:.4g}") if isinstance(x, float) else x for name, x in facts.items()}


def points(epochs: int) -> list[dict]:
    "What is compared; what matters most comes first."
    rows = []
    for form, seed in itertools.product(["E4D", "4D"], SEEDS):
        rows.append((form, 3, "formula", "", "", 0, 0, seed))
        for n, latent in itertools.product(["standard", "custom"], [3, 2]):
            rows.append((form, latent, "principal components", n, "", 0, 0, seed))
    stored = ("AE_3D_200_stored", "on-shell", "one-cycle", 1024, epochs // 3)
    rows += [("E4D", 3, *stored, seed) for seed in SEEDS]
    rows.append(("E4D", 3, "AE_3D_200", "standard", "plain, tuned", 256, epochs, 41))
    rows += [("E4D", 3, "AE_3D_200", "standard", s, 4096, epochs, 41) for s in RATES]
    rows += [("4D", 3, *stored, seed) for seed in SEEDS]
    tuned = ("AE_3D_200_stored", "on-shell", "plain, tuned", 1024, epochs // 3)
    rows += [(form, 3, *tuned, 41) for form in ("E4D", "4D")]
    for form, latent, schedule, n in itertools.product(["E4D", "4D"], [3, 2], RATES, ["standard", "custom"]):
        rows.append((form, latent, "AE_3D_200", n, schedule, 256, epochs, 41))
    rows += [("E4D", 3, "AE_3D_200", "standard", s, bs, epochs, seed)
             for bs, seed, s in itertools.product([4096, 256], SEEDS, RATES)]
    rows += [(form, 3, "AE_3D_200", "on-shell", "one-cycle", 256, epochs, 41) for form in ("E4D", "4D")]
    rows += [("E4D", 3, "AE_3D_200", "standard", s, 4096, 260, 41) for s in RATES]
    return [dict(zip(KEYS, row)) for row in dict.fromkeys(rows)]


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "results.csv", show_default=True)
@click.option("--epochs", default=30, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Of torch: one is as fast as two for batches of 256.")
@click.option("--part", default="0/1", show_default=True, help="k/n: every n-th row from the k-th, for n processes.")
def main(output: Path, epochs: int, threads: int, part: str) -> None:
    torch.set_num_threads(threads)
    k, n = map(int, part.split("/"))
    tables = {form: read(HERE.parent / "data" / "jets.root", form) for form in ("E4D", "4D")}
    rows = pd.read_csv(output, keep_default_na=False).to_dict("records") if output.exists() else []
    done = {tuple(str(row[key]) for key in KEYS) for row in rows}
    for key in points(epochs)[k::n]:
        if tuple(map(str, key.values())) in done: continue
        rows.append(point(tables[key["form"]], key))
        click.echo(rows[-1], err=True)
        with whole(output, force=True) as new:
            pd.DataFrame(rows).to_csv(new, index=False)


if __name__ == "__main__":
    main()
