"Constants of physics: an event on each side of every edge, so that no number can change unseen."

import numpy as np
import pandas as pd
import pytest

from hepae.codec.bounds import quantiser_of
from hepae.codec.refinement import decode_refinement, encode_refinement, refinement_of
from hepae.codec.tables import compress, decompress
from hepae.hepmc.events import RunInfo
from hepae.hepmc.final import CONTRADICTS, final_particles
from hepae.hepmc.text import Text
from hepae.hepmc.version3 import parse
from hepae.physics.dilepton import CRACK, dileptons, in_acceptance, lepton_rows
from hepae.physics.drell_yan import EDGES, LUMINOSITY, PATHS, acceptance, histograms_of, per_10_gev, selected_pairs
from hepae.physics.event_shapes import event_sums, jets_of
from hepae.physics.particles import (
    CLASSES,
    FLOW_EDGES,
    classes_of,
    energy_flow,
    faster_than_light,
    off_shell,
    physicality,
)
from hepae.schema import Schema, Source, event_index, events_of, infer_schema, schema_of, variable, with_schema

LITTLE = 1e-6


def events(*found: list[tuple], unit: str = "GeV") -> pd.DataFrame:
    "Events of particles (pid, pt, eta, phi, m, prompt)."
    rows = [p for event in found for p in event]
    pid, pt, eta, phi, m, prompt = (np.array(x) for x in zip(*rows))
    columns = {
        "pid": pid.astype(np.int32),
        "prompt": prompt.astype(bool),
        "pt": pt.astype(float),
        "eta": eta.astype(float),
        "phi": phi.astype(float),
        "m": m.astype(float),
    }
    schema = Schema(
        tuple(variable(n, x.dtype, unit) for n, x in columns.items()), source=Source("HepMC", entries=len(found))
    )
    return with_schema(pd.DataFrame(columns, event_index(np.cumsum([0, *map(len, found)]))), schema)


def pair(
    pid: int, pt: float = 150.0, eta: tuple = (0.5, -0.5), charges: tuple = (1, -1), prompt: bool = True
) -> list[tuple]:
    "Two massless leptons back to back; of equal eta their mass is 2 pt."
    return [(c * pid, pt, e, phi, 0.0, prompt) for c, e, phi in zip(charges, eta, (0.3, 0.3 - np.pi))]


def channels(*found: list[tuple]) -> list[int]:
    "What the Drell-Yan analysis takes each event for."
    return selected_pairs(events(*found))["channel"].tolist()


@pytest.mark.parametrize(
    "pid, edge, above_is_in", [(11, 2.47, False), (13, 2.5, False), (11, 1.37, False), (11, 1.52, True)]
)
@pytest.mark.parametrize("side", [1, -1])
def test_eta_of_the_analysis(pid, edge, above_is_in, side):
    "Electrons below 2.47 and outside of 1.37 to 1.52, muons below 2.5; on both sides of the detector and of the edge."
    below, above = (pair(pid, 400, (side * (edge + step), 0.0)) for step in (-LITTLE, LITTLE))
    assert channels(below, above) == ([0, pid] if above_is_in else [pid, 0])
    # muons know no crack
    if pid == 13:
        assert channels(pair(13, 400, (side * 1.45, 0.0)), pair(13, 400, (side * 2.48, 0.0))) == [13, 13]


@pytest.mark.parametrize("pid", [11, 13])
def test_pt_of_the_analysis(pid):
    "Both leptons have more than 30 GeV, electrons of transverse energy."
    mass_of = lambda soft: pair(pid, 900)[:1] + [(-pid, soft, -0.5, 0.3 - np.pi, 0.0, True)]  # noqa: E731
    assert channels(mass_of(30 - LITTLE), mass_of(30 + LITTLE)) == [0, pid]
    heavy = [(p, pt, eta, phi, 0.05 * pt, prompt) for p, pt, eta, phi, _, prompt in mass_of(30 - 0.01)]
    assert channels(heavy) == [11 if pid == 11 else 0]  # ET is above, pt is not


