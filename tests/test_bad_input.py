"Bad input gets one clear sentence, the right exit code, and leaves nothing half-written."

import errno
import gzip
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import ROOT, first_jets, hepae, one_sentence
from hypothesis import given
from hypothesis import strategies as st

from hepae.cli.main import main
from hepae.core import HepaeError
from hepae.files.description import describe
from hepae.files.extraction import extract
from hepae.files.reading import read, write
from hepae.learning.trained import TrainedModel
from hepae.schema import Column, event_index, schema_of, with_schema

FOUR = ("pt", "eta", "phi", "m")
JETS = ak.Array([[30.0, 20.0], [], [50.0]])


def run(capsys, *arguments) -> tuple[int, str, str]:
    "Exit code, standard output and standard error of a command, in this process."
    capsys.readouterr()
    with pytest.raises(SystemExit) as e:
        main([str(a) for a in arguments])
    return e.value.code or 0, *capsys.readouterr()


def fails(capsys, *arguments, code: int = 1, parts=()) -> str:
    "Assert that a command fails with one sentence that contains the parts; returns the sentence."
    found, out, err = run(capsys, *arguments)
    one_sentence(err, "hepae: ", *parts)
    assert (found, out) == (code, "")
    return err


def ttree(path, **branches) -> None:
    "A TTree of branches, each with a counter of its own where it is jagged."
    with uproot.recreate(path) as file:
        tree = file.mktree(
            "CollectionTree",
            {n: ak.Array(x).type if ak.Array(x).ndim == 1 else "var * float32" for n, x in branches.items()},
        )
        tree.extend(
            {
                n: ak.values_astype(ak.Array(x), "float32") if ak.Array(x).ndim > 1 else ak.Array(x)
                for n, x in branches.items()
            }
        )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    "ROOT files of 200 events: a TTree and an RNTuple."
    folder, table = tmp_path_factory.mktemp("small"), first_jets()
    for kind in ("TTree", "RNTuple"):
        write(table, folder / f"{kind}.root", tree_class=kind)
    return folder


# ── what is no file, or no ROOT file ────────────────────────────────────────


def test_missing_empty_and_foreign_files(capsys, tmp_path):
    out, bad = tmp_path / "o.pkl", tmp_path / "bad.root"
    for command in (
        ["extract", bad, "-o", out], ["inspect", bad], ["train", bad, "-o", tmp_path / "model"],
        ["analyse", bad, bad, "-o", tmp_path / "r.html"],
    ):
        bad.unlink(missing_ok=True)
        fails(capsys, *command, parts=[bad, "no such file"])
        bad.touch()
        fails(capsys, *command, parts=[bad, "empty (0 bytes)"])
        for content in (
            b"<html>404 Not Found</html>", b"pt,eta,phi,m\n1,2,3,4\n", b"\x1f\x8b" + bytes(300), bytes(1000),
            b"PK\x03\x04" + bytes(99), b"\x89HDF\r\n\x1a\n" + bytes(99), b"roo",
        ):
            bad.write_bytes(content)
            fails(capsys, *command, parts=[bad])
        bad.write_bytes(b"root" + bytes(200))  # begins well
        fails(capsys, *command, parts=[bad])
        bad.unlink()
        bad.mkdir()
        fails(capsys, *command, parts=[bad, "directory"])
        bad.rmdir()
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_read(capsys, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "a.root").write_bytes(b"root")
    (tmp_path / "a.root").chmod(0)
    fails(capsys, "extract", tmp_path / "a.root", "-o", tmp_path / "o.pkl", parts=["a.root", "permission"])


def test_patterns_without_files(capsys, tmp_path):
    fails(capsys, "extract", tmp_path / "*.root", "-o", tmp_path / "o.pkl", parts=["*.root", "no file fits"])


