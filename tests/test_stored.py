"What is stored is what the file has: its own columns, without loss unless a bound is asked for, and never beyond it."

import io
from dataclasses import replace

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import hepae, one_sentence

from hepae.codec.container import Reader
from hepae.codec.new_header import make_header
from hepae.codec.plan import MOST_COLUMNS
from hepae.codec.plan_lists import MOST_TABLES, plan_from_lists, table_size
from hepae.codec.tables import compress, decompress, write_tables
from hepae.core import HepaeError
from hepae.files import compression as files
from hepae.files.reading import write
from hepae.schema import event_index, events_of, schema_of, with_events, with_schema

COMPONENTS = {
    "px py pz E": "cartesian",
    "pt eta phi E": "cylindrical",
    "pt eta phi mass": "with mass",
    "pt eta phi": "directions",
}


def good(*arguments):
    "Run the command line; it must end well."
    done = hepae(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def momenta(rng, n: int) -> dict[str, np.ndarray]:
    "All components of some jets."
    pt, eta, phi, m = (
        rng.exponential(40, n) + 20, rng.normal(0, 2, n), rng.uniform(-np.pi, np.pi, n), rng.exponential(5, n),
    )
    found = {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "mass": m,
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * np.sinh(eta),
    }
    return {k: v.astype("f4") for k, v in (found | {"E": np.sqrt((pt * np.cosh(eta)) ** 2 + m**2)}).items()}


def tree(path, names: str, extra: dict | None = None) -> dict[str, np.ndarray]:
    "A ROOT file of jagged jets with these components; what it has, by branch."
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 5, 300)
    kept = {k: momenta(rng, int(counts.sum()))[k] for k in names.split()} | (extra or {})
    jets = ak.zip({k: ak.unflatten(v, counts) for k, v in kept.items()})
    with uproot.recreate(path) as file:
        file.mktree("events", {"Jet": ak.type(jets).content})
        file["events"].extend({"Jet": jets})
    return {f"Jet_{k}": v for k, v in kept.items()}


def jets_of(path) -> dict[str, np.ndarray]:
    "The values of each branch of jets, without hepae."
    with uproot.open(path) as file:
        return {k: ak.flatten(file["events"][k].array()).to_numpy() for k in file["events"].keys() if k[:1] != "n"}


@pytest.mark.parametrize("names", COMPONENTS)
@pytest.mark.parametrize("bound", [None, "1e-3", "abs:1e-3"])
def test_components_come_back_as_they_are(names, bound, tmp_path):
    "The file's own components, bit for bit or within the bound as a plain difference; none is computed from others."
    before = tree(tmp_path / "a.root", names)
    good("compress", tmp_path / "a.root", "-o", tmp_path / "a.hepae", *(["--bound", bound] if bound else []))
    good("verify", tmp_path / "a.root", tmp_path / "a.hepae")
    good("decompress", tmp_path / "a.hepae", "-o", tmp_path / "b.root")
    after = jets_of(tmp_path / "b.root")
    assert set(after) == set(before)
    for name, x in before.items():
        error = np.abs(after[name].astype("f8") - x)
        absolute = bound == "abs:1e-3" or name in ("Jet_eta", "Jet_phi")
        limit = 0 if bound is None else 1e-3 if absolute else 1e-3 * np.abs(x.astype("f8"))
        assert (error <= limit).all() and after[name].dtype == x.dtype
        assert bound is None or error.max() > 0


def test_other_variables_are_what_was_asked_for(tmp_path):
    "With --dims, only these are promised and returned."
    tree(tmp_path / "a.root", "px py pz E")
    done = good("compress", tmp_path / "a.root", "-o", tmp_path / "a.hepae", "--dims", "4D", "--bound", "1e-3")
    assert "Jet_px" in done.stderr  # what is left out is said
    good("verify", tmp_path / "a.root", tmp_path / "a.hepae")
    good("decompress", tmp_path / "a.hepae", "-o", tmp_path / "b.root")
    assert set(jets_of(tmp_path / "b.root")) == {"Jet_m", "Jet_pt", "Jet_phi", "Jet_eta"}


