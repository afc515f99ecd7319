"Angles that come often come back, whatever other columns follow from them."

import numpy as np
import pandas as pd
import pytest

from hepae.codec.tables import compress, decompress
from hepae.files.reading import read
from hepae.metrics import bound_violations
from hepae.schema import Column, Schema, event_index, with_schema


def turned(x: np.ndarray) -> np.ndarray:
    "Angles between −π and π."
    return (np.mod(x + np.pi, 2 * np.pi) - np.pi).astype("f4")


@pytest.mark.parametrize("seed", [1, 5])
def test_frequent_angles_as_parents(seed):
    "A third of the jets have one of twenty angles; the jet opposite, and its track, follow from them."
    jets, n = read("data/jets.root", "4D").iloc[:20_000], 6000
    rng = np.random.default_rng(seed)
    table = jets.iloc[rng.integers(0, len(jets), n)].reset_index(drop=True)
    table.loc[::3, "phi"] = rng.choice(rng.choice(table["phi"].to_numpy(), 20), n // 3)
    table["opposite"] = turned(table["phi"] + np.pi + 0.05 * rng.normal(size=n))
    table["track"] = turned(table["opposite"] + 0.02 * rng.normal(size=n))
    table.index = event_index(np.arange(0, n + 1, 2))
    kinds = {"m": "rel:1e-3", "pt": "rel:1e-3", "eta": "abs:1e-3"}
    columns = [
        Column(c, "float32", "", "continuous" if c in kinds else "periodic", kinds.get(c, "abs:1e-3")) for c in table
    ]
    table = with_schema(pd.DataFrame(table), Schema(tuple(columns)))
    assert bound_violations(table, decompress(compress(table, "schema"))).sum() == 0
