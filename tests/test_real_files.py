"Real ROOT and text files that nobody in this project wrote, value by value against uproot's own read and plain Python."

import contextlib
import functools
import json
import math

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot

from hepae.codec.tables import compress
from hepae.core import HepaeError, UsageError
from hepae.files.description import describe
from hepae.files.extraction import extract
from hepae.files.reading import read, read_chunks, write
from hepae.io.chunks import joined
from hepae.schema import PRESETS, event_offsets, preset, schema_of

pytestmark = pytest.mark.real

# file: (tree, container, energy unit, entries, jets, {variable: branch})
aux = lambda c, names, store="AuxDyn.": {n: f"{c}{store}{n}" for n in names}
static = lambda c, names: {n: f"{c}Aux./{c}Aux.{n}" for n in names}
STATIC = ["pt", "eta", "phi", "m"]
FILES = {
    "jets_10_events": (
        "CollectionTree",
        "AntiKt4EMTopoJets",
        "MeV",
        10,
        130,
        static("AntiKt4EMTopoJets", STATIC) | aux("AntiKt4EMTopoJets", PRESETS["27D"][4:]),
    ),
    "jets_jz1": ("CollectionTree", "AntiKt4EMTopoJets", "MeV", 10, 93, None),
    "uproot-issue-951": ("CollectionTree", "AnalysisJets", "MeV", 50, 455, aux("AnalysisJets", STATIC)),
    "uproot-physlite-rntuple_v1-0-0-0": (
        "EventData", "AnalysisJets", "MeV", 100, 881, aux("AnalysisJets", STATIC, "AuxDyn:"),
    ),
    "NanoAODv5_sample": (
        "Events",
        "Jet",
        "GeV",
        1000,
        9020,
        {"pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi", "m": "Jet_mass"},
    ),
    "uproot-issue-816": (
        "AnalysisMiniTree", "trigger_akt4_pf", "", 100, 1951, {n: f"trigger_akt4_pf_{n}" for n in STATIC},
    ),
    "uproot-issue-750": ("tout", "Jet", "", 312, 312, None),
}
COUNTS = [  # other containers of the same files, as MANIFEST.md counts them
    ("NanoAODv5_sample", "GenJet", 8145),
    ("NanoAODv5_sample", "FatJet", 385),
    ("NanoAODv5_sample", "GenPart", 52391),
    ("uproot-issue-816", "offline_akt4_pf_NOSYS", 768),
    ("uproot-HZZ", "Muon", 3825),
    ("uproot-HZZ", "Jet", 2773),
]
RAGGED = "csv/monojet_Zp2000.0_DM_50.0_chan3.csv"


OPEN = contextlib.ExitStack()


@pytest.fixture(scope="module", autouse=True)
def closed_at_the_end():
    with OPEN:
        yield
    own_tree.cache_clear()


@functools.cache
def own_tree(path, tree: str):
    "A tree of a real file, opened once for all tests."
    return OPEN.enter_context(uproot.open(path))[tree]


def own_read(path, tree: str, branch: str) -> tuple[np.ndarray, np.ndarray]:
    "Number of jets of each event and all their values, as uproot itself reads them."
    array = own_tree(path, tree)[branch].array()
    if array.ndim == 1:
        return np.ones(len(array), int), ak.to_numpy(array)
    return ak.to_numpy(ak.num(array)), ak.to_numpy(ak.flatten(array))


def exactly(a, b) -> None:
    "Assert equality of dtype and of each bit."
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def branch_of(path, tree: str, container: str, name: str) -> str:
    "The branch of a variable, found by its ending: not how hepae does it."
    keys = own_tree(path, tree).keys()
    ends = [
        f"{container}Aux.{name}", f"{container}AuxDyn.{name}", f"{container}_{name}",
        f"{container}_mass" if name == "m" else "\0",
    ]
    return next(k for k in keys for end in ends if k == end or k.endswith("/" + end))


@pytest.mark.parametrize("name", FILES)
def test_jets_are_those_that_uproot_reads(testdata, name):
    path, (tree, container, unit, entries, jets, branches) = testdata(f"root/{name}.root"), FILES[name]
    table = read(path, "4D", container=container)
    assert (len(table), schema_of(table).source.entries) == (jets, entries)
    assert list(table) == preset("4D")
    for column in schema_of(table).columns:
        branch = branches[column.name] if branches else branch_of(path, tree, container, column.name)
        counts, values = own_read(path, tree, branch)
        exactly(table[column.name], values)
        assert np.array_equal(np.diff(event_offsets(table)), counts)
        assert column.unit == (unit if column.name in ("pt", "m") else {"phi": "rad"}.get(column.name, ""))
        assert schema_of(table).source.branches[column.name] == branch


