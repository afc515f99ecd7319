"""Writes the golden files of format version 2 that are not there. What is committed is never written again: later
versions must read it."""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]
from dataset_damage import whole  # noqa: E402
from dataset_samples import copies, corrected, in_units, matched, physics, whatever, wide, written  # noqa: E402
from test_datasets import arrays_of_dataset  # noqa: E402

FILES = {
    "events": lambda: written(physics(100, 80)),
    "chunks": lambda: written(physics(101, 120), events=60),
    "dithered": lambda: written(physics(102, 120), events=60, dither=7),
    "units": lambda: written(in_units(103), events=60),
    "corrected": lambda: written(corrected(104), events=60),
    "matched": lambda: written(matched(105), events=150),
    "packed": lambda: written(copies(103), events=200),
    "nested": lambda: written(whatever(7), events=9),
    "wide": lambda: written(wide(104), events=25),
}

for name, make in FILES.items():
    path = HERE / f"{name}.v2.hepae"
    if path.exists():
        continue
    path.write_bytes(make())
    np.savez_compressed(HERE / f"{name}.v2.npz", **arrays_of_dataset(whole(path.read_bytes())))
    print(name, path.stat().st_size)
