"""Files that earlier versions wrote are read by this one, to the last bit."""

import json
from pathlib import Path

import numpy as np
import pytest
import other_events
from golden.arrays import arrays_of, arrays_of_events

from hepae.codec.shared_model import model_from_bytes
from hepae.codec.tables import decompress

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(p.name.removesuffix(".v1.hepae") for p in GOLDEN.glob("*.v1.hepae"))

EVENTS = sorted(p.name.removesuffix(".events.hepae") for p in GOLDEN.glob("*.events.hepae"))


def test_there_are_golden_files():
    "A test over no files would pass too."
    assert len(NAMES) == 21 and len(EVENTS) == 6


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


@pytest.mark.parametrize("name", EVENTS)
def test_golden_events(name):
    "Whole events: every number to the last bit, attributes, weights, and what is said of the run."
    found = arrays_of_events((GOLDEN / f"{name}.events.hepae").read_bytes())
    with np.load(GOLDEN / f"{name}.events.npz", allow_pickle=False) as expected:
        assert [*found] == expected.files
        for column, x in found.items():
            assert x.dtype == expected[column].dtype and x.tobytes() == expected[column].tobytes(), column


@pytest.mark.parametrize("name", EVENTS)
def test_second_reader_of_events(name):
    "A reader that was written from FORMAT.md finds the same numbers, to the last bit."
    found = other_events.read((GOLDEN / f"{name}.events.hepae").read_bytes())
    with np.load(GOLDEN / f"{name}.events.npz", allow_pickle=False) as expected:
        for column in (n for n in expected.files if n in found and n != "weights"):
            x = np.array(found[column], expected[column].dtype)
            assert x.tobytes() == expected[column].tobytes(), column
        assert json.loads(found["documents"]["events.json"])["format"] == "HepMC"
