"""The codec's side of hepmc/tokens.py: what is counted comes back within the bounds that it names."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hepae.learning.coordinates import fit_coordinates
from hepae.physics.particles import momenta
from hepae.schema import schema_of, with_schema

STUDY = Path(__file__).resolve().parent.parent / "hepmc"


@pytest.fixture(scope="module")
def study():
    "The two scripts, and the particles of 200 committed events."
    sys.path.insert(0, str(STUDY))
    try: import tokens
    finally: sys.path.remove(str(STUDY))
    table = tokens.first_particles([STUDY.parent / "data" / "drell_yan_50.hepae"], 50)
    table = with_schema(table[table.index.get_level_values(0) < 200], schema_of(table))
    coordinates = fit_coordinates(table, "on-shell-sorted", 50)
    return tokens, coordinates.leading(table), coordinates.wide(table)


def test_steps_come_back(study):
    "Differences in the order of pz and sums are each other's inverse, within half a step."
    tokens, _, rows = study
    x = np.nan_to_num(rows.to_numpy().reshape(len(rows), -1, 3))
    q = tokens.in_order(x, 0.1, 0.5)
    back = tokens.from_order(q, 0.1, 0.5)
    assert (q == np.rint(q)).all()
    assert np.abs(np.arcsinh(back[..., 2]) - np.arcsinh(x[..., 2])).max() <= 0.1 + 1e-9
    assert np.abs(back[..., :2] - x[..., :2]).max() <= 0.5 + 1e-9


def test_codec_within_bounds(study):
    "The pair, the hardest and the rest are within the bounds of each; wider ones take fewer bytes."
    tokens, _, rows = study
    x = rows.to_numpy().reshape(len(rows), -1, 3)
    sizes = []
    for pair, hardest, rest in (tokens.FINE, (0.1, 0.1), (0.1, 0.1)), (0.05, (0.5, 0.2), (20.0, 0.2)):
        size, made = tokens.by_codec(rows, pair, hardest, rest, 0.3)
        sizes.append(size)
        back = made.to_numpy().reshape(x.shape)
        assert (np.isnan(back) == np.isnan(x)).all()
        assert np.nanmax(np.abs(back[:, :2] / x[:, :2] - 1)) <= pair * (1 + 1e-9)
        assert np.nanmax(np.abs(back[:, 2:10, 2] / x[:, 2:10, 2] - 1)) <= hardest[1] * (1 + 1e-9)
        assert np.nanmax(np.abs(np.arcsinh(back[:, 10:, 2]) - np.arcsinh(x[:, 10:, 2]))) <= rest[1] + 1e-9
        assert np.nanmax(np.abs(back[..., :2] - x[..., :2])[:, 2:10]) <= hardest[0] + 0.3
    assert sizes[1] < sizes[0] / 2


def test_all_within_bound(study):
    "Steps of log pt, eta and phi bring every particle within 0.1%, and leave nothing to add to what is equal."
    tokens, before, _ = study
    after = tokens.from_steps(before)
    p, q = momenta(before), momenta(after)
    error = np.sqrt(((q - p)[:3] ** 2).sum(0) / (p[:3] ** 2).sum(0))
    assert error.max() < 2.1 * tokens.FINE
    whole = tokens.within_bound(before)
    assert tokens.within_bound(before, after) < whole / 20
    turned = with_schema(before.assign(phi=-before["phi"]), schema_of(before))
    assert whole / 20 < tokens.within_bound(before, turned) < whole