def test_hepmc_is_no_table_of_jets(capsys, sample, tmp_path):
    for command in ("extract",):
        fails(
            capsys,
            command,
            sample.parent / "drell_yan.hepmc.gz",
            "-o",
            tmp_path / "o.pkl",
            code=2,
            parts=["drell_yan.hepmc.gz", "--particles 50"],
        )
    fails(
        capsys,
        "extract",
        sample.parent / "drell_yan.hepmc.gz",
        "--particles",
        9,
        "--dims",
        "27D",
        "-o",
        tmp_path / "o.pkl",
        code=2,
        parts=["made for jets"],
    )
    for command in ("extract",):
        fails(
            capsys,
            command,
            sample,
            "--particles",
            "all",
            "-o",
            tmp_path / "o.pkl",
            code=2,
            parts=["jets.root", "this is ROOT"],
        )


# ── truncated and damaged ROOT ──────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_root_cut_at_any_byte(small, tmp_path, kind):
    good, path, out = (small / f"{kind}.root").read_bytes(), tmp_path / "cut.root", tmp_path / "o.pkl"
    for n in [*range(1, 400, 7), *range(400, len(good), 211), len(good) - 1]:
        path.write_bytes(good[:n])
        for call in (lambda: extract([path], out), lambda: describe(path)):
            with pytest.raises(HepaeError) as e:
                call()
            one_sentence(str(e.value), path)
    assert os.listdir(tmp_path) == ["cut.root"]


