"The selection of top pairs against a plain loop, on a real file and on a toy sample; the layout, and what it lacks."

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import ROOT, hepae, one_sentence

from hepae.core import HepaeError
from hepae.io.tutorial import read_tutorial, tutorial_chunks
from hepae.physics.ttbar import STEPS, Cuts, cross_section, mean_mass, selected, top_mass

SAMPLE = ROOT / "data" / "tutorial_ttbar.root"
LOOSE = Cuts(muon_pt=15, jets=2, tags=0, isolation=0.15)


def by_hand(path, cuts: Cuts) -> list[dict]:
    "The same cuts in plain Python, an event at a time, on what uproot reads."
    found = []
    for e in uproot.open(path)["events"].arrays().to_list():
        muons = []
        for x, y, z, iso in zip(e["Muon_Px"], e["Muon_Py"], e["Muon_Pz"], e["Muon_Iso"]):
            pt = math.hypot(x, y)
            if pt > cuts.muon_pt and abs(math.asinh(z / pt)) < cuts.muon_eta and iso / pt < cuts.isolation:
                muons.append(pt)
        jets, tags, momenta = 0, 0, []
        for x, y, z, E, tag, good in zip(*(e[f"Jet_{n}"] for n in ("Px", "Py", "Pz", "E", "btag", "ID"))):
            pt = math.hypot(x, y)
            if good and pt > cuts.jet_pt and abs(math.asinh(z / pt)) < cuts.jet_eta:
                jets, tags = jets + 1, tags + (tag > cuts.tag)
                momenta.append((pt, x, y, z, E, tag > cuts.tag))
        tests = [e["triggerIsoMu24"], len(muons) == 1, jets >= cuts.jets, tags >= cuts.tags]
        step = next((k for k, passed in enumerate(tests) if not passed), len(tests))
        found.append({"step": step, "n_muons": len(muons), "n_jets": jets, "n_tags": tags} | top_by_hand(momenta))
    return found


def top_by_hand(jets: list) -> dict:
    "Three-jet masses by trying all triples of the six hardest jets."
    jets, best, top = sorted(jets, key=lambda j: -j[0])[:6], (-1, math.nan), (-1, math.nan)

    def mass(*some):
        x, y, z, E = (sum(j[k] for j in some) for k in (1, 2, 3, 4))
        m2 = E**2 - x**2 - y**2 - z**2
        return math.copysign(math.sqrt(abs(m2)), m2), math.hypot(x, y)

    for i in range(len(jets)):
        for j in range(i):
            for k in range(j):
                triple = [jets[k], jets[j], jets[i]]
                m, pt = mass(*triple)
                best = max(best, (pt, m))
                light = [a for a in triple if not a[5]]
                if len(light) == 2 and abs(mass(*light)[0] - 80.4) < 25:
                    top = max(top, (pt, m))
    return {"m3": best[1], "m_top": top[1]}


def same(path, cuts: Cuts) -> pd.DataFrame:
    "Assert that both ways agree; the events."
    made, plain = selected(read_tutorial(path), cuts), pd.DataFrame(by_hand(path, cuts))
    for name in ("step", "n_muons", "n_jets", "n_tags"):
        assert made[name].tolist() == plain[name].tolist(), name
    for name in ("m3", "m_top"):
        assert np.allclose(made[name], plain[name], rtol=1e-6, atol=1e-3, equal_nan=True), name
    return made


@pytest.mark.parametrize("cuts", [Cuts(), LOOSE, Cuts(jets=1, tags=0)])
def test_the_real_file_counts_as_a_plain_loop_does(testdata, cuts):
    made = same(testdata("root/uproot-HZZ.root"), cuts)
    counts = [int((made["step"] >= k).sum()) for k in range(len(STEPS))]
    assert counts[0] == 2421 and counts == sorted(counts, reverse=True)
    z = made["m_mumu"].dropna()
    assert 85 < z.median() < 95 and len(z) > 500


def test_the_toy_sample_counts_as_a_plain_loop_does():
    made = same(SAMPLE, Cuts())
    assert (made["step"] == len(STEPS) - 1).sum() > 50


def test_chunks_are_the_file(monkeypatch):
    whole = selected(read_tutorial(SAMPLE))
    monkeypatch.setattr("hepae.io.root.STEP_BYTES", 20_000)
    parts = [selected(d) for d in tutorial_chunks(SAMPLE)]
    assert pd.concat(parts, ignore_index=True).equals(whole.reset_index(drop=True))


def test_an_empty_selection_is_named():
    events = selected(read_tutorial(SAMPLE), replace(Cuts(), jets=40))
    for f in (lambda: cross_section(events, events, [], 100.0, 100.0), lambda: mean_mass(events),
              lambda: top_mass(events, {172.5: events, 180.0: events})):  # fmt: skip
        with pytest.raises(HepaeError, match=r"no event passes the selection \(all .* jets 0, tags 0\)"):
            f()


@pytest.mark.parametrize("lacks", ["Jet_btag", "MET_px", "Muon_Iso", "triggerIsoMu24", "EventWeight"])
def test_a_missing_branch_is_named(tmp_path, lacks):
    t = uproot.open(SAMPLE)["events"].arrays(entry_stop=5)
    with uproot.recreate(tmp_path / "x.root") as file:
        columns = {n: t[n] for n in t.fields if n != lacks and not n.startswith("N")}
        tree = file.mktree("events", {n: a.type.content for n, a in columns.items()})
        tree.extend(columns)
    with pytest.raises(HepaeError, match=f"x.root: no branch {lacks}, which the layout"):
        read_tutorial(tmp_path / "x.root")


def test_a_closed_measurement():
    "Simulated events taken as data give back their own cross-section and mass."
    events = selected(read_tutorial(SAMPLE))
    data = events.assign(weight=1.0)
    kept = (events["step"] == len(STEPS) - 1).sum()
    sigma = cross_section(data, data, [], kept / 10.0, 10.0)
    assert np.isclose(sigma.value, kept / 10.0) and np.isclose(sigma.error * 10, np.sqrt(kept))
    others = {m: data.assign(m_top=data["m_top"] + 0.5 * (m - 172.5)) for m in (167.5, 172.5, 177.5)}
    assert abs(top_mass(data, others).value - 172.5) < 2


def test_the_command_writes_the_layout(tmp_path):
    pytest.importorskip("pythia8mc")
    made = hepae("sample", "-o", tmp_path / "t.root", "--layout", "cms-tutorial", "--events", 200, "--luminosity", 10)
    assert made.returncode == 0 and "a toy" in made.stderr, made
    d = read_tutorial(tmp_path / "t.root")
    assert len(d) > 10 and np.isclose(d["events"]["weight"].iloc[0], 5.6, rtol=0.05)
    for arguments, says in (
        (["--process", "wjets"], "goes with --layout"), (["--data"], "goes with --layout"),
        (["--layout", "cms-tutorial", "--process", "dijets"], "choose one of ttbar, wjets, multijet"),
        (["--layout", "cms-tutorial", "--data", "--events", "5"], "give one of them"),
        (["--layout", "cms-tutorial", "--pileup", "5"], "means nothing with --layout"),
    ):  # fmt: skip
        said = hepae("sample", "-o", tmp_path / "u.root", *arguments)
        assert said.returncode == 2, said
        one_sentence(said.stderr, says)