def test_mass_of_the_analysis():
    "From 200 GeV true and 225 GeV measured."
    found = [pair(11, m / 2, (0.0, 0.0)) for m in (225 - LITTLE, 225 + LITTLE)]
    assert channels(*found) == [0, 11]
    smeared = selected_pairs(
        events(
            *[pair(11, m / 2, (0.0, 0.0)) for m in np.full(2000, 200 - LITTLE)],
            *[pair(11, m / 2, (0.0, 0.0)) for m in np.full(2000, 200 + LITTLE)],
        ),
        smear=0.1,
    )
    counts = (smeared["channel"] > 0).to_numpy().reshape(2, 2000).sum(1)
    assert counts[0] == 0 and 150 < counts[1] < 300  # 25 GeV are 1.25 standard deviations: 10.6%


def test_charges_and_order_of_the_analysis():
    "Electrons of any charge come before muons of opposite charge; leptons that are not prompt do not count."
    electrons, muons = pair(11), pair(13)
    same_e, same_m = pair(11, charges=(1, 1)), pair(13, charges=(1, 1))
    assert channels(electrons, muons, same_e, same_m) == [11, 13, 11, 0]
    assert channels(electrons + muons, same_e + muons, electrons[:1] + muons) == [11, 11, 13]
    assert channels(pair(11, prompt=False), pair(13, prompt=False), pair(13, prompt=False) + pair(11)) == [0, 0, 11]
    assert channels(pair(15), pair(12)) == [0, 0]


def test_acceptance():
    "The published formulas, at masses where each of their numbers counts."
    m = np.array([200.0, 300, 1200, 6000])
    electrons = [
        0.74 - 0.04 - 0.08, 0.74 - 0.04 / np.e - 0.08 * np.exp(-0.1), 0.74 - 0.04 * np.exp(-10) - 0.08 / np.e,
        0.74 - 0.08 * np.exp(-5.8),
    ]
    np.testing.assert_allclose(acceptance(m, np.full(4, 11)), electrons, rtol=1e-12)
    np.testing.assert_allclose(
        acceptance(np.array([200.0, 3100, 6000]), np.full(3, 13)), [0.54, 0.46, 0.38], rtol=1e-12
    )


def test_histogram_of_the_analysis():
    "Bins of the paper, luminosity in fb⁻¹, heights in events of 10 GeV; electrons in d01, muons in d02."
    published = [
        225, 232.51, 240.271, 248.291, 256.579, 265.143, 273.994, 283.139, 292.59, 302.357, 312.449, 322.878,
        333.656, 344.793, 356.302, 368.195, 380.485, 393.185, 406.309,
    ]
    np.testing.assert_allclose(EDGES[:19], published, rtol=2e-6)
    assert len(EDGES) == 100 and LUMINOSITY == 139.0
    assert {k: v[-11:] for k, v in PATHS.items()} == {11: "d01-x01-y01", 13: "d02-x01-y01"}
    found = histograms_of(
        selected_pairs(events(pair(11, 125, (0.0, 0.0)), pair(13, 125, (0.0, 0.0)), pair(13, 125, (0.0, 0.0)))),
        np.array([2.0, 3.0, 5.0]),
    )
    at = np.searchsorted(EDGES, 250.0) - 1
    a_e, a_m = acceptance(np.array([250.0, 250.0]), np.array([11, 13]))
    np.testing.assert_allclose([found[k].sums[1 + at, 0] for k in (11, 13)], [2 * a_e, 8 * a_m], rtol=1e-9)
    np.testing.assert_allclose(
        per_10_gev(found[11], 0.5, 4.0).sums[1 + at, 0], 2 * a_e * 10 * 0.5e3 * 139 / 4, rtol=1e-9
    )


def test_cuts_of_the_pair():
    "25 and 20 GeV, and the crack without its edges."
    assert CRACK == (1.37, 1.52)
    pairs = pd.DataFrame(
        [
            (25 + LITTLE, 0.0, 20 + LITTLE, 0.0), (25 - LITTLE, 0.0, 20 + LITTLE, 0.0),
            (25 + LITTLE, 0.0, 20 - LITTLE, 0.0), (20 + LITTLE, 0.0, 25 + LITTLE, 0.0), (40, 1.37, 40, 1.52),
            (40, 1.37 + LITTLE, 40, 0), (40, 0, 40, -1.52 + LITTLE), (40, -1.37, 40, 1.53),
        ],
        columns=["pt_l1", "eta_l1", "pt_l2", "eta_l2"],
    )
    assert in_acceptance(pairs).tolist() == [True, False, False, True, True, False, False, True]