def test_names_of_tables_come_back(tmp_path):
    "A column called mass or energy is not renamed on the way."
    table = pd.DataFrame({"mass": [1.5, 2], "energy": [3.0, 4], "Pt": [5.0, 6], "met": [1e-3, 2e-3]})
    for suffix in (".parquet", ".csv", ".pkl"):
        {".parquet": table.to_parquet, ".csv": lambda p: table.to_csv(p, index=False), ".pkl": table.to_pickle}[suffix](
            tmp_path / f"a{suffix}"
        )
        good("compress", tmp_path / f"a{suffix}", "-o", tmp_path / "a.hepae", "--force")
        good("verify", tmp_path / f"a{suffix}", tmp_path / "a.hepae")
        good("decompress", tmp_path / "a.hepae", "-o", tmp_path / "b.pkl", "--force")
        pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "b.pkl"), table)


def test_only_what_is_named_is_rounded():
    "A bare number is for measured momenta; a pattern for what it names; met in TeV is no angle of a thousandth."
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {n: rng.normal(size=500) for n in ("Jet_pt", "Jet_phi", "met", "btag", "thrust")}
        | {"n": rng.integers(0, 9, 500)}
    )
    changed = lambda bound: {c for c, x in decompress(compress(table, bound)).items() if not x.equals(table[c])}
    assert changed(None) == changed("exact") == set()
    assert changed("1e-3") == changed(1e-3) == {"Jet_pt", "Jet_phi"}
    assert changed("rel:1e-3") == {"Jet_pt", "Jet_phi", "met", "btag", "thrust"}
    assert (
        changed("Jet_p*=1e-3,Jet_phi=exact,b?ag=bits:9")
        == changed({"Jet_pt": "1e-3", "btag": "bits:9"})
        == {"Jet_pt", "btag"}
    )


@pytest.mark.parametrize("bound", ["abs:1e-3", "abs:3", "rel:1e-3", "rel:0.5", "bits:3"])
def test_labels_and_sentinels_come_back(bound):
    "What a float column takes often is exact, whatever the bound, in the first chunk and later ones."
    rng, n = np.random.default_rng(3), 4000
    columns = {
        "charge": rng.choice([1, -1], n),
        "author": rng.choice([1, 2, 4, 16], n),
        "mass": np.full(n, 0.511),
        "pid": rng.choice([11, 13, 22, 211, 2212, 2214], n),
        "late": np.where(
            np.arange(n) < 2000, rng.normal(size=n), np.where(rng.random(n) < 0.2, -999, rng.normal(size=n))
        ),
    }
    table = pd.DataFrame(columns).astype("f4")
    back = decompress(compress(table, bound, rows=1000))
    for name in ("charge", "author", "mass", "pid"):
        assert back[name].equals(table[name]), name
    assert ((back["late"] == -999) == (table["late"] == -999)).all() and not back["late"].equals(table["late"])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_angles_keep_their_sign(dtype):
    "Near the cut as elsewhere, from −π and from 0; degrees and sentinels are no angles."
    edge = np.concatenate(
        [np.linspace(np.pi - 2e-3, np.pi, 500), np.linspace(-np.pi, -np.pi + 2e-3, 500), np.linspace(-3, 3, 500)]
    ).astype(dtype)
    for phi in (
        edge, np.mod(edge, 2 * np.pi), np.degrees(edge), np.where(np.arange(1500) % 7, edge, -999).astype(dtype),
    ):
        back = decompress(compress(pd.DataFrame({"phi": phi}), "1e-3"))["phi"].to_numpy()
        assert np.abs(back.astype("f8") - phi).max() <= 1e-3
        far = np.abs(phi) > 2e-3
        assert (np.sign(back) == np.sign(phi))[far].all()
    kinds = [
        schema_of(decompress(compress(pd.DataFrame({"phi": x}), "1e-3")))["phi"].kind
        for x in (edge, np.mod(edge, 2 * np.pi), np.degrees(edge))
    ]
    assert kinds == ["periodic", "periodic", "continuous"]