@pytest.mark.real
@pytest.mark.parametrize("name", ["jets_10_events", "uproot-physlite-rntuple_v1-0-0-0", "NanoAODv5_sample"])
def test_real_root_cut(testdata, tmp_path, name):
    good, path = testdata(f"root/{name}.root").read_bytes(), tmp_path / "cut.root"
    for n in [5, 63, 100, *range(1000, len(good), len(good) // 25), len(good) - 1]:
        path.write_bytes(good[:n])
        with pytest.raises(HepaeError) as e:
            read(path, "4D")
        one_sentence(str(e.value), path, "truncated")


@pytest.mark.real
def test_real_root_cut_and_padded(testdata, tmp_path):
    "A download that was interrupted into a file of the right length."
    good, path = testdata("root/jets_10_events.root").read_bytes(), tmp_path / "padded.root"
    table = read(testdata("root/jets_10_events.root"), "4D", container="AntiKt4EMTopoJets")
    for n in range(100, len(good), len(good) // 12):
        path.write_bytes(good[:n] + bytes(len(good) - n))
        try:
            assert read(path, "4D", container="AntiKt4EMTopoJets").equals(table)
        except HepaeError as e:
            one_sentence(str(e), path)


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_flipped_bits(small, tmp_path, kind):
    "Damage is an error, or hits what is not read; never a traceback, never other jets in number."
    good, path, random_ = bytearray((small / f"{kind}.root").read_bytes()), tmp_path / "flipped.root", random.Random(41)
    whole, refused = read(small / f"{kind}.root"), 0
    for _ in range(150):
        bad = bytearray(good)
        at = random_.randrange(len(bad))
        bad[at] ^= 1 << random_.randrange(8)
        path.write_bytes(bad)
        try:
            assert read(path).shape == whole.shape, at
        except HepaeError as e:
            one_sentence(str(e), path)
            refused += 1
    assert refused > 15


def test_clusters_that_contradict_the_footer(small, tmp_path):
    "The one list of an RNTuple whose checksum uproot does not look at: numbers of entries there must not be believed."
    good = (small / "RNTuple.root").read_bytes()
    at = good.index((200).to_bytes(7, "little"))  # entries of the only cluster; the footer comes later
    refused = 0
    for position in range(at - 8, at + 7):  # the first entry, and the number of entries
        (tmp_path / "a.root").write_bytes(good[:position] + bytes([good[position] ^ 127]) + good[position + 1 :])
        try:
            assert len(read(tmp_path / "a.root")) == len(read(small / "RNTuple.root"))
        except HepaeError as e:
            refused += "its list of clusters" in str(e)
    assert refused >= 9


# ── ROOT files without what is wanted ───────────────────────────────────────


def test_a_tree_without_jets(capsys, tmp_path):
    path, out = tmp_path / "a.root", tmp_path / "o.pkl"
    ttree(path, runNumber=[1, 2, 3], weight=[0.5, 1.0, 1.0])
    fails(capsys, "extract", path, "-o", out, parts=[path, "no jets", "--columns"])
    code, text, _ = run(capsys, "inspect", path)
    assert code == 0 and "no container of jets" in text
    with uproot.recreate(path):
        pass  # no tree at all
    fails(capsys, "extract", path, "-o", out, parts=[path, "no jets"])
    with uproot.recreate(path) as file:
        file["h"] = np.histogram([1.0, 2.0])
    fails(capsys, "extract", path, "-o", out, parts=[path, "no jets"])


def test_a_container_without_pt(capsys, tmp_path):
    path = tmp_path / "a.root"
    ttree(path, **{f"JetsAuxDyn.{n}": JETS for n in ("eta", "phi", "m")})
    fails(capsys, "extract", path, "-o", tmp_path / "o.pkl", parts=[path, "Jets", "no pt"])


def test_variables_that_are_not_there(capsys, sample, tmp_path):
    fails(
        capsys,
        "extract",
        sample,
        "-o",
        tmp_path / "o.pkl",
        "--dims",
        "27D",
        parts=[sample, "ActiveArea", "--container"],
    )


def test_branches_of_different_lengths(capsys, tmp_path):
    path, out = tmp_path / "a.root", tmp_path / "o.pkl"
    ttree(path, **{f"JetsAuxDyn.{n}": JETS for n in FOUR[:3]}, **{"JetsAuxDyn.m": [[1.0], [], [1.0]]})
    fails(
        capsys,
        "extract",
        path,
        "-o",
        out,
        parts=[path, "JetsAuxDyn.m", "JetsAuxDyn.pt", "values in entry 0", "inconsistent"],
    )
    ttree(path, **{f"JetsAuxDyn.{n}": JETS for n in FOUR[:3]}, **{"JetsAuxDyn.m": [1.0, 2.0, 3.0]})
    fails(capsys, "extract", path, "-o", out, parts=[path, "JetsAuxDyn.m", "one value an event"])
    # the same total
    ttree(
        path,
        **{f"JetsAuxDyn.{n}": ak.Array([[1.0, 2.0], [3.0]]) for n in FOUR[:3]},
        **{"JetsAuxDyn.m": [[1.0], [2.0, 3.0]]},
    )
    fails(capsys, "extract", path, "-o", out, parts=[path, "entry 0"])
    assert not out.exists()


def test_wrong_lengths_are_found_in_every_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("hepae.io.root.STEP_BYTES", 1)
    counts = np.full(5000, 2)
    good, bad = (ak.unflatten(np.ones(c.sum(), "f4"), c) for c in (counts, np.where(np.arange(5000) == 4321, 1, 2)))
    ttree(tmp_path / "a.root", **{f"JetsAuxDyn.{n}": good for n in FOUR[:3]}, **{"JetsAuxDyn.m": bad})
    with pytest.raises(HepaeError, match="values in entry 4321"):
        read(tmp_path / "a.root")


def test_branches_that_hold_no_numbers(capsys, tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {f"Jet_{n}": ak.Array([[[1.0]], [[2.0, 3.0]]]) for n in FOUR})
    fails(capsys, "extract", path, "-o", tmp_path / "o.pkl", parts=[path, "Jet_"])
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {f"Jet_{n}": ak.Array(["a", "b"]) for n in FOUR})
    fails(capsys, "extract", path, "-o", tmp_path / "o.pkl", parts=[path, "Jet_"])


def test_ambiguity_asks_for_a_choice(capsys, tmp_path):
    path, out = tmp_path / "a.root", tmp_path / "o.pkl"
    ttree(path, **{f"{c}AuxDyn.{n}": JETS for n in FOUR for c in ("AntiKt4EMTopoJets", "AntiKt10LCTopoJets")})
    fails(
        capsys,
        "extract",
        path,
        "-o",
        out,
        code=2,
        parts=[path, "--container", "AntiKt4EMTopoJets", "AntiKt10LCTopoJets"],
    )
    fails(capsys, "extract", path, "-o", out, "--container", "AntiKt4EMTopoJet", code=2, parts=["AntiKt4EMTopoJets"])
    assert run(capsys, "extract", path, "-o", out, "--container", "AntiKt4EMTopoJets")[0] == 0
    with uproot.recreate(path) as file:
        for t in ("nominal", "JES_up"):
            file.mktree(t, {f"Jet_{n}": "var * float32" for n in FOUR}).extend({f"Jet_{n}": JETS for n in FOUR})
    fails(capsys, "extract", path, "-o", out, "--force", code=2, parts=[path, "--tree", "nominal", "JES_up"])
    fails(
        capsys,
        "extract",
        path,
        "-o",
        out,
        "--force",
        "--tree",
        "nomnal",
        parts=[path, "no tree nomnal", "JES_up"],
        code=2,
    )


def test_wrong_columns(capsys, sample, tmp_path):
    out = tmp_path / "o.pkl"
    fails(capsys, "extract", sample, "-o", out, "--columns", "pt=no_pt,eta=no_eta,phi=x,m=y", parts=[sample, "no_pt"])
    code, _, err = run(capsys, "extract", sample, "-o", out, "--columns", "pt")
    assert code == 2 and "name=branch" in err


# ── values ──────────────────────────────────────────────────────────────────


def test_nan_and_infinity_are_named_counted_and_kept(capsys, tmp_path):
    values = ak.Array([[30.0, np.nan], [], [np.inf], [np.nan, -np.inf]])
    path, out = tmp_path / "a.root", tmp_path / "o.pkl"
    ttree(path, **{f"JetsAuxDyn.{n}": ak.ones_like(values) for n in FOUR[1:]}, **{"JetsAuxDyn.pt": values})
    code, text, err = run(capsys, "extract", path, "-o", out)
    assert code == 0 and "5 jets" in text
    one_sentence(err, "pt", "4", "NaN or infinite", "finite")
    np.testing.assert_array_equal(read(out)["pt"], [30, np.nan, np.inf, np.nan, -np.inf])
    code, text, err = run(capsys, "inspect", out)
    assert code == 0 and "nonfinite" in text
    fails(
        capsys,
        "train",
        out,
        "-o",
        tmp_path / "model",
        "--epochs",
        1,
        parts=[out, "pt (4 of 5 rows)", "filter 'finite'"],
    )
    assert not (tmp_path / "model").exists()


def test_nothing_left_after_the_filter(capsys, sample, tmp_path):
    fails(capsys, "train", sample, "-o", tmp_path / "model", "--filter", "pt > 1e12", parts=[sample, "pt > 1e12"])
    fails(capsys, "train", sample, "-o", tmp_path / "model", "--filter", "pt >", code=2, parts=["pt >"])
    assert os.listdir(tmp_path) == []


def test_files_without_a_jet(capsys, tmp_path):
    path, out = tmp_path / "a.root", tmp_path / "o.pkl"
    ttree(path, **{f"JetsAuxDyn.{n}": ak.Array([[1.0]])[[0, 0], :0] for n in FOUR})
    fails(capsys, "extract", path, "-o", out, parts=[path, "not one jet"])
    (tmp_path / "a.csv").write_text("pt,eta,phi,m\n")
    fails(capsys, "extract", tmp_path / "a.csv", "-o", out, parts=["a.csv", "not one jet"])
    assert not out.exists()


# ── tables that are none ────────────────────────────────────────────────────


def test_hostile_pickles(capsys, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    for name in ("a.pkl", "no_suffix", "a.parquet", "a.csv"):  # by content, whatever it is called
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        for command in (
            ["extract", tmp_path / name, "-o", tmp_path / "o.pkl"],
            ["inspect", tmp_path / name],
            ["train", tmp_path / name, "-o", tmp_path / "model"],
        ):
            fails(capsys, *command, parts=[name, "refused", "posix.mkdir"])
    (tmp_path / "a.pkl.gz").write_bytes(gzip.compress(pickle.dumps(Trap())))
    fails(capsys, "inspect", tmp_path / "a.pkl.gz", parts=["a.pkl.gz", "refused"])
    assert not (tmp_path / "sprung").exists() and not (tmp_path / "model").exists()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".pkl"])
def test_damaged_tables(tmp_path, suffix):
    "A table that was cut or changed: other numbers perhaps, but no traceback."
    table, path, bad = (
        pd.DataFrame({n: np.arange(50.0) for n in FOUR}, index=event_index(np.array([0, 20, 50]))),
        tmp_path / f"a{suffix}",
        tmp_path / f"bad{suffix}",
    )
    write(table, path)
    good, random_ = path.read_bytes(), random.Random(41)
    for n in [*range(1, 60), *range(60, len(good), 97)]:
        bad.write_bytes(good[:n])
        try:
            read(bad, "4D")
        except HepaeError as e:
            one_sentence(str(e), bad)
    for _ in range(150):
        changed = bytearray(good)
        changed[random_.randrange(len(good))] = random_.randrange(256)
        bad.write_bytes(changed)
        try:
            read(bad, "4D")
        except HepaeError as e:
            one_sentence(str(e), bad)


WORDS = st.sampled_from(
    [
        "pt,eta,phi,m",
        "1,2,3,4",
        "1;zp;1;1;1;j,1,2,0.5,1;",
        "j,1,2,3,4;",
        "j,1,2,3;",
        "j,1,2,3,4,5;",
        "1;a;b;j,x,2,3,4",
        "entry,subentry,pt,eta,phi,m",
        "0,0,1,2,3,4",
        "x,y",
        '"',
        "é",
        "\t",
        ",,,,",
        ";;;;",
        "nan,inf,-inf,",
        "1e999,1,1,1",
        "0x10,1,1,1",
        "j,1e5,1e4,1,1;" * 3,
        " ",
        "#",
        "NaN;NaN",
        "-1,-1,1,1,1,1",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=8).map("\n".join), st.binary(max_size=300)))
