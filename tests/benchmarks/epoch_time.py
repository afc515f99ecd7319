"""What an epoch of training costs through the Learner, beside a bare torch loop over the same sliced tensors.

    python tests/benchmarks/epoch_time.py [--jets 100000] [--bs 1024] [--epochs 12] [--recipe AE_3D_200] [--json]

100,000 training jets of four variables and a validation pass over 12,500. The Learner carries what `hepae train`
gives it: history, best weights, log, checkpoint and preview in a folder. After each of
its epochs the bare loops run one each, so that a busy machine slows all of them alike; the first two rounds are
warm-up. Printed are medians over the rounds, and the median of the ratios.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fastai.basics import Callback

from hepae.core import rng
from hepae.learning.callbacks import Keeper
from hepae.learning.progress import Preview
from hepae.learning.table_learner import ae_learner
from hepae.learning.losses import mse
from hepae.learning.models import build_model

WARM_UP = 2  # rounds


def generated(n: int) -> pd.DataFrame:
    "Jets (m, pt, phi, eta), one an event, so many that n of them are trained on."
    random, n = rng(41), n * 10 // 8
    pt = 20 * random.pareto(3, n) + 20
    return pd.DataFrame(
        {"m": 0.1 * pt, "pt": pt, "phi": random.uniform(-np.pi, np.pi, n), "eta": random.normal(0, 1.5, n)}
    ).astype("float32")


def bare_loop(learn, recipe: str, **optimiser):
    "A function that runs one epoch without fastai, with its validation pass, and returns the validation loss."
    model = build_model(recipe, 4).to(learn.dls.device)
    opt = torch.optim.Adam(model.parameters(), 1e-3, **optimiser)
    train, valid = learn.dls.train, learn.dls.valid

    def epoch() -> float:
        model.train()
        for x in train.dataset[torch.randperm(train.n, device=train.device)].split(train.bs):
            loss = mse(model(x), x)
            loss.backward()
            opt.step()
            opt.zero_grad()
        model.eval()
        with torch.no_grad():
            return float(sum(mse(model(x), x) * len(x) for x in valid.dataset.split(valid.bs))) / valid.n

    return epoch


class Beside(Callback):
    "After each epoch of the Learner, everything else included, one epoch of each bare loop."

    order = 1000

    def __init__(self, loops: dict):
        self.loops, self.seconds = loops, {name: [] for name in ("Learner", *loops)}

    def before_fit(self):
        self.clock = time.perf_counter()

    def after_epoch(self):
        self._stop("Learner")
        for name, loop in self.loops.items():
            loop()
            self._stop(name)

    def _stop(self, name: str):
        now = time.perf_counter()
        self.seconds[name].append(now - self.clock)
        self.clock = time.perf_counter()


def measure(jets: int, bs: int, epochs: int, recipe: str) -> dict[str, list[float]]:
    "Seconds of each epoch after the warm-up, by contender."
    learn = ae_learner(generated(jets), recipe, bs=bs, progress=False, preview=False)
    beside = Beside({"bare loop": bare_loop(learn, recipe), "bare loop, fused": bare_loop(learn, recipe, fused=True)})
    with tempfile.TemporaryDirectory() as folder:
        # a third of the time that passes is the Learner's, so a third of the preview's share
        learn.add_cbs(
            [
                Keeper(folder),
                Preview(learn.preview_figure, Path(folder) / "plots" / "preview.png", show=False, share=0.05 / 3),
                beside,
            ]
        )
        learn.fit_one_cycle(epochs + WARM_UP, 1e-3)
    return {name: seconds[WARM_UP:] for name, seconds in beside.seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jets", type=int, default=100_000)
    parser.add_argument("--bs", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--recipe", default="AE_3D_200")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    seconds = measure(args.jets, args.bs, args.epochs, args.recipe)
    ratios = {name: np.divide(seconds["Learner"], s) for name, s in seconds.items()}
    found = {
        name: {"seconds": round(float(np.median(s)), 4), "learner_ratio": round(float(np.median(ratios[name])), 3)}
        for name, s in seconds.items()
    }
    if args.json:
        return print(json.dumps(found))
    print(
        f"{args.jets:,} jets × 4, batch {args.bs}, {args.recipe}, {torch.get_num_threads()} threads, "
        f"{args.epochs} epochs each; Adam, validation pass included"
    )
    for name, f in found.items():
        print(
            f"{name:18} {f['seconds']:.3f} s an epoch   Learner / this: {f['learner_ratio']:.3f}  (from "
            f"{ratios[name].min():.2f} to {ratios[name].max():.2f})"
        )


if __name__ == "__main__":
    main()