@pytest.mark.parametrize("unordered", ["", "table"])
def test_verify_compares_values(unordered, tmp_path, monkeypatch):
    "A decoder that is off by 0.8 bounds breaks bounds, in every order."
    rng = np.random.default_rng(1)
    table = pd.DataFrame({n: rng.normal(0, 1, 3000).astype("f4") for n in ("eta", "x")})
    write(table, tmp_path / "t.parquet")
    files.compress_files([tmp_path / "t.parquet"], tmp_path / "t.hepae", bound="abs:1e-3", unordered=unordered)
    assert files.verify_file([tmp_path / "t.parquet"], tmp_path / "t.hepae")["violations"] == 0
    honest = files.read_tables
    monkeypatch.setattr(
        files,
        "read_tables",
        lambda file, model=None: (with_schema(t + np.float32(0.8e-3), schema_of(t)) for t in honest(file, model)),
    )
    assert files.verify_file([tmp_path / "t.parquet"], tmp_path / "t.hepae")["violations"] > 1000


def test_plans_stay_within_limits():
    "Many columns that ask for many contexts get fewer, and the file is one that its reader takes."
    rng, rows = np.random.default_rng(3), 1000
    a = rng.random(rows)
    place = (a * 128).astype(int)
    columns = {"a": (a * 2**20).astype("i8")} | {
        f"c{k}": rng.integers(0, 2**20, 128)[place] + np.rint(rng.normal(0, 200, rows)).astype("i8") for k in range(2)
    }
    table = pd.DataFrame(columns)
    data = compress(table)
    plan = plan_from_lists(Reader(io.BytesIO(data)).facts["plan"])
    pd.testing.assert_frame_equal(decompress(data), table)
    from hepae.codec.plan_lists import within_limits

    many = within_limits(plan * 400)
    assert table_size(plan * 400) > MOST_TABLES >= table_size(many) and len(many) == 1200


def test_too_many_columns_are_refused_before_anything_is_written():
    "What a reader would not take is not planned for an hour before."
    wide = pd.DataFrame(np.zeros((1, MOST_COLUMNS + 1), "f4"), columns=[f"c{k}" for k in range(MOST_COLUMNS + 1)])
    with pytest.raises(HepaeError, match="8,193 columns"):
        make_header(wide)


def test_facts_about_events_come_back():
    "One row an event, those without rows included, in chunks of any size; floats and integers exactly."
    rng, n = np.random.default_rng(4), 60
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 4, n))])
    table = pd.DataFrame({"pt": rng.exponential(40, offsets[-1])}, index=event_index(offsets))
    facts = pd.DataFrame(
        {"number": rng.integers(0, 10**12, n), "weight nominal": rng.normal(size=n), "beam1_E": np.full(n, 6500.0)},
        index=pd.RangeIndex(n, name="entry"),
    )
    schema = schema_of(table)
    table = with_events(
        with_schema(table, schema.__class__(schema.columns, "", schema.source.__class__(entries=n))), facts
    )
    for rows in (None, 10):
        found = events_of(decompress(compress(table, "1e-3", rows=rows)))
        pd.testing.assert_frame_equal(found, facts, check_index_type=False)


def some_events(path, n: int = 12) -> None:
    """A HepMC file of so many events of ten particles, the last three without one in the final state; weights and
    beams differ."""
    lines = ["HepMC::Version 3.02.05", "HepMC::Asciiv3-START_EVENT_LISTING", "W nominal"]
    for k in range(n):
        status = 1 if k < n - 3 else 2
        lines += [
            f"E {7 * k} 1 12", "U GEV MM", f"W {1 + k / 8}", f"P 1 0 2212 0 0 {6500 + k} {6500 + k} 0 4",
            f"P 2 0 2212 0 0 {-6500 - k} {6500 + k} 0 4", "V -1 0 [1,2]",
        ]
        lines += [f"P {i + 2} -1 22 {i} {k} 0 {(i * i + k * k) ** 0.5!r} 0 {status}" for i in range(1, 11)]
    path.write_text("\n".join([*lines, "HepMC::Asciiv3-END_EVENT_LISTING", ""]))