@pytest.mark.parametrize("name,container,rows", COUNTS)
def test_other_containers(testdata, name, container, rows):
    assert len(read(testdata(f"root/{name}.root"), "4D", container=container)) == rows


@pytest.mark.parametrize("name", FILES)
def test_energy_is_that_of_an_independent_formula(testdata, name):
    path, container = testdata(f"root/{name}.root"), FILES[name][1]
    four, energies = read(path, "4D", container=container), read(path, "E4D", container=container)
    assert list(energies) == preset("E4D") and energies.index.equals(four.index)
    for v in ("pt", "eta", "phi"):
        exactly(energies[v], four[v])
    m, pt, _, eta = four.to_numpy("f8").T
    squared = (pt * np.cosh(eta)) ** 2 + m * np.abs(m)  # a negative mass is that of a space-like momentum
    exact = energies["E"].dtype == np.float64
    np.testing.assert_allclose(energies["E"], np.sqrt(np.maximum(squared, 0)), rtol=1e-12 if exact else 1e-6)


def test_all_27_variables_from_two_stores(testdata):
    path, (tree, container, *_, branches) = testdata("root/jets_10_events.root"), FILES["jets_10_events"]
    table = read(path, "27D", container=container)
    assert list(table) == PRESETS["27D"] and len(table) == 130
    for name, branch in branches.items():
        exactly(table[name], own_read(path, tree, branch)[1])
    assert schema_of(table).name == "27D"
    units = {c.name: c.unit for c in schema_of(table).columns if c.unit}
    assert {n for n, u in units.items() if u == "MeV"} == {"pt", "m", "NegativeE", "LeadingClusterPt"}
    assert schema_of(table)["N90Constituents"].kind == "integer"


def test_other_presets_from_two_stores(testdata):
    path = testdata("root/jets_10_events.root")
    for dims in ("16D", "25D", "29D"):
        table = read(path, dims, container="AntiKt4EMTopoJets")
        assert list(table) == PRESETS[dims] and len(table) == 130
        for name in PRESETS[dims][4:]:
            exactly(table[name], own_read(path, "CollectionTree", f"AntiKt4EMTopoJetsAuxDyn.{name}")[1])


@pytest.mark.parametrize(
    "name,container,branch",
    [
        ("jets_10_events", "AntiKt4EMTopoJets", "AntiKt4EMTopoJetsAuxDyn.EnergyPerSampling"),
        ("uproot-issue-951", "AnalysisJets", "AnalysisJetsAuxDyn.EnergyPerSampling"),
        ("uproot-physlite-rntuple_v1-0-0-0", "AnalysisJets", "AnalysisJetsAuxDyn:EnergyPerSampling"),
    ],
)
def test_energies_in_the_layers_are_a_ragged_column(testdata, tmp_path, name, container, branch):
    path = testdata(f"root/{name}.root")
    with uproot.open(path) as file:
        own = file["EventData" if "rntuple" in name else "CollectionTree"][branch].array()
    extract([path], tmp_path / "t.parquet", dims=["pt", "EnergyPerSampling"], container=container)
    for table in (read(path, ["pt", "EnergyPerSampling"], container=container), read(tmp_path / "t.parquet")):
        assert [list(v) for v in table["EnergyPerSampling"]] == ak.flatten(own).tolist()
        assert np.array_equal(np.diff(event_offsets(table)), ak.num(own))
        assert (
            schema_of(table)["EnergyPerSampling"].kind == "ragged"
            and schema_of(table)["EnergyPerSampling"].unit == "MeV"
        )
    with pytest.raises(HepaeError, match="EnergyPerSampling: has a list of numbers"):
        compress(table, "schema")


