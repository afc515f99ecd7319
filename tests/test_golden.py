"""Files that earlier versions wrote are read by this one, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
from golden.arrays import arrays_of

from hepae.codec.shared_model import model_from_bytes
from hepae.codec.tables import decompress

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(p.name.removesuffix(".v1.hepae") for p in GOLDEN.glob("*.v1.hepae"))


def test_there_are_golden_files():
    "A test over no files would pass too."
    assert len(NAMES) == 18


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    "Columns, dtypes, bits of every value, and the index."
    model = GOLDEN / f"{name}.v1.model"
    table = decompress(
        (GOLDEN / f"{name}.v1.hepae").read_bytes(), model_from_bytes(model.read_bytes()) if model.exists() else None
    )
    with np.load(GOLDEN / f"{name}.v1.npz", allow_pickle=False) as expected:
        found = arrays_of(table)
        assert [*found] == expected.files
        for name, x in found.items():
            if name.startswith("index"):
                assert np.array_equal(x, expected[name])
            else:
                assert x.dtype == expected[name].dtype and x.tobytes() == expected[name].tobytes(), name