FORGED = {
    "one is missing": lambda e: e.drop(index=e.index[3]),
    "the last is missing": lambda e: e.iloc[:-1],
    "one is new": lambda e: pd.concat([e, e.iloc[-1:].set_axis(e.index[-1:] + 1)]),
    "all are missing": lambda e: e.iloc[:0],
    "another weight": lambda e: e.assign(**{e.columns[2]: e[e.columns[2]] * 2}),
    "another beam": lambda e: e.assign(beam1_E=e["beam1_E"] + 1),
}


def test_verify_compares_events(tmp_path):
    """Numbers, weights and beams of each event, whether its particles are in this chunk or the next; events that
    are missing or new count."""
    some_events(tmp_path / "a.hepmc")
    files.compress_files([tmp_path / "a.hepmc"], tmp_path / "a.hepae", particles="all")
    table = decompress((tmp_path / "a.hepae").read_bytes())
    events = events_of(table)
    assert len(events) == 12 and len(np.unique(table.index.get_level_values(0))) == 9

    def verified(events):
        schema = schema_of(table)  # which says how many events there are
        entries = schema.source.entries if events is None else max(12, *events.index + 1) if len(events) else 12
        forged = with_events(
            with_schema(table, replace(schema, source=replace(schema.source, entries=entries))), events
        )
        with open(tmp_path / "b.hepae", "wb") as file:
            write_tables([forged], file, rows=30)
        return files.verify_file([tmp_path / "a.hepmc"], tmp_path / "b.hepae")

    assert verified(events)["violations"] == 0 and verified(events)["remarks"] == []
    for name, forge in FORGED.items():
        assert verified(forge(events))["violations"] > 0, name
    older = verified(None)
    assert older["violations"] == 0 and "only particles were compared" in older["remarks"][0]


def test_members_of_objects_are_measured_quantities():
    "A bare number rounds them whatever stands before their names: a container, a dot, the f of a member."
    names = ["Jets.fPt", "Jets.fEta", "Jets.fPhi", "Jets.fMass", "Jet.PT", "Jet.Eta", "Jet.Mass", "Jets.fE"]
    table = pd.DataFrame(np.random.default_rng(5).normal(size=(300, 10)), columns=[*names, "fPhiErr", "Jet.T"])
    back = decompress(compress(table, "1e-3"))
    assert [c for c, x in back.items() if not x.equals(table[c])] == names
    assert all(np.abs(back[n] - table[n]).max() <= 1e-3 for n in names if n[-3:] in ("Eta", "Phi"))


@pytest.mark.parametrize("workers", [[], ["--workers", "1"]])
def test_many_files_are_remarked_as_one(workers, tmp_path):
    "What is left out, and what is rounded, is said of each file."
    for name in "ab":
        tree(
            tmp_path / f"{name}.root",
            "pt eta phi mass",
            {"charge": np.ones_like(tree(tmp_path / "x.root", "pt")["Jet_pt"])},
        )
    alone = good("compress", tmp_path / "a.root", "-o", tmp_path / "a.hepae", "--dims", "4D", "--bound", "1e-3")
    (tmp_path / "many").mkdir()
    done = good(
        "compress", tmp_path / "a.root", tmp_path / "b.root", "-o", tmp_path / "many", "--dims", "4D",
        "--bound", "1e-3", *workers,
    )
    assert "Jet_charge" in alone.stderr
    for name in "ab":
        assert f"{name}.root: left out" in done.stderr and done.stderr.count("Jet_charge") == 2
    assert "pt rel:1e-3" in done.stdout and "pt rel:1e-3" in alone.stdout
    quiet = good("compress", tmp_path / "a.root", "-o", tmp_path / "many", "--dims", "4D", "--force", "--quiet")
    assert quiet.stderr == ""


def test_a_bound_that_is_none_is_refused(tmp_path):
    pd.DataFrame({"pt": [1.0]}).to_parquet(tmp_path / "a.parquet")
    for bound in ("2", "0", "-1e-3", "nan", "rel:1", "foo", "q*=1e-3", "pt=", ""):
        done = hepae("compress", tmp_path / "a.parquet", "-o", tmp_path / "a.hepae", f"--bound={bound}")
        assert done.returncode == 2 and not (tmp_path / "a.hepae").exists(), (bound, done.stderr)
        one_sentence(done.stderr, "bound")