def test_text_garbage(tmp_path_factory, content):
    "Any text at all: a table, or one sentence."
    path = tmp_path_factory.mktemp("g") / "g.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    for call in (
        lambda: read(path),
        lambda: read(path, "4D"),
        lambda: describe(path),
        lambda: extract([path], path.with_name("o.pkl"), force=True, dims="E4D", leading=True),
    ):
        try:
            call()
        except HepaeError as e:
            one_sentence(str(e), "")
    assert set(os.listdir(path.parent)) <= {"g.csv", "o.pkl"}


@given(st.lists(st.lists(st.tuples(st.sampled_from("jbg"), *[st.floats(width=64)] * 4), max_size=4), max_size=8))
def test_ragged_text_is_what_it_says(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("g") / "g.csv"
    path.write_text(
        "".join(
            f"{i};zp;1;1;1;" + "".join(f"{o[0]},{','.join(map(repr, o[1:]))};" for o in objects) + "\n"
            for i, objects in enumerate(events)
        )
    )
    jets = [(i, [o[1:] for o in objects if o[0] == "j"]) for i, objects in enumerate(events)]
    if not events or not events[0] or not any(js for _, js in jets):
        return
    table = read(path)
    assert table.index.to_list() == [(i, k) for i, js in jets for k in range(len(js))]
    np.testing.assert_array_equal(table.to_numpy(), [[pt, eta, phi, e] for _, js in jets for e, pt, eta, phi in js])
    assert schema_of(table).source.entries == len(events)


# ── tables that a network cannot be trained on, or was not ──────────────────


@pytest.fixture(scope="module")
def columns(sample, tmp_path_factory):
    "Tables of 600 jets with something wrong in a column, and a model of the sound one."
    folder, good = tmp_path_factory.mktemp("columns"), read(sample).iloc[:600]
    eta, m, pt = (good[c].to_numpy().copy() for c in ("eta", "m", "pt"))
    eta[[3, 5]], m[:7], pt[-1] = np.nan, -5000, 0
    one = np.ones(len(good), "float32")
    tables = {
        "good": good,
        "constant": good.assign(eta=0.1 * one),
        "empty": good.assign(eta=np.nan * one),
        "both": good.assign(eta=eta, m=np.inf * one),
        "negative": good.assign(m=m),
        "zero": good.assign(pt=pt),
        "three": good[["pt", "eta", "phi"]],
        "more": good.assign(Width=one),
    }
    for name, table in tables.items():
        write(
            with_schema(
                table,
                replace(schema_of(good), columns=tuple(Column(c, unit="MeV" * (c in ("pt", "m"))) for c in table)),
            ),
            folder / f"{name}.pkl",
        )
    with pytest.raises(SystemExit) as e:
        main(
            [
                "train", str(folder / "good.pkl"), "-o", str(folder / "model"), "--recipe", "AE_3D_50",
                "--epochs", "1", "--lr", "1e-3", "--normalisation", "log", "-q",
            ]
        )
    assert not e.value.code
    return folder


def test_a_constant_column_trains_and_comes_back(capsys, columns, tmp_path):
    for k, recipe in enumerate(("AE_3D_50", "AE_onehot", "AE_bn_LeakyReLU")):
        assert run(
            capsys, "train", columns / "constant.pkl", "-o", tmp_path / f"m{k}", "--recipe", recipe,
            "--hidden", "20,20", "--activation", "silu", "--epochs", "1", "--lr", "1e-3", "-q",
        )[0] == 0
        if k:
            back = TrainedModel.load(tmp_path / f"m{k}").reconstruct(read(columns / "constant.pkl"))
        else:
            assert run(
                capsys, "analyse", columns / "constant.pkl", "--model", tmp_path / "m0",
                "-o", tmp_path / "r.html", "--reconstructed", tmp_path / "b.pkl", "-q",
            )[0] == 0
            back = read(tmp_path / "b.pkl")
        assert (back["eta"] == np.float32(0.1)).all()


def test_columns_that_no_network_takes(capsys, columns, tmp_path):
    for command in (
        ["train", "-o", tmp_path / "m", "--epochs", 1],
        ["analyse", "--model", columns / "model", "-o", tmp_path / "r.html"],
    ):
        fails(
            capsys,
            command[0],
            columns / "empty.pkl",
            *command[1:],
            parts=["empty.pkl", "eta (600 of 600 rows)", "leave out eta", "--dims"],
        )
        fails(
            capsys,
            command[0],
            columns / "both.pkl",
            *command[1:],
            parts=["both.pkl", "m (600 of 600 rows)", "eta (2 of 600 rows)", "leave out m", "filter 'finite'"],
        )
    fails(
        capsys,
        "train",
        columns / "empty.pkl",
        "-o",
        tmp_path / "m",
        "--filter",
        "finite",
        parts=["empty.pkl", "no row of 600 is left", "finite eta"],
    )
    assert run(
        capsys, "train", columns / "empty.pkl", "-o", tmp_path / "m", "--dims", "m,pt,phi", "--epochs", 1,
        "--lr", "1e-3", "-q",
    )[0] == 0
    assert sorted(os.listdir(tmp_path)) == ["m"]


def test_values_outside_the_domain(capsys, columns, tmp_path):
    "Named with their number, whichever rows they are in, and the remedy works."
    for name, normalisation, parts in [
        ("negative", "log", ["m in 7 of 600 rows", "m > -1000"]),
        ("zero", "custom", ["pt in 1 of 600 rows", "pt > 0"]),
    ]:
        train = [
            "train", columns / f"{name}.pkl", "-o", tmp_path / name, "--normalisation", normalisation,
            "--epochs", 1, "--lr", "1e-3", "-q",
        ]
        said = fails(capsys, *train, parts=[f"{name}.pkl", *parts, "or normalise with 'standard'"])
        assert run(capsys, *train, "--filter", said.split("filter '")[1].split("'")[0])[0] == 0
    fails(
        capsys,
        "analyse",
        columns / "negative.pkl",
        "--model",
        columns / "model",
        "-o",
        tmp_path / "r.html",
        "-q",
        parts=["negative.pkl", "m in 7 of 600 rows", "m > -1000"],
    )
    assert sorted(os.listdir(tmp_path)) == ["negative", "zero"]


def test_the_codec_keeps_what_networks_refuse(capsys, tmp_path):
    "27 columns, of which one is constant, one all NaN, one −0.0 and some have values that no normalisation knows."
    jets = read(ROOT / "data" / "jets_27D.root", "27D").iloc[:250]  # so few that each column is planned in a moment
    odd = jets.assign(HECFrac=np.float32(0.25), Timing=np.float32(np.nan), Width=np.float32(-0.0))
    for name, value in (("NegativeE", 5e3), ("m", np.inf), ("CentroidR", -1), ("AverageLArQF", 1e30)):
        odd.loc[odd.index[::97], name] = np.float32(value)
    write(with_schema(odd, schema_of(jets)), tmp_path / "odd.parquet")
    assert run(capsys, "compress", tmp_path / "odd.parquet", "-o", tmp_path / "odd.hepae", "-q")[0] == 0
    assert run(capsys, "verify", tmp_path / "odd.parquet", tmp_path / "odd.hepae", "-q")[0] == 0
    back = read(tmp_path / "odd.hepae")
    assert (
        back["Timing"].isna().all() and np.signbit(back["Width"]).all() and (back["HECFrac"] == 0.25).mean() in (0, 1)
    )
    assert (
        np.isinf(back["m"]).sum() == len(odd.index[::97]) and (back["N90Constituents"] == jets["N90Constituents"]).all()
    )


def test_a_model_of_other_columns(capsys, columns, tmp_path):
    fails(
        capsys,
        "analyse",
        columns / "three.pkl",
        "--model",
        columns / "model",
        "-o",
        tmp_path / "r.html",
        parts=["three.pkl", " m"],
    )
    fails(
        capsys,
        "train",
        columns / "three.pkl",
        "-o",
        tmp_path / "m",
        "--recipe",
        "AE_aux",
        "--latent",
        2,
        "--epochs",
        1,
        "--hidden",
        "5,",
        code=2,
        parts=["widths like"],
    )
    fails(
        capsys,
        "train",
        columns / "three.pkl",
        "-o",
        tmp_path / "m",
        "--recipe",
        "AE_skip",
        "--hidden",
        "50,40",
        "--epochs",
        1,
        parts=["same width"],
    )
    # it has what the model needs
    page = tmp_path / "r.html"
    assert run(capsys, "analyse", columns / "more.pkl", "--model", columns / "model", "-o", page, "-q")[0] == 0
    assert os.listdir(tmp_path) == ["r.html"]


def test_networks_that_do_not_travel(capsys, columns, tmp_path):
    "A .hepae file holds a plain network of its own columns, or none."
    for recipe, table, part in [
        ("AE_3D_50", "more", "Width"), ("AE_skip", "good", "skip"), ("AE_aux", "good", "aux"),
        ("AE_branches", "good", "branches"), ("AE_onehot", "constant", "onehot"),
    ]:
        trained = "good" if table == "more" else table
        assert run(
            capsys, "train", columns / f"{trained}.pkl", "-o", tmp_path / recipe, "--recipe", recipe,
            "--hidden", "20,20", "--epochs", "1", "--lr", "1e-3", "-q",
        )[0] == 0
        fails(
            capsys,
            "compress",
            columns / f"{table}.pkl",
            "--model",
            tmp_path / recipe,
            "-o",
            tmp_path / "o.hepae",
            code=2,
            parts=[f"{table}.pkl", part],
        )
    assert not (tmp_path / "o.hepae").exists()


# ── outputs ─────────────────────────────────────────────────────────────────


def test_an_output_that_exists_stays(capsys, sample, tmp_path):
    out = tmp_path / "o.pkl"
    out.write_text("precious")
    for command in (
        ["extract", sample, "-o", out],
        ["extract", sample.parent / "no.root", "-o", out, "--force"],
        ["extract", sample, "-o", out, "--force", "--dims", "27D"],
    ):
        fails(capsys, *command)
        assert out.read_text() == "precious" and os.listdir(tmp_path) == ["o.pkl"]
    assert run(capsys, "extract", sample, "-o", out, "--force")[0] == 0


def test_outputs_that_cannot_be(capsys, sample, tmp_path):
    fails(capsys, "extract", sample, "-o", tmp_path / "no" / "o.pkl", parts=["no/o.pkl", "does not exist"])
    fails(capsys, "extract", sample, "-o", tmp_path / "o.xlsx", code=2, parts=["o.xlsx", ".parquet"])
    folder = tmp_path / "a.pkl"
    folder.mkdir()
    (folder / "precious").touch()
    fails(capsys, "extract", sample, "-o", folder, "--force", parts=["a.pkl", "folder"])
    assert (folder / "precious").exists()


@pytest.mark.parametrize("suffix", [".pkl", ".parquet", ".csv"])
def test_a_full_disk_leaves_nothing(sample, tmp_path, suffix):
    "A file size limit, which the system enforces as it does a full disk."

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = hepae("extract", sample, "-o", tmp_path / f"o{suffix}", preexec_fn=limit)
    assert (done.returncode, done.stdout) == (1, "")
    one_sentence(done.stderr, f"o{suffix}", "File too large")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".root", ".pkl", ".parquet", ".csv"])