def test_what_is_missing_is_named_at_once_and_can_be_left_out(testdata):
    path = testdata("root/uproot-issue-951.root")
    with pytest.raises(HepaeError) as e:
        read(path, "27D", container="AnalysisJets")
    absent = (
        "ActiveArea, AverageLArQF, NegativeE, HECQuality, LArQuality, WidthPhi, CentroidR, "
        "LeadingClusterCenterLambda, LeadingClusterPt"
    )
    assert absent in str(e.value) and "--allow-missing" in str(e.value)
    with pytest.raises(HepaeError, match="AnalysisJets has 12 of 27"):
        read(path, "27D", container="AnalysisLargeRJets")
    table = read(path, "27D", container="AnalysisJets", allow_missing=True)
    whole = read(path, list(table), container="AnalysisJets")
    assert len(table) == 455 and table.shape[1] == 12 and table.equals(whole)


def test_momenta_given_as_px_py_pz_e(testdata):
    path = testdata("root/uproot-HZZ.root")
    counts, px = own_read(path, "events", "Jet_Px")
    py, pz, energy = (own_read(path, "events", f"Jet_{c}")[1] for c in ("Py", "Pz", "E"))
    table = read(path, "4D", container="Jet")
    assert len(table) == 2773 and np.array_equal(np.diff(event_offsets(table)), counts)
    for row, x, y, z, e in zip(table.itertuples(), *(v.astype(float) for v in (px, py, pz, energy))):
        pt = math.hypot(x, y)
        assert row.pt == pytest.approx(pt, rel=1e-6)
        assert row.eta == pytest.approx(math.asinh(z / pt), rel=1e-5, abs=1e-6)
        assert row.phi == pytest.approx(math.atan2(y, x), rel=1e-6)
        squared = e * e - x * x - y * y - z * z
        assert row.m == pytest.approx(math.copysign(math.sqrt(abs(squared)), squared), rel=1e-6)
    assert table.dtypes.eq("float32").all()
    exactly(read(path, "E4D", container="Jet")["E"], energy)


def test_flat_doubles_with_a_column_map(testdata):
    path = testdata("root/uproot-Zmumu.root")
    for i in (1, 2):
        columns = {
            "pt": f"pt{i}",
            "eta": f"eta{i}",
            "phi": f"phi{i}",
            "E": f"E{i}",
            "px": f"px{i}",
            "py": f"py{i}",
            "pz": f"pz{i}",
        }
        table = read(path, "4D", columns=columns, unit="GeV")
        assert len(table) == 2304 and table.dtypes.eq("float64").all()
        own = {n: own_read(path, "events", b)[1] for n, b in columns.items()}
        for name in ("pt", "eta", "phi"):
            exactly(table[name], own[name])
        squared = own["E"] ** 2 - (own["pt"] * np.cosh(own["eta"])) ** 2
        np.testing.assert_allclose(np.sign(table["m"]) * table["m"] ** 2, squared, atol=1e-9 * (own["E"] ** 2).max())
        assert schema_of(table)["m"].unit == "GeV"
        cartesian = read(path, "E4D", columns={n: columns[n] for n in ("px", "py", "pz", "E")})
        # which is not always the pt of this file
        np.testing.assert_allclose(cartesian["pt"], np.hypot(own["px"], own["py"]), rtol=1e-12)
        exactly(cartesian["E"], own["E"])


def test_ambiguous_files_ask_which_container(testdata):
    for name, some in (
        ("NanoAODv5_sample", "FatJet, GenJet"),
        ("uproot-issue-951", "AnalysisJets"),
        ("uproot-issue-816", "offline_akt4_pf_NOSYS, trigger_akt4_pf"),
    ):
        with pytest.raises(UsageError, match="--container") as e:
            read(testdata(f"root/{name}.root"))
        assert some in str(e.value)


def test_leading_jets(testdata):
    path = testdata("root/uproot-issue-816.root")
    lead = read(path, "4D", container="trigger_akt4_pf", leading=True)
    pt = own_tree(path, "AnalysisMiniTree")["trigger_akt4_pf_pt"].array()
    expected = {(i, int(np.argmax(v))): max(v) for i, v in enumerate(pt.tolist()) if v}
    assert dict(zip(lead.index.to_list(), lead["pt"].to_list())) == expected
    assert schema_of(lead).source.entries == 100


def test_an_unsplit_store_is_named(testdata):
    path = testdata("root/uproot-issue-210.root")
    with pytest.raises(HepaeError, match="unsplit store 'AntiKt4EMTopoJetsAux.'") as e:
        read(path, "4D", container="AntiKt4EMTopoJets")
    assert str(path) in str(e.value) and "pt" in str(e.value) and "derivation" in str(e.value)
    dynamic = ["Width", "EMFrac", "Timing", "N90Constituents"]  # what can be read is read
    table = read(path, dynamic, container="AntiKt4EMTopoJets")
    assert len(table) == 11
    for name in dynamic:
        exactly(table[name], own_read(path, "CollectionTree", f"AntiKt4EMTopoJetsAuxDyn.{name}")[1])