def dressed_mass(*photons: tuple) -> float:
    "The mass of a pair of 200 GeV with photons, in units of the bare one."
    table = events(pair(11, 100, (0.0, 0.0)) + [(22, 10.0, eta, phi, 0.0, prompt) for eta, phi, prompt in photons])
    return dileptons(table, radius=0.1)[0]["m_ll"][0] / 200


def test_photons_that_dress():
    "Prompt ones within ΔR 0.1 of a lepton, and nothing else."
    assert dressed_mass((0.1 - LITTLE, 0.3, True)) > 1.04 and dressed_mass((0.1 + LITTLE, 0.3, True)) == pytest.approx(
        1
    )
    assert dressed_mass((0.0, 0.4 - LITTLE, True)) > 1.04 and dressed_mass((0.0, 0.4 + LITTLE, True)) == pytest.approx(
        1
    )
    assert dressed_mass((0.01, 0.3, False)) == pytest.approx(1)  # of a π0 beside the lepton
    electron = events(pair(11, 100, (0.0, 0.0)) + [(13, 10.0, 0.01, 0.3, 0.0, True), (111, 10.0, 0.01, 0.3, 0.0, True)])
    assert dileptons(electron, radius=0.1)[0]["m_ll"][0] == pytest.approx(200)


@pytest.mark.parametrize("flavour", [11, 13])
def test_prompt_leptons(flavour):
    "Prompt ones of the flavour alone make a pair, muons as well as electrons."
    table = events(
        pair(flavour) + pair(24 - flavour), pair(flavour, prompt=False), pair(flavour, prompt=False) + pair(flavour, 50)
    )
    assert lepton_rows(table, flavour).tolist() == [[0, 1], [-1, -1], [8, 9]] or lepton_rows(
        table, flavour
    ).tolist() == [[1, 0], [-1, -1], [9, 8]]
    assert lepton_rows(table, flavour, prompt=False)[1].min() >= 0


@pytest.mark.parametrize("pid", [12, -12, 14, -14, 16, -16])
def test_neutrinos_are_invisible(pid):
    "All three, and their antiparticles; nothing else."
    table = events([(pid, 40.0, 0.0, 0.0, 0.0, True), (11, 30.0, 0.0, np.pi, 0.0, True)])
    assert event_sums(table)["met"][0] == pytest.approx(30)
    assert CLASSES[classes_of(np.array([pid]))[0]] == "neutrino"
    assert len(jets_of(events([(pid, 40.0, 0.0, 0.0, 0.0, True), (211, 1.0, 0.0, np.pi, 0.1, True)]))) == 0


def test_what_is_visible():
    "Charged leptons, τ too, photons, hadrons: they balance what is missing."
    for pid in (11, 13, 15, 17, 18, 22, 111, 130, 211, 2112):
        assert event_sums(events([(pid, 40.0, 0.0, 0.0, 0.0, True)]))["met"][0] == pytest.approx(40), pid


def test_what_jets_are_made_of():
    "Not of prompt electrons and muons; of those of hadrons, of τ and photons. Radius 0.4, from 20 GeV."
    alone = lambda pid, prompt, pt=30.0: len(jets_of(events([(pid, pt, 0.0, 0.0, 0.0, prompt)])))  # noqa: E731
    assert [alone(p, True) for p in (11, -11, 13, -13, 15, 22, 211)] == [0, 0, 0, 0, 1, 1, 1]
    assert [alone(p, False) for p in (11, 13, 22)] == [1, 1, 1]
    assert [alone(211, True, 20 + d) for d in (-LITTLE, LITTLE)] == [0, 1]
    # noqa: E731
    two = lambda apart: len(jets_of(events([(22, 30.0, 0.0, 0.0, 0.0, True), (22, 25.0, apart, 0.0, 0.0, True)])))
    assert [two(0.4 - 1e-3), two(0.4 + 1e-3)] == [1, 2]