def test_no_space_left_leaves_nothing(sample, tmp_path, monkeypatch, suffix):
    "ENOSPC out of the middle of writing."
    table, full = read(sample), OSError(errno.ENOSPC, "No space left on device")

    def fail(*a, **k):
        raise full

    if suffix == ".root":
        monkeypatch.setattr("uproot.writing.writable.WritableTree.extend", fail)
    elif suffix == ".parquet":
        monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", fail)
    elif suffix == ".csv":
        monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    else:
        monkeypatch.setattr("hepae.io.pickles._StagedPickler.dump", fail)
    with pytest.raises(HepaeError) as e:
        write(table, tmp_path / f"o{suffix}")
    one_sentence(str(e.value), f"o{suffix}", "No space left on device")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".pkl", ".parquet"])
def test_a_killed_extraction_leaves_no_output(sample, tmp_path, suffix):
    """kill -9 while chunks are being written: what stays is hidden, no pattern for outputs finds it, and the next
    run is not disturbed."""
    code = """if True:
        import itertools, sys, time
        import hepae.files.extraction as files
        chunks = files.read_chunks
        def slow(*a, **k):
            for chunk in itertools.chain.from_iterable(chunks(*a, **k) for _ in range(99)):
                yield chunk
                print('written', flush=True)
                time.sleep(0.02)
        files.read_chunks = slow
        from hepae.cli.main import main
        main(['extract', sys.argv[1], '-o', sys.argv[2]])"""
    out = tmp_path / f"o{suffix}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(sample), str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        for _ in range(4):
            process.stdout.readline()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    left = os.listdir(tmp_path)
    assert left and all(name.startswith(".") for name in left)
    import glob

    assert glob.glob(str(tmp_path / "*")) == []
    assert hepae("extract", sample, "-o", out, "-q").returncode == 0 and len(read(out)) == len(read(sample))