# ── describe ────────────────────────────────────────────────────────────────


DESCRIBED = [  # file, container, rows, of 27
    ("jets_10_events", "AntiKt4EMTopoJets", 130, 27),
    ("uproot-issue-210", "AntiKt4EMTopoJets", 11, 23),
    ("jets_jz1", "AntiKt4EMTopoJets", 93, 12),
    ("uproot-issue-951", "AnalysisJets", 455, 12),
    ("uproot-physlite-rntuple_v1-0-0-0", "AnalysisJets", 881, 12),
    ("uproot-issue-816", "trigger_akt4_pf", 1951, None),
    ("uproot-issue-816", "offline_akt4_pf_NOSYS", 768, None),
    ("NanoAODv5_sample", "Jet", 9020, None),
    ("NanoAODv5_sample", "GenJet", 8145, None),
    ("uproot-HZZ", "Jet", 2773, None),
    ("uproot-HZZ", "Muon", 3825, None),
    ("uproot-issue-750", "Jet", 312, None),
]


@pytest.fixture(scope="module")
def described(testdata):
    made = {}

    def facts(name):
        if name not in made:
            made[name] = describe(testdata(f"root/{name}.root"))
        return made[name]

    return facts


@pytest.mark.parametrize("name,container,rows,of_27", DESCRIBED)
def test_describe_counts_what_the_manifest_counts(described, name, container, rows, of_27):
    facts = described(name)
    found = next(c for c in facts["containers"] if c["container"] == container)
    assert found["rows"] == rows and of_27 in (None, found["of_27D"])
    json.dumps(facts)


def test_every_root_file_can_be_described(testdata, described):
    for path in sorted(testdata("root").iterdir()):
        facts = described(path.stem)
        assert facts["kind"] == "ROOT" and facts["bytes"] == path.stat().st_size
        for t in facts["trees"]:
            assert own_tree(path, t["tree"]).num_entries == t["entries"]


def test_describe_says_which_presets_can_be_extracted(testdata, described):
    "And they can: containers that are said to have 4D are read, and have so many rows."
    for name in ("uproot-issue-951", "NanoAODv5_sample"):
        for c in [c for c in described(name)["containers"] if "4D" in c["presets"]][::4]:
            assert c["rows"] is not None
            assert len(read(testdata(f"root/{name}.root"), "4D", container=c["container"], tree=c["tree"])) == c["rows"]


# ── the ragged text file ────────────────────────────────────────────────────


def plain_python(path, kind: str) -> list[tuple[int, int, list[float]]]:
    "Event, number within it and components of each object, line by line."
    rows = []
    for entry, line in enumerate(path.read_text().splitlines()):
        objects = [field.split(",") for field in line.split(";") if field.split(",")[0] == kind]
        rows += [(entry, i, [float(x) for x in o[1:]]) for i, o in enumerate(objects)]
    return rows


def test_ragged_text(testdata):
    path = testdata(RAGGED)
    rows = plain_python(path, "j")
    table = read(path, "E4D", unit="MeV")
    assert len(table) == len(rows) == 22_661
    assert table.index.to_list() == [(e, i) for e, i, _ in rows]
    assert table[["E", "pt", "eta", "phi"]].to_numpy().tolist() == [x for *_, x in rows]
    assert schema_of(table).source.entries == len(path.read_text().splitlines())
    assert schema_of(table)["E"].unit == "MeV"
    assert len(read(path, "4D", container="b")) == len(plain_python(path, "b")) == 718
    assert describe(path)["objects"]["j"] == 22_661


def test_ragged_text_masses(testdata):
    path = testdata(RAGGED)
    table = read(path, "4D")
    energy, pt, eta, _ = np.array([x for *_, x in plain_python(path, "j")]).T
    squared = (energy - pt * np.cosh(eta)) * (energy + pt * np.cosh(eta))
    np.testing.assert_allclose(table["m"] * table["m"].abs(), squared, atol=1e-9 * energy.max() ** 2)