def test_slower_than_light():
    "|p| may exceed E by one part in 10¹², and E² − p² differ from m² by one in 10⁶ of E²."
    p = np.array([[1 + x, 0, 0, 1] for x in (0.5e-12, 2e-12)]).T
    assert faster_than_light(p).tolist() == [False, True]
    E, m = 10.0, np.sqrt(100 - 9)
    columns = {
        "pid": np.full(4, 211, np.int32),
        "px": np.full(4, 3.0),
        "py": np.zeros(4),
        "pz": np.zeros(4),
        "E": np.full(4, E),
        "m": np.sqrt(m**2 + np.array([0.9e-6, -0.9e-6, 1.1e-6, -1.1e-6]) * E**2),
    }
    table = with_schema(
        pd.DataFrame(columns, event_index(np.array([0, 4]))),
        Schema(tuple(variable(n, x.dtype, "GeV") for n, x in columns.items())),
    )
    assert off_shell(table, np.stack([columns[c] for c in ("px", "py", "pz", "E")])).tolist() == [
        False, False, True, True,
    ]
    assert physicality(table).loc["all", "off shell"] == 2


def test_energy_flow_edges():
    "Half units of eta from −8 to 8."
    assert np.array_equal(FLOW_EDGES, np.arange(-8, 8.25, 0.5))
    flow = energy_flow(
        events(
            [
                (22, 1.0, eta, 0.0, 0.0, True)
                for eta in (-8 - 1e-9, -8 + 1e-9, 0.5 - 1e-9, 0.5 + 1e-9, 8 - 1e-9, 8 + 1e-9)
            ]
        )
    )
    assert np.flatnonzero(flow).tolist() == [0, 16, 17, 31]


def test_units_of_observables():
    "A table in MeV gives GeV."
    found = selected_pairs(events(pair(11, 150e3, (0.0, 0.0)), unit="MeV"))
    assert found["m"][0] == pytest.approx(300) and found["channel"][0] == 11
    assert event_sums(events([(11, 40e3, 0.0, 0.0, 0.0, True)], unit="MeV"))["met"][0] == pytest.approx(40)


EVENT = b"""E 0 %d %d
U %s MM
P 1 0 2212 0 0 6500 6500 0.938 4
P 2 0 2212 0 0 -6500 6500 0.938 4
V -1 0 [1,2]
"""


@pytest.mark.parametrize(
    "unit, other, factor", [(b"GEV", "MeV", 1e3), (b"MEV", "GeV", 1e-3), (b"GEV", "GeV", 1), (b"MEV", "MeV", 1)]
)
def test_units_of_beams(unit, other, factor):
    "Beams are converted as particles are."
    text = EVENT % (1, 3, unit) + b"P 3 -1 22 3 0 4 5 0 1\n"
    table = final_particles(parse(Text(text), RunInfo()), unit=other)
    assert table["E"].tolist() == pytest.approx([5 * factor])
    facts = events_of(table)
    assert facts[["beam1_pz", "beam1_E", "beam1_m", "beam2_pz"]].iloc[0].tolist() == pytest.approx(
        [6500 * factor, 6500 * factor, 0.938 * factor, -6500 * factor]
    )


@pytest.mark.parametrize(
    "chain, prompt",
    [
        (((23, 2),), True), (((15, 2),), False), (((13, 2),), False), (((111, 2),), False), (((511, 2),), False),
        (((2212, 4),), True), (((511, 1),), True), (((511, 11),), True), (((23, 2), (15, 2)), False),
        (((15, 2), (23, 2)), False), (((21, 2),), True), (((22, 2),), True), (((6, 2),), True), (((24, 2),), True),
        (((91, 2),), True),
    ],
)
@pytest.mark.parametrize("pid", [11, 13, 22, 12])
def test_what_is_prompt(chain, prompt, pid):
    "Nothing that has a hadron, τ or µ of status 2 above it; beams, partons, bosons and other statuses do not count."
    lines = [f"P {3 + k} {-1 if k == 0 else 2 + k} {p} 0 0 9 9 0 {s}" for k, (p, s) in enumerate(chain)]
    n = len(chain)
    text = EVENT % (1 + n, 3 + n, b"GEV") + ("\n".join(lines) + f"\nP {3 + n} {2 + n} {pid} 3 0 4 5 0 1\n").encode()
    table = final_particles(parse(Text(text), RunInfo()))
    copies = abs(pid) == 13 and all(p == 13 for p, _ in chain)  # a µ that is a copy of itself
    found = table["prompt"][table["pid"] == pid].iloc[-1]
    assert found == (prompt or copies)


