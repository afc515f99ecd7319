"""Observables of Monte Carlo events: what must not change when nothing physical does, a second implementation of
the Drell-Yan selection, YODA text for another reader, and the comparison of two files as users run it."""

import itertools
import json
import warnings
from dataclasses import replace
from pathlib import Path

import babyyoda
import numpy as np
import pandas as pd
import pyhepmc
import pytest
from conftest import ROOT, hepae, one_sentence

from hepae.core import HepaeError
from hepae.files.reading import read, write
from hepae.physics.dilepton import PAIR, dileptons
from hepae.physics.drell_yan import EDGES, histograms_of, selected_pairs
from hepae.physics.event_shapes import event_observables, jets_of, thrust
from hepae.physics.particles import energy_flow, faster_than_light, momenta, multiplicity, physicality
from hepae.physics.yoda import write_yoda
from hepae.report.compare import compare_events
from hepae.report.event_chunks import particle_chunks
from hepae.report.event_tables import drell_yan_facts
from hepae.schema import Schema, Source, event_index, infer_schema, schema_of, variable, with_schema

EVENTS = ROOT / "data" / "drell_yan.hepmc.gz"
LORENTZ = ["m_ll", "pt_ll", "phistar", "dphi_ll", "pt_l1", "pt_l2"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    "The final state of the 17 committed events."
    return read(EVENTS, "cartesian")


def like(table: pd.DataFrame, p: np.ndarray, unit: str = "GeV") -> pd.DataFrame:
    "The table with other momenta (4, n)."
    made = table.assign(**dict(zip(("px", "py", "pz", "E"), p)))
    columns = tuple(replace(c, unit=unit) if c.unit in ("GeV", "MeV") else c for c in schema_of(table).columns)
    return with_schema(made, replace(schema_of(table), columns=columns))


def spelled(table: pd.DataFrame, names: str) -> pd.DataFrame:
    "The table in other columns."
    x, y, z, E = momenta(table)
    pt = np.hypot(x, y)
    found = {"pt": pt, "eta": np.arcsinh(z / pt), "phi": np.arctan2(y, x), "E": E, "m": table["m"].to_numpy()}
    made = table[["pid", "prompt"]].assign(**{n: found[n] for n in names.split()})
    return with_schema(made, replace(infer_schema(made, "GeV"), source=schema_of(table).source))


def boosted(p: np.ndarray, beta: float) -> np.ndarray:
    "Momenta seen from a frame that moves along the beam."
    gamma = 1 / np.sqrt(1 - beta**2)
    return np.stack([p[0], p[1], gamma * (p[2] + beta * p[3]), gamma * (p[3] + beta * p[2])])


def turned(p: np.ndarray, angle: float) -> np.ndarray:
    "Momenta turned round the beam."
    return np.stack(
        [p[0] * np.cos(angle) - p[1] * np.sin(angle), p[0] * np.sin(angle) + p[1] * np.cos(angle), p[2], p[3]]
    )


def same(a: pd.DataFrame, b: pd.DataFrame, columns: list[str], tolerance: float) -> None:
    "Assert that columns agree, NaN where the other has NaN."
    for c in columns:
        np.testing.assert_allclose(a[c], b[c], rtol=tolerance, atol=tolerance, err_msg=c)


def test_rotation_about_the_beam(table):
    "Nothing that is not a component changes."
    there = like(table, turned(momenta(table), 1.234))
    same(dileptons(table)[0], dileptons(there)[0], PAIR, 1e-7)
    whole = [c for c in event_observables(table) if c not in ("sum_px", "sum_py")]
    same(event_observables(table), event_observables(there), whole, 1e-5)
    same(selected_pairs(table), selected_pairs(there), ["channel", "m_reco", "weight"], 1e-7)


@pytest.mark.parametrize("beta", [-0.6, 0.3, 0.9])
def test_boost_along_the_beam(table, beta):
    "Mass, pt, φ*, Δφ and |cosθ| stay, rapidity moves by artanh β."
    a, b = dileptons(table)[0], dileptons(like(table, boosted(momenta(table), beta)))[0]
    same(a, b, LORENTZ, 1e-6)
    np.testing.assert_allclose(b["y_ll"] - a["y_ll"], np.arctanh(beta), atol=1e-6)
    np.testing.assert_allclose(np.abs(a["costheta"]), np.abs(b["costheta"]), atol=1e-6)


def test_units(table):
    "MeV and GeV say the same."
    mev = like(table, 1e3 * momenta(table), "MeV")
    same(dileptons(table)[0], dileptons(mev)[0], PAIR, 1e-9)
    same(event_observables(table), event_observables(mev), list(event_observables(table)), 1e-6)
    assert np.array_equal(selected_pairs(table)["channel"], selected_pairs(mev)["channel"])
    np.testing.assert_allclose(energy_flow(table), energy_flow(mev), rtol=1e-12)


@pytest.mark.parametrize("names", ["pt eta phi m", "E pt eta phi m", "E pt eta phi"])
def test_spelling(table, names):
    "Cartesian, cylindrical and on-shell columns say the same."
    other = spelled(table, names)
    np.testing.assert_allclose(momenta(table), momenta(other), rtol=1e-9, atol=1e-9)
    same(dileptons(table)[0], dileptons(other)[0], PAIR, 1e-6)
    if "E" not in names:
        assert physicality(other).loc["all", "|p| > E"] == 0


def test_order_of_particles(table):
    "Particles may stand in any order within their event."
    order = np.lexsort((np.random.default_rng(41).random(len(table)), table.index.get_level_values(0)))
    shuffled = with_schema(table.iloc[order].set_axis(table.index), schema_of(table))
    same(dileptons(table)[0], dileptons(shuffled)[0], PAIR, 1e-12)
    same(dileptons(table, radius=0.1)[0], dileptons(shuffled, radius=0.1)[0], PAIR, 1e-9)
    same(
        event_observables(table, jets=True), event_observables(shuffled, jets=True),
        list(event_observables(table, jets=True)), 1e-5,
    )


def test_against_vector_and_a_loop(table):
    "Mass, φ* and thrust of each event as a plain loop finds them."
    import vector

    found, strong = dileptons(table)[0], thrust(table)
    for k, event in table.groupby(level=0):
        e = event[(event["pid"].abs() == 11) & event["prompt"]]
        a, b = sorted((vector.obj(px=r.px, py=r.py, pz=r.pz, E=r.E) for r in e.itertuples()), key=lambda v: -v.pt)[:2]
        assert found["m_ll"][k] == pytest.approx((a + b).mass, rel=1e-9)
        assert found["y_ll"][k] == pytest.approx((a + b).rapidity, rel=1e-9)
        assert found["phistar"][k] == pytest.approx(
            np.tan((np.pi - abs(a.deltaphi(b))) / 2) * np.sqrt(1 - np.tanh((a.eta - b.eta) / 2) ** 2), rel=1e-7
        )
        p = event[["px", "py", "pz"]].to_numpy()
        axes = np.random.default_rng(k).normal(size=(300, 3))
        tried = (
            np.abs(p @ (axes / np.linalg.norm(axes, axis=1)[:, None]).T).sum(axis=0) / np.linalg.norm(p, axis=1).sum()
        ).max()
        assert tried <= strong[k] + 1e-9 and strong[k] <= 1


def test_nothing_is_dropped():
    "Events with one lepton, none, or no particle at all keep their row."
    columns = {
        "pid": np.array([11, 22, 211, 11, -11], np.int32),
        "prompt": np.ones(5, bool),
        "px": np.array([50.0, 1, 2, 60, -50]),
        "py": np.ones(5),
        "pz": np.zeros(5),
    }
    columns |= {"E": np.sqrt(columns["px"] ** 2 + 1), "m": np.zeros(5)}
    schema = Schema(tuple(variable(n, x.dtype, "GeV") for n, x in columns.items()), source=Source(entries=6))
    t = with_schema(pd.DataFrame(columns, event_index(np.array([0, 1, 3, 3, 5]))), schema)
    pairs, facts = dileptons(t)
    assert len(pairs) == 6 and facts == {"events": 6, "pairs": 1, "one lepton": 1, "no lepton": 4, "equal charges": 0}
    assert pairs["m_ll"].notna().tolist() == [False, False, False, True, False, False]
    assert len(event_observables(t, jets=True)) == len(selected_pairs(t)) == 6
    empty = with_schema(t.iloc[:0], replace(schema, source=Source(entries=0)))
    assert (
        len(dileptons(empty)[0])
        == len(event_observables(empty, jets=True))
        == len(selected_pairs(empty))
        == len(multiplicity(empty))
        == 0
    )
    assert physicality(empty)["particles"].sum() == 0 and energy_flow(empty).sum() == 0


@pytest.mark.filterwarnings("error")
def test_along_the_beam(table):
    "A particle without pt has an infinite eta, and makes neither warnings nor NaN where there is a number."
    odd = like(table, np.where(np.arange(len(table)) % 50 == 7, np.array([[0.0], [0], [5], [5]]), momenta(table)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(event_observables(odd).to_numpy(float)).all()
        assert len(jets_of(odd)) > 0
        assert np.isfinite(dileptons(odd)[0]["m_ll"]).all()
        onshell = spelled_safely(odd)
        assert physicality(onshell).loc["all", "undefined"] == np.sum(np.arange(len(table)) % 50 == 7)
        assert np.isfinite(event_observables(onshell)["sum_E"]).all()


def spelled_safely(table: pd.DataFrame) -> pd.DataFrame:
    "On-shell columns with infinite eta."
    with np.errstate(all="ignore"):
        return spelled(table, "pt eta phi m")


def test_unphysical_pairs():
    "A pair faster than light has a negative mass, and is not selected."
    columns = {
        "pid": np.array([11, -11], np.int32),
        "prompt": np.ones(2, bool),
        "px": np.array([300.0, 300]),
        "py": np.zeros(2),
        "pz": np.zeros(2),
        "E": np.array([299.0, 299]),
        "m": np.zeros(2),
    }
    t = with_schema(
        pd.DataFrame(columns, event_index(np.array([0, 2]))),
        Schema(tuple(variable(n, x.dtype, "GeV") for n, x in columns.items())),
    )
    assert dileptons(t)[0]["m_ll"][0] == pytest.approx(-np.sqrt(600**2 - 598**2))
    assert selected_pairs(t)["channel"].tolist() == [0] and faster_than_light(momenta(t)).all()


# a second implementation of ATLAS_2019_I1725190: a plain loop over HepMC events
def _hadron_before(p, seen: dict) -> bool:
    "Does the particle come from the decay of a hadron, or of a tau or muon that it is no copy of?"
    if p.id in seen:
        return seen[p.id]
    seen[p.id] = False
    parents = [] if p.production_vertex is None else p.production_vertex.particles_in
    for q in parents:
        a = abs(q.pid)
        hadron = a in (130, 310) or 100 < a < 10_000_000 and a // 10 % 10 and a // 100 % 10 and a % 10
        other = a in (13, 15) and a != abs(p.pid)
        beam = q.production_vertex is None or not q.production_vertex.particles_in
        if q.status == 2 and not beam and (hadron or other) or _hadron_before(q, seen):
            seen[p.id] = True
    return seen[p.id]


def by_a_loop(path: Path, scale: float = 1.0, as_muons: bool = False, most: int | None = None) -> dict[int, np.ndarray]:
    "Bins of d01 and d02 with the acceptance as weight; of momenta that are scaled, and of electrons taken for muons."
    bins = {11: np.zeros(len(EDGES) - 1), 13: np.zeros(len(EDGES) - 1)}
    with pyhepmc.open(str(path)) as file:
        for event in itertools.islice(file, most):
            to_gev = scale * (1e-3 if event.momentum_unit == pyhepmc.Units.MEV else 1.0)
            seen, leptons = {}, {11: [], 13: []}
            for p in event.particles:
                if p.status != 1 or abs(p.pid) not in leptons or _hadron_before(p, seen):
                    continue
                x, y, z, E = (to_gev * v for v in (p.momentum.px, p.momentum.py, p.momentum.pz, p.momentum.e))
                pt, size = np.hypot(x, y), np.sqrt(x * x + y * y + z * z)
                eta = abs(np.arctanh(z / size)) if pt else np.inf
                kind = 13 if as_muons else abs(p.pid)
                good = (
                    E * pt / size > 30 and eta < 2.47 and not 1.37 <= eta < 1.52
                    if kind == 11
                    else pt > 30 and eta < 2.5
                )
                if good:
                    leptons[kind].append((pt, p.pid, np.array([x, y, z, E])))
            kind = 11 if len(leptons[11]) >= 2 else 13
            two = sorted(leptons[kind], key=lambda r: -r[0])[:2]
            if len(two) < 2 or kind == 13 and two[0][1] * two[1][1] > 0:
                continue
            x, y, z, E = two[0][2] + two[1][2]
            m = np.sqrt(max(E * E - x * x - y * y - z * z, 0))
            if m < 225:
                continue
            weight = (
                0.74 - 0.04 * np.exp(-(m - 200) / 100) - 0.08 * np.exp(-(m - 200) / 1000)
                if kind == 11
                else 0.54 - (m - 200) / 5800 * 0.16
            )
            k = np.searchsorted(EDGES, m, side="right") - 1
            if k < len(EDGES) - 1:
                bins[kind][k] += weight
    return bins


def test_drell_yan_by_a_loop(table):
    "The committed events: the same histogram, bin by bin."
    mine, loop = histograms_of(selected_pairs(table)), by_a_loop(EVENTS)
    for channel in (11, 13):
        np.testing.assert_allclose(mine[channel].sums[1:-1, 0], loop[channel], rtol=1e-9)
    assert loop[11].sum() > 3


@pytest.mark.parametrize("as_muons", [False, True])
@pytest.mark.parametrize("name", ["inputReaderFactory5.hepmc", "inputConvert1.hepmc"])
def test_drell_yan_of_real_files(testdata, name, as_muons):
    """Events of other generators (HepMC3 and HepMC2) with a Z, at three times its mass, with electrons or taken
    for muons: the same histograms."""
    path = testdata(f"hepmc/{name}")
    table = read(path, "cartesian")
    scaled = table.assign(**{c: 3 * table[c] for c in ("px", "py", "pz", "E")})
    if as_muons:
        scaled["pid"] = np.where(
            table["pid"].abs() == 11, table["pid"] + 2 * np.sign(table["pid"]), table["pid"]
        ).astype(np.int32)
    mine, loop = histograms_of(selected_pairs(with_schema(scaled, schema_of(table)))), by_a_loop(path, 3.0, as_muons)
    for channel in (11, 13):
        np.testing.assert_allclose(mine[channel].sums[1:-1, 0], loop[channel], rtol=1e-9)
    assert loop[13 if as_muons else 11].sum() > 1 and loop[11 if as_muons else 13].sum() == 0


def test_weights_of_the_generator(testdata):
    "A HepMC file with 146 weights fills its histograms with the first; a table has none."
    path = testdata("hepmc/inputConvert1.hepmc")
    found = compare_events(path)
    with pyhepmc.open(str(path)) as file:
        assert found.before.weights.tolist() == [e.weights[0] for e in file]


def test_smearing_is_the_same_for_both_sides_and_any_chunks(tmp_path, table):
    "The random number of an event depends on its place alone."
    write(table, tmp_path / "a.parquet")
    from hepae.report.compare import Choice

    whole, cut = (compare_events(tmp_path / "a.parquet", EVENTS, Choice(smear=0.02), size) for size in (500, 3))
    for side in (whole.after, cut.before, cut.after):
        np.testing.assert_allclose(side.events["m_reco"], whole.before.events["m_reco"], rtol=1e-9)
    plain = selected_pairs(table)
    assert (np.abs(whole.before.events["m_reco"] / plain["m_reco"] - 1).dropna() > 1e-4).any()


def test_yoda_for_another_reader(tmp_path, table):
    "babyyoda finds every number, and its own integral is ours."
    made = histograms_of(selected_pairs(table))
    write_yoda(list(made.values()), tmp_path / "x.yoda")
    back = babyyoda.read(str(tmp_path / "x.yoda"))
    assert set(back) == {h.path for h in made.values()}
    for h in made.values():
        assert back[h.path].xEdges() == h.edges.tolist()
        for name, column in (("sumW", 0), ("sumW2", 1), ("numEntries", 4)):
            assert [getattr(b, name)() for b in back[h.path].bins()] == h.sums[1:-1, column].tolist()
        assert back[h.path].overflow().sumW() == h.sums[-1, 0]


def test_files_in_any_mixture(tmp_path, table):
    "HepMC, parquet in MeV and pickle on the shell of the same events: nothing differs, and nothing is left out."
    write(like(table, 1e3 * momenta(table), "MeV").assign(m=1e3 * table["m"]), tmp_path / "mev.parquet")
    write(spelled(table, "pt eta phi m"), tmp_path / "shell.pkl")
    files = [EVENTS, tmp_path / "mev.parquet", tmp_path / "shell.pkl"]
    for a, b in [(0, 1), (1, 2), (2, 0), (0, 0)]:
        found = compare_events(files[a], files[b], size=4)
        assert found.matched == {"in order": 17, "by direction": 0, "other particles": 0, "unmatched": 0}
        assert found.spreads["pt"].n[-1] == len(table) and found.spreads["pt"].largest[-1] < 1e-9
        np.testing.assert_allclose(found.before.events["m_ll"], found.after.events["m_ll"], rtol=1e-7)
        facts = drell_yan_facts(found)["ee"]
        assert facts["selected"][0] == facts["selected"][1] > 3 and facts["entered"] == facts["left"] == 0


def test_memory_does_not_grow_with_particles(tmp_path, table):
    "Chunks are cut to size, whatever the reader yields."
    sizes = [schema_of(t).source.entries for t in particle_chunks(EVENTS, 4)]
    assert sizes == [4, 4, 4, 4, 1]


def test_other_events(tmp_path, table):
    "Files of different length, and files without a common particle, are refused."
    short = with_schema(table.loc[:9], replace(schema_of(table), source=Source("HepMC", entries=10)))
    write(short, tmp_path / "short.parquet")
    with pytest.raises(HepaeError, match="ends after 10 events"):
        compare_events(EVENTS, tmp_path / "short.parquet")


def test_order_of_the_electrons_of_the_z(tmp_path, table):
    """'first' takes the first two electrons of the rows, however soft; of ranked Drell-Yan events they are the
    leading ones."""
    write(table, tmp_path / "a.parquet")
    from hepae.report.compare import Choice

    first, leading = (compare_events(tmp_path / "a.parquet", EVENTS, Choice(pair=p)) for p in ("first", "leading"))
    for side in (first.before, first.after):
        np.testing.assert_allclose(side.events["m_ll"], leading.before.events["m_ll"], rtol=1e-9)


# the command line
def test_analyse_two_files(tmp_path, table):
    "Residuals first, as JSON, a page and YODA text."
    random = np.random.default_rng(41)
    changed = like(table, momenta(table) * random.normal(1, 1e-3, (4, len(table))))
    write(changed, tmp_path / "b.parquet")
    done = hepae(
        "analyse", EVENTS, tmp_path / "b.parquet", "-o", tmp_path / "r.html", "--yoda", tmp_path / "r.yoda", "--json"
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["before"]["events"] == 17 and facts["physicality"]["all"]["beyond the original's"] > 1000
    assert 0 < facts["residuals"]["m_ll"]["rms"] < 1 and facts["particles"]["pt"]["all"]["n"] == len(table)
    page = (tmp_path / "r.html").read_text()
    assert (
        page.index(">Residuals of the events")
        < page.index(">Lepton pairs")
        < page.index(">Drell-Yan: ATLAS_2019_I1725190")
    )
    assert "http" not in page.replace("http-equiv", "")
    assert len(babyyoda.read(str(tmp_path / "r.yoda"))) == 4
    again = hepae("analyse", EVENTS, tmp_path / "b.parquet", "-o", tmp_path / "r.html")
    assert again.returncode == 1 and "exists already" in again.stderr


def test_analyse_says_units_and_lost_particles(tmp_path, table):
    "MeV beside GeV is converted and said; events with other particles are counted."
    write(like(table, 1e3 * momenta(table), "MeV").assign(m=1e3 * table["m"]), tmp_path / "mev.parquet")
    done = hepae("analyse", EVENTS, tmp_path / "mev.parquet", "-o", tmp_path / "r.yoda")
    assert done.returncode == 0 and "compared in GeV" in done.stderr, done.stderr
    write(with_schema(table[table.index.get_level_values(1) < 20], schema_of(table)), tmp_path / "few.parquet")
    done = hepae("analyse", EVENTS, tmp_path / "few.parquet", "-o", tmp_path / "s.yoda")
    assert done.returncode == 0 and "17 of 17 events do not have the same particles" in done.stderr, done.stderr
    done = hepae("analyse", EVENTS, tmp_path / "few.parquet", "-o", tmp_path / "t.yoda", "--particles", 20, "--json")
    assert json.loads(done.stdout)["matched"]["in order"] == 17


def test_analyse_one_file(tmp_path):
    "A file alone: page or YODA text."
    done = hepae("analyse", EVENTS, "-o", tmp_path / "one.yoda", "--json", "-q")
    assert done.returncode == 0, done.stderr
    assert "residuals" not in json.loads(done.stdout) and len(babyyoda.read(str(tmp_path / "one.yoda"))) == 2
    assert not done.stderr


def test_analyse_says_that_numbers_differ(tmp_path):
    "Events are compared in the order of the files, and their numbers are only looked at."
    with pyhepmc.open(str(EVENTS)) as file, pyhepmc.open(str(tmp_path / "b.hepmc"), "w") as out:
        for event in file:
            event.event_number += 5
            out.write(event)
    done = hepae("analyse", EVENTS, tmp_path / "b.hepmc", "-o", tmp_path / "r.yoda", "--json")
    assert done.returncode == 0 and "17 of 17 events have other numbers" in done.stderr, done.stderr
    assert json.loads(done.stdout)["residuals"]["m_ll"]["max"] == 0


@pytest.mark.parametrize(
    "case", ["missing", "garbage", "jets", "three", "short", "option", "suffix", "table", "others"]
)
def test_analyse_complains_in_one_sentence(tmp_path, table, case):
    "Bad input is one sentence with the file, and no page is left behind."
    page, other, jets = tmp_path / "r.html", tmp_path / "other.parquet", ROOT / "data" / "jets.root"
    write(with_schema(table.loc[:9], replace(schema_of(table), source=Source("HepMC", entries=10))), other)
    (tmp_path / "bad.hepmc").write_text(
        "HepMC::Version 3.02.06\nHepMC::Asciiv3-START_EVENT_LISTING\nE 0 1 2\nU GEV MM\nP 1 0 nonsense\n"
    )
    write(
        with_schema(table[["pid", "E"]], replace(infer_schema(table[["pid", "E"]]), source=Source(entries=17))),
        tmp_path / "thin.parquet",
    )
    last = table.index.get_level_values(0).max()
    turned_round = pd.concat([table.loc[[k]] for k in range(last, -1, -1)])
    counts = np.bincount(table.index.get_level_values(0))[::-1]
    write(
        with_schema(turned_round.set_axis(event_index(np.concatenate([[0], np.cumsum(counts)]))), schema_of(table)),
        tmp_path / "turned.parquet",
    )
    arguments, code, parts = {
        "missing": ([EVENTS, tmp_path / "none.hepmc"], 1, ["none.hepmc", "no such file"]),
        "garbage": ([tmp_path / "bad.hepmc"], 1, ["bad.hepmc"]),
        "jets": ([EVENTS, jets], 2, ["jets.root", "no particles"]),
        "three": ([EVENTS, EVENTS, EVENTS], 2, ["one file of events, or two"]),
        "short": ([EVENTS, other], 1, ["other.parquet", "ends after 10 events"]),
        "option": ([EVENTS, EVENTS, "--container", "Jets"], 2, ["--container is for jets"]),
        "suffix": ([EVENTS, "--yoda", tmp_path / "x.txt"], 2, ["x.txt", ".yoda"]),
        "others": (
            [EVENTS, tmp_path / "turned.parquet"],
            1,
            ["turned.parquet", "16 of 17 events do not have the particles", "same order"],
        ),
        "table": ([tmp_path / "thin.parquet"], 1, ["thin.parquet", "no particles"]),
    }[case]
    done = hepae("analyse", *arguments, "-o", page, "-q")
    assert done.returncode == code, done.stderr
    one_sentence(done.stderr, *parts)
    assert not page.exists() and not list(tmp_path.glob(".*tmp*"))


def test_particles_of_a_decompressed_file(tmp_path):
    "A HepMC file from a .hepae of all particles keeps neither graph nor order, and still every particle finds itself."
    assert (
        hepae(
            "compress", EVENTS, "--particles", "all", "--dims", "on-shell", "-o", tmp_path / "x.hepae", "-q"
        ).returncode
        == 0
    )
    assert hepae("decompress", tmp_path / "x.hepae", "-o", tmp_path / "back.hepmc", "-q").returncode == 0
    for other in ("x.hepae", "back.hepmc"):
        found = compare_events(EVENTS, tmp_path / other)
        assert found.matched == {"in order": 17, "by direction": 0, "other particles": 0, "unmatched": 0}, other
        assert found.spreads["pt"].largest[-1] <= 1e-3 and found.spreads["eta"].largest[-1] <= 1e-3 * (1 + 1e-9), other
        assert found.after.physicality.loc["all", "|p| > E"] == 0