# ── back to ROOT ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tree_class", ["TTree", "RNTuple"])
@pytest.mark.parametrize("name", FILES)
def test_written_back_it_is_the_same(testdata, tmp_path, name, tree_class):
    path, (tree, container, _, entries, _jets, _branches) = testdata(f"root/{name}.root"), FILES[name]
    table = read(path, "27D" if name == "jets_10_events" else "4D", container=container)
    write(table, tmp_path / "back.root", tree_class=tree_class)
    source = schema_of(table).source
    with uproot.open(tmp_path / "back.root") as file:
        back = file[tree]
        assert file.classname_of(tree) == {"TTree": "TTree", "RNTuple": "ROOT::RNTuple"}[tree_class]
        assert back.num_entries == entries
        for variable, branch in source.branches.items():
            leaf = branch.rpartition("/")[2]
            if tree_class == "RNTuple":
                leaf = leaf.replace(".", ":")
            assert leaf in back.keys(), (leaf, back.keys())
            array = back[leaf].array()
            counts, values = own_read(path, tree, branch)
            exactly(ak.to_numpy(ak.flatten(array, axis=None)), values)
            assert np.array_equal(ak.to_numpy(ak.num(array)) if array.ndim > 1 else np.ones(len(array)), counts)
            assert (array.ndim > 1) == source.jagged
    again = read(tmp_path / "back.root", list(table))
    pd.testing.assert_frame_equal(again, table, check_index_type=False, check_exact=True)
    assert np.array_equal(event_offsets(again), event_offsets(table))


def test_leading_jets_written_back_keep_events_without_jets(testdata, tmp_path):
    path = testdata("root/uproot-issue-816.root")
    lead = read(path, "4D", container="offline_akt4_pf_NOSYS", leading=True)
    write(lead, tmp_path / "back.root")
    with uproot.open(path) as old, uproot.open(tmp_path / "back.root") as new:
        before, after = (f["AnalysisMiniTree/offline_akt4_pf_NOSYS_pt"].array() for f in (old, new))
    assert ak.to_list(after) == [[max(v)] if v else [] for v in ak.to_list(before)]


def test_energies_go_back_as_what_the_file_had(testdata, tmp_path):
    path = testdata("root/uproot-HZZ.root")
    table = joined(list(read_chunks([path], None, container="Jet", as_is=True)))
    write(table, tmp_path / "back.root")
    with uproot.open(tmp_path / "back.root") as file:
        for c in ("Px", "Py", "Pz", "E"):
            counts, values = own_read(path, "events", f"Jet_{c}")
            np.testing.assert_allclose(
                ak.to_numpy(ak.flatten(file["events"][f"Jet_{c}"].array())), values, rtol=2e-5, atol=1e-5
            )
            assert np.array_equal(ak.to_numpy(ak.num(file["events"][f"Jet_{c}"].array())), counts)


def test_doubles_go_back_as_doubles(testdata, tmp_path):
    path = testdata("root/uproot-Zmumu.root")
    columns = {"px": "px1", "py": "py1", "pz": "pz1", "E": "E1"}
    table = joined(list(read_chunks([path], None, columns=columns, as_is=True))).astype("float32")
    write(table, tmp_path / "back.root")
    with uproot.open(tmp_path / "back.root") as file:
        for branch in ("px1", "py1", "pz1", "E1"):
            back, own = file["events"][branch].array(library="np"), own_read(path, "events", branch)[1]
            assert back.dtype == own.dtype == np.float64
            np.testing.assert_allclose(back, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("suffix", [".pkl", ".parquet", ".csv"])
def test_extracted_files_hold_the_same(testdata, tmp_path, suffix):
    paths = [testdata("root/jets_jz1.root"), testdata("root/jets_10_events.root")]
    facts = extract(paths, tmp_path / f"t{suffix}", dims="4D", container="AntiKt4EMTopoJets")
    assert (facts["rows"], facts["entries"]) == (93 + 130, 20)
    table = read(tmp_path / f"t{suffix}")
    both = [read(p, "4D", container="AntiKt4EMTopoJets") for p in paths]
    np.testing.assert_array_equal(table.to_numpy("f4"), np.concatenate([t.to_numpy() for t in both]))
    assert table.index.to_list() == both[0].index.to_list() + [(e + 10, i) for e, i in both[1].index]
    if suffix != ".csv":
        assert schema_of(table)["pt"].unit == "MeV" and table.dtypes.eq("float32").all()