@pytest.mark.parametrize(
    "off, kept", [(0.9 * CONTRADICTS, 0), (1.1 * CONTRADICTS, 1), (-0.9 * CONTRADICTS, 0), (-1.1 * CONTRADICTS, 1)]
)
def test_energy_that_contradicts_the_mass(off, kept):
    "From one part in a million, E is kept."
    assert CONTRADICTS == 1e-6
    text = (
        EVENT % (1, 3, b"GEV")
        + f"P 3 -1 211 3 0 4 {float(np.sqrt(25 + 0.13957**2) * (1 + off))!r} 0.13957 1\n".encode()
    )
    table = final_particles(parse(Text(text), RunInfo()), dims="on-shell-kept")
    assert (table["E_off_shell"] != 0).sum() == kept


def leptons(n: int) -> pd.DataFrame:
    "Prompt electrons and muons, and others that are not both."
    random = np.random.default_rng(41)
    pid, prompt = random.choice([11, -11, 13, -13, 211, 22, 15], n), random.random(n) < 0.5
    return events(
        [
            (p, pt, eta, phi, 0.0, q)
            for p, pt, eta, phi, q in zip(
                pid, random.exponential(20, n) + 1, random.normal(0, 2, n), random.uniform(-3, 3, n), prompt
            )
        ]
    )


def test_momenta_of_prompt_leptons_are_finer():
    "Sixteen times better than the bound for prompt electrons and muons, the bound for all others."
    table = leptons(4000)
    bounds = {"pt": "rel:1e-3", "eta": "abs:1e-3", "phi": "abs:1e-3", "m": "exact"}
    table = with_schema(table, schema_of(table).with_bounds(bounds))
    back = decompress(compress(table, "schema"))
    fine = (table["pid"].abs().isin([11, 13]) & table["prompt"]).to_numpy()
    for name, relative in (("pt", True), ("eta", False), ("phi", False)):
        error = np.abs((back[name] - table[name]) / (table[name] if relative else 1)).to_numpy()
        assert error.max() <= 1e-3 and error[fine].max() <= 1.01e-3 / 16 and error[fine].max() > 0.9e-3 / 16, name
        assert error[~fine].max() > 0.9e-3
        for kind in (11, -11, 13, -13):
            assert error[fine & (table["pid"] == kind).to_numpy()].max() <= 1.01e-3 / 16


@pytest.mark.parametrize("name", ["px", "py", "pz", "E", "pt", "eta", "phi"])
def test_every_component_of_a_momentum_is_finer(name):
    "Whichever coordinates a table has."
    found = leptons(4000)[["pid", "prompt"]].assign(**{name: np.random.default_rng(1).normal(0, 30, 4000)})
    schema = infer_schema(found).with_bounds({name: "abs:1e-3"})
    back = decompress(compress(with_schema(found, schema), "schema"))
    fine = (found["pid"].abs().isin([11, 13]) & found["prompt"]).to_numpy()
    error = np.abs(back[name] - found[name]).to_numpy()
    assert error[fine].max() <= 1.01e-3 / 16 < 0.9e-3 < error[~fine].max() <= 1e-3


def test_a_finer_value_keeps_the_bound():
    "Where a part of a bin would leave the bound, the bin's own value stays."
    table = leptons(50)
    table = with_schema(
        table, schema_of(table).with_bounds({"pt": "rel:1e-3", "eta": "abs:1e-3", "phi": "abs:1e-3", "m": "exact"})
    )
    schema = schema_of(table)
    quantisers = [quantiser_of(c, 0) for c in schema.columns]
    original = {j: table.iloc[:, j].to_numpy() for j in range(table.shape[1])}
    far = original | {
        schema.names.index("pt"): original[schema.names.index("pt")] * 1.01,
        schema.names.index("eta"): original[schema.names.index("eta")] + 0.01,
    }
    back = {j: x.copy() for j, x in far.items()}
    sections = encode_refinement(original, back, refinement_of(schema, quantisers), schema, quantisers)
    decode_refinement(sections, back, refinement_of(schema, quantisers), schema, quantisers)
    for name in ("pt", "eta"):
        assert np.array_equal(back[schema.names.index(name)], far[schema.names.index(name)]), name