def test_ctrl_c_leaves_nothing(sample, tmp_path):
    code = (
        "import hepae.files.extraction as f, os, signal\nsignal.signal(signal.SIGINT, "
        "signal.default_int_handler)\nr = f.read_chunks\n"
        "def stop(*a, **k):\n    for c in r(*a, **k): yield c; os.kill(os.getpid(), signal.SIGINT)\n"
        "f.read_chunks = stop\nfrom hepae.cli.main import main; import sys; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "extract", str(sample), "-o", str(tmp_path / "o.pkl")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 130
    one_sentence(done.stderr, "interrupted")
    assert os.listdir(tmp_path) == []


# ── the same as a user sees it ──────────────────────────────────────────────


def test_in_a_process_of_its_own(small, tmp_path):
    "Exit codes and one line on standard error, with nothing else of this test around."
    cut = tmp_path / "cut.root"
    cut.write_bytes((small / "TTree.root").read_bytes()[:5000])
    out = tmp_path / "o.pkl"
    for arguments, code, part in [
        (["extract", "no.root", "-o", out], 1, "no such file"),
        (["extract", cut, "-o", out], 1, "truncated"),
        (["inspect", cut], 1, "truncated"),
        (["extract", small / "TTree.root", "-o", out, "--dims", "5D"], 2, "E4D"),
        (["extract", small / "TTree.root", "-o", out, "--container", "Muons"], 2, "no container Muons"),
    ]:
        done = hepae(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done
        one_sentence(done.stderr, part)
    assert os.listdir(tmp_path) == ["cut.root"]


def test_errors_come_at_once(tmp_path):
    "A wrong name is said before anything heavy is read."
    start = time.perf_counter()
    hepae("extract", *[f"no{i}.root" for i in range(500)], "-o", tmp_path / "o.pkl")
    assert time.perf_counter() - start < 30
