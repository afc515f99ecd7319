"""Files that the first version wrote are read by this one, to the last bit."""
from pathlib import Path

import numpy as np
import pytest

from hepae.codec.model import model_from_bytes
from hepae.codec.tables import decompress

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(p.name.removesuffix(".v1.hepae") for p in GOLDEN.glob("*.v1.hepae"))


def test_there_are_golden_files():
    "A test over no files would pass too."
    assert len(NAMES) == 13


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    "Columns, dtypes, bits of every value, and the index."
    model = GOLDEN / f"{name}.v1.model"
    table = decompress((GOLDEN / f"{name}.v1.hepae").read_bytes(), model_from_bytes(model.read_bytes()) if model.exists() else None)
    with np.load(GOLDEN / f"{name}.v1.npz", allow_pickle=False) as expected:
        assert [f"index {k}" for k in range(table.index.nlevels)] + [f"column {c}" for c in table] == expected.files
        for k in range(table.index.nlevels): assert np.array_equal(table.index.get_level_values(k).to_numpy(), expected[f"index {k}"])
        for c in table:
            assert table[c].dtype == expected[f"column {c}"].dtype
            assert table[c].to_numpy().tobytes() == expected[f"column {c}"].tobytes()
