"""HepMC3 text from C: the same bytes as from Python, number by number and line by line."""

from unittest.mock import patch

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hepmc import REAL

from hepae.hepmc import write3
from hepae.hepmc.files import read_events
from hepae.hepmc.scientific import compiled_text, digits_and_exponents
from hepae.hepmc.write import text_of_events

pytestmark = pytest.mark.skipif(compiled_text() is None, reason="nothing is compiled")
NUMBERS = {"px", "py", "pz", "E", "m"}


def event_of(x: np.ndarray, made: np.ndarray, ends: np.ndarray, v: int, places: np.ndarray) -> tuple[dict, dict]:
    "Particles with these numbers, and vertices."
    n = len(made)
    p = {"id": np.arange(1, n + 1), "production": -made, "end": -ends, "pid": np.arange(n) * 977 - 2000,
         "status": np.arange(n) % 5} | dict(zip(sorted(NUMBERS), x))
    where = {"id": -np.arange(1, v + 1), "status": np.arange(v) % 3 // 2}
    return p, where | dict(zip("xyzt", places))


def both(p: dict, v: dict) -> list[str]:
    "The lines from C, which must be sure of them, and from Python."
    g = write3._graph(p, v)
    return [write3._compiled_body(p, v, g), write3._body_in_python(p, v, g, 16)]


def all_sizes() -> np.ndarray:
    "(5, n) floats of any bits, all powers of two and ten, whole numbers, no numbers."
    rng = np.random.default_rng(0)
    odd = [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
    tens = [float(f"{s}e{k}") for k in range(-323, 309) for s in ("1", "-1", "9.9999999999999995")]
    x = np.concatenate([
        rng.integers(0, 2**64, 60_000, dtype=np.uint64).view(np.float64), rng.normal(size=20_000), odd, tens,
        np.ldexp(1.0, np.arange(-1074, 1024)), np.arange(-500.0, 500), 1 - np.geomspace(1e-17, 1e-3, 500),
    ])
    return np.resize(x, (5, len(x) // 5 + 1))


def halfway(x: np.ndarray) -> np.ndarray:
    "Which numbers lie so near the middle between two texts that 64 bits after the point do not tell."
    fine = np.isfinite(x) & (x != 0)
    return fine & digits_and_exponents(np.where(fine, np.abs(x), 1.0).ravel())[2].reshape(x.shape)


def test_all_sizes_of_numbers():
    "Numbers as Python writes them."
    x = all_sizes()
    x[halfway(x)] = 1.0
    none = np.zeros(x.shape[1], np.int64)
    a, b = both(*event_of(x, none, none, 0, np.zeros((4, 0))))
    assert a == b


@settings(max_examples=150)
@given(st.data())
def test_generated_graphs(data):
    "Vertices stand where Python puts them, with the particles that enter, and places where there are some."
    v, n = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 14))
    numbers = st.lists(st.integers(0, v), min_size=n, max_size=n)
    made, ends = (np.array(data.draw(numbers), np.int64) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    places = rng.choice([0.0, -0.0, np.nan, 1.5e-9, -7.25], (4, v), p=[0.6, 0.1, 0.05, 0.15, 0.1])
    a, b = both(*event_of(rng.normal(size=(5, n)), made, ends, v, places))
    assert a == b


def test_halfway():
    "A number that lies halfway between two texts is left to Python, which rounds it to even."
    x = all_sizes()
    unsure = x[halfway(x)]
    assert len(unsure) > 5
    for value in unsure[:50]:
        p, v = event_of(np.full((5, 1), value), *np.zeros((2, 1), np.int64), 0, np.zeros((4, 0)))
        assert both(p, v)[0] is None
        assert write3._body3(p, v, 16) == write3._body_in_python(p, v, write3._graph(p, v), 16)


@pytest.mark.parametrize("name", ["", *REAL])
def test_real_events(name, request):
    "Files that other people wrote, and ours."
    path = request.getfixturevalue("testdata")(f"hepmc/{name}") if name else ROOT / "data" / "drell_yan.hepmc.gz"
    events = next(iter(read_events(path)))
    a = list(text_of_events(events, 3))
    with patch.object(write3, "compiled_text", lambda: None):
        assert a == list(text_of_events(events, 3))
