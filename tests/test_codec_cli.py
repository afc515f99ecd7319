"`hepae compress | decompress | verify | inspect` as a user runs them."

import hashlib
import json
import os
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
from conftest import ROOT, hepae, one_sentence

from hepae.codec.container import open_end
from hepae.codec.tables import read_tables
from hepae.core import HepaeError
from hepae.files.kinds import expand
from hepae.files.reading import read, write
from hepae.metrics import bound_violations
from hepae.schema import schema_of, with_schema

FOUR = ["m", "pt", "phi", "eta"]
TABLE = ["--container", "HLT_xAOD__JetContainer_TrigHLTJetDSSelectorCollection"]  # of the sample: not the whole file


def good(*arguments, **options):
    "A command that must succeed."
    done = hepae(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done


def bad(code: int, *arguments, parts=(), **options) -> str:
    "A command that must fail with this exit code and one sentence."
    done = hepae(*arguments, **options)
    assert done.returncode == code, (done.returncode, done.stdout[-300:], done.stderr)
    if code == 2 and done.stderr.startswith("Usage:"):
        return done.stderr
    one_sentence(done.stderr, "hepae: ", *parts)
    return done.stderr


def first_events(events: int) -> pd.DataFrame:
    "The first events of the sample as a table, with what comes after them forgotten."
    jets = read(ROOT / "data" / "jets.root")
    schema = schema_of(jets)
    return with_schema(
        jets[jets.index.get_level_values(0) < events], replace(schema, source=replace(schema.source, entries=events))
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    "A few hundred events as ROOT."
    path = tmp_path_factory.mktemp("small") / "small.root"
    write(first_events(600), path)
    return path


@pytest.fixture(scope="module")
def packed(small):
    "The same as .hepae."
    path = small.with_name("small.hepae")
    good("compress", small, "-o", path, "--bound", "1e-3", *TABLE)
    return path


def branches(path) -> dict:
    "The jet branches of a file as plain uproot reads them: name → list of lists."
    with uproot.open(path) as file:
        tree = file["CollectionTree"]
        return {k: tree[k].array().to_list() for k in tree.keys() if k.rsplit(".")[-1] in FOUR}


def test_root_to_root(small, packed, tmp_path):
    "Branch names, events (empty ones too) and values come back."
    good("decompress", packed, "-o", tmp_path / "back.root")
    before, after = branches(small), branches(tmp_path / "back.root")
    assert set(before) == set(after) and len(before) == 4
    for name, old in before.items():
        assert [len(x) for x in old] == [len(x) for x in after[name]] and len(old) == 600
        a, b = (np.concatenate([np.array(x, float) for x in v]) for v in (old, after[name]))
        error = np.abs(a - b)
        if name.endswith(("pt", "m")):
            assert (error <= 1e-3 * np.abs(a)).all() and error.max() > 0
        else:
            assert error.max() <= 1e-3
    facts = json.loads(good("verify", small, packed, "--json").stdout)
    assert facts["violations"] == 0 and facts["rows"] == len(read(small))


def test_whole_sample(sample, tmp_path):
    "The committed sample, verified; the file is small, and inspect says so."
    facts = json.loads(good("compress", sample, *TABLE, "-o", tmp_path / "s.hepae", "--bound", "1e-3", "--json").stdout)
    seen = json.loads(good("inspect", tmp_path / "s.hepae", "--json").stdout)
    size = (tmp_path / "s.hepae").stat().st_size
    assert facts["bytes"] == seen["bytes"] == size == sum(seen["sections"].values())
    assert seen["rows"] == facts["rows"] == len(read(sample)) and 30 < seen["bits_per_row"] < 60
    assert [c["name"] for c in seen["columns"]] == FOUR and {c["bound"] for c in seen["columns"]} == {
        "rel:1e-3",
        "abs:1e-3",
    }
    good("verify", sample, tmp_path / "s.hepae")


@pytest.mark.parametrize("suffix", [".parquet", ".pkl", ".csv"])
def test_tables_in_and_out(small, tmp_path, suffix):
    table = read(small)
    write(table, tmp_path / f"t{suffix}")
    good("compress", tmp_path / f"t{suffix}", "-o", tmp_path / "t.hepae", "--bound", "exact")
    good("decompress", tmp_path / "t.hepae", "-o", tmp_path / f"back{suffix}")
    first, back = read(tmp_path / f"t{suffix}"), read(tmp_path / f"back{suffix}")
    pd.testing.assert_frame_equal(back, first)
    assert schema_of(back).source.entries == schema_of(first).source.entries
    good("verify", tmp_path / f"t{suffix}", tmp_path / "t.hepae")


def test_pipes(small, packed, tmp_path):
    "Through '-' both ways come the same bytes."
    with open(small, "rb") as f:
        piped = good("compress", "-", "-o", "-", "--bound", "1e-3", *TABLE, stdin=f, text=False).stdout
    assert piped == packed.read_bytes()
    with open(packed, "rb") as f:
        text = good("decompress", "-", "-o", "-", stdin=f).stdout
    good("decompress", packed, "-o", tmp_path / "back.csv")
    assert len(text.splitlines()) == len(read(packed)) + 1
    rows = np.loadtxt(text.splitlines()[1:], delimiter=",")
    np.testing.assert_array_equal(rows[:, 2:].astype("f4"), read(packed)[FOUR].to_numpy())
    one = """
import subprocess, sys
command = [sys.executable, "-c", "from hepae.cli.main import main; main()", *sys.argv[1:]]
p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdout.read(5)
p.stdout.close()
print(p.stderr.read().decode())
"""
    closed = subprocess.run(
        [sys.executable, "-c", one, "decompress", str(packed), "-o", "-"], capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in closed.stdout


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    "Three files with jets of their own."
    folder = tmp_path_factory.mktemp("three")
    jets = first_events(360)
    for k in range(3):
        entry = jets.index.get_level_values(0)
        part = jets[(entry >= 120 * k) & (entry < 120 * k + 120)]
        part = part.set_index(
            pd.MultiIndex.from_arrays(
                [part.index.get_level_values(0) - 120 * k, part.index.get_level_values(1)], names=part.index.names
            )
        )
        schema = schema_of(jets)
        write(with_schema(part, replace(schema, source=replace(schema.source, entries=120))), folder / f"f{k}.root")
    return folder


def digests(folder) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_many_into_one(three, tmp_path):
    good("compress", *sorted(three.glob("*.root")), *TABLE, "-o", tmp_path / "all.hepae")
    back, parts = read(tmp_path / "all.hepae"), [read(p) for p in sorted(three.glob("*.root"))]
    assert len(back) == sum(map(len, parts)) and schema_of(back).source.entries == 360
    good("verify", *sorted(three.glob("*.root")), tmp_path / "all.hepae")
    bad(1, "verify", *sorted(three.glob("*.root"))[::-1], tmp_path / "all.hepae") if len(
        set(map(len, parts))
    ) > 1 else None
    good("compress", str(three / "*.root"), *TABLE, "-o", tmp_path / "pattern.hepae")
    assert (tmp_path / "pattern.hepae").read_bytes() == (tmp_path / "all.hepae").read_bytes()


def test_chunks_side_by_side(tmp_path):
    "A file of several chunks has the same bytes from any number of workers, and comes back the same."
    table = pd.DataFrame({"n": np.arange(600_000, dtype="i4") // 7 % 50})
    table.to_parquet(tmp_path / "n.parquet")
    for workers in (0, 1, 2, 3):
        good("compress", tmp_path / "n.parquet", "-o", tmp_path / f"{workers}.hepae", "--workers", workers)
        good("decompress", tmp_path / f"{workers}.hepae", "-o", tmp_path / f"{workers}.parquet", "--workers", workers)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{workers}.parquet"), table)
    with open(tmp_path / "0.hepae", "rb") as file: assert len(open_end(file).chunks) == 2
    assert len({(tmp_path / f"{workers}.hepae").read_bytes() for workers in (0, 1, 2, 3)}) == 1


def test_folder_workers_and_dask(three, tmp_path):
    "Results do not depend on where they ran."
    from dask.distributed import LocalCluster

    for name in ("here", "workers", "dask"):
        (tmp_path / name).mkdir()
    inputs = sorted(three.glob("*.root"))
    facts = json.loads(good("compress", *inputs, "-o", tmp_path / "here", "--json").stdout)
    assert [os.path.basename(f["output"]) for f in facts] == ["f0.hepae", "f1.hepae", "f2.hepae"]
    good("compress", *inputs, "-o", tmp_path / "workers", "--workers", 2)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        good("compress", *inputs, "-o", tmp_path / "dask", "--dask", cluster.scheduler_address)
        (tmp_path / "broken").mkdir()
        (three.parent / "broken.root").write_bytes(b"root" + bytes(100))
        files = three.parent / "broken.root", inputs[0]
        done = hepae("compress", *files, "-o", tmp_path / "broken", "--dask", cluster.scheduler_address, "-q")
    assert done.returncode == 1 and "1 of 2 files failed" in done.stderr
    one_sentence("".join(line for line in done.stderr.splitlines(True) if "broken.root" in line), "broken.root")
    assert list(digests(tmp_path / "broken")) == ["f0.hepae"]  # the others are there
    assert digests(tmp_path / "here") == digests(tmp_path / "workers") == digests(tmp_path / "dask")
    for path in inputs:
        good("verify", path, tmp_path / "here" / f"{path.stem}.hepae")


def test_one_plan_for_a_folder(three, tmp_path):
    "The plan of the first file is that of all of its kind, the same bytes here and in two processes; each is whole."
    inputs = sorted(three.glob("*.root"))
    done = good("compress", *inputs, "-o", f"{tmp_path}/here/", *TABLE, "--bound", "1e-3", "--one-plan", "--json")
    facts = json.loads(done.stdout)
    good("compress", *inputs, "-o", f"{tmp_path}/workers/", *TABLE, "--bound", "1e-3", "--one-plan", "--workers", 2)
    assert digests(tmp_path / "here") == digests(tmp_path / "workers")
    assert f"plan {facts[0]['plan']} of f0.hepae is that of " in done.stderr
    for path in inputs: good("verify", path, tmp_path / "here" / f"{path.stem}.hepae")
    alone = tmp_path / "alone.hepae"
    good("compress", inputs[0], "-o", alone, "--bound", "1e-3", *TABLE)
    assert alone.read_bytes() == (tmp_path / "here" / f"{inputs[0].stem}.hepae").read_bytes()
    bad(2, "compress", inputs[0], "-o", tmp_path / "one.hepae", "--one-plan", parts=["--one-plan", "folder"])
    bad(2, "compress", *inputs, "-o", f"{tmp_path}/whole/", "--one-plan", parts=["--one-plan", "--container"])
    assert not list((tmp_path / "whole").glob("*"))


def test_rows(packed, tmp_path):
    good("decompress", packed, "-o", tmp_path / "some.parquet", "--rows", "100:257")
    pd.testing.assert_frame_equal(read(tmp_path / "some.parquet"), read(packed).iloc[100:257])
    for rows in ("5", "9:3", "a:b", "-1:4"):
        bad(2, "decompress", packed, "-o", tmp_path / "x.csv", f"--rows={rows}")
    assert "no rows" in bad(2, "decompress", packed, "-o", tmp_path / "x.csv", "--rows", "1000000:1000001")
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("asked", ["--tree t", "--branches pt", "--entries 0:3", "--pack lzma", "--rntuple"])
def test_what_is_asked_for_is_done_or_refused(packed, tmp_path, asked):
    "Options of whole ROOT files are refused for tables and events, so nobody takes all for the part."
    events = tmp_path / "dy.hepae"
    good("compress", ROOT / "data" / "drell_yan.hepmc.gz", "-o", events, "-q", timeout=120)
    for source, name in ((packed, "back.parquet"), (events, "back.hepmc")):
        bad(2, "decompress", source, "-o", tmp_path / name, *asked.split(), parts=[asked.split()[0], "leave it out"])
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("unordered", ["events", "table"])
def test_unordered(small, packed, tmp_path, unordered):
    good("compress", small, "-o", tmp_path / "u.hepae", "--bound", "1e-3", "--unordered", unordered)
    size = (tmp_path / "u.hepae").stat().st_size
    # few events here have two jets
    assert size < packed.stat().st_size + 40 if unordered == "events" else size < 0.95 * packed.stat().st_size
    good("verify", small, tmp_path / "u.hepae")
    good("decompress", tmp_path / "u.hepae", "-o", tmp_path / "u.parquet")
    sums = [read(p)[FOUR].sort_values("pt")["pt"].to_numpy() for p in (small, tmp_path / "u.parquet")]
    np.testing.assert_allclose(*sums, rtol=1e-3)


def test_bounds(small, tmp_path):
    "Each bound is kept, and a file with a looser one breaks a tighter promise: exit code 3."
    bound = "pt=rel:1e-2,eta=abs:1e-4,m=bits:12,phi=exact"
    good("compress", small, *TABLE, "-o", tmp_path / "b.hepae", "--bound", bound)
    with open(tmp_path / "b.hepae", "rb") as f:
        schema = schema_of(next(read_tables(f)))
    first, back = read(small), read(tmp_path / "b.hepae")
    assert bound_violations(first, back, schema).sum() == 0 and [c.bound for c in schema.columns] == [
        "bits:12", "rel:1e-2", "exact", "abs:1e-4",
    ]
    good("decompress", tmp_path / "b.hepae", "-o", tmp_path / "b.parquet")
    # nothing is rounded twice, unless somebody asks for it
    good("compress", tmp_path / "b.parquet", "-o", tmp_path / "again.hepae")
    assert schema_of(back) == schema and {c.bound for c in schema_of(read(tmp_path / "again.hepae")).columns} == {
        "exact"
    }
    pd.testing.assert_frame_equal(read(tmp_path / "again.hepae"), back)
    good("compress", tmp_path / "b.parquet", "-o", tmp_path / "again.hepae", "--bound", "schema", "--force")
    assert schema_of(read(tmp_path / "again.hepae")).columns == schema.columns
    assert back["phi"].equals(first["phi"]) and (np.abs(back["pt"] - first["pt"]) / first["pt"]).max() > 1e-3
    assert [c["bound"] for c in json.loads(good("inspect", tmp_path / "b.hepae", "--json").stdout)["columns"]] == [
        "bits:12", "rel:1e-2", "exact", "abs:1e-4",
    ]
    moved = first.copy()
    moved.iloc[7, 1] *= 1.5
    moved.attrs = first.attrs
    write(moved, tmp_path / "moved.parquet")
    done = hepae("verify", tmp_path / "moved.parquet", tmp_path / "b.hepae", "--json")
    assert done.returncode == 3 and json.loads(done.stdout)["violations"] == 1
    one_sentence(done.stderr, "b.hepae", "1 values break their bound", "pt", "rel:1e-2")


def test_verify_another_file(three, packed, tmp_path):
    bad(1, "verify", three / "f0.root", packed, parts=["small.hepae", "rows"])
    table = read(three / "f0.root").drop(columns="m")
    write(table, tmp_path / "three.parquet")
    bad(1, "verify", tmp_path / "three.parquet", packed, parts=["small.hepae"])
    bad(1, "verify", three / "f0.root", three / "f1.root", parts=["f1.root", "no .hepae file"])
    bad(2, "verify", packed)


def test_errors(small, packed, tmp_path):
    "One sentence that names the file; nothing is left behind."
    (tmp_path / "empty.hepae").write_bytes(b"")
    (tmp_path / "foreign.hepae").write_bytes(b"PAR1" * 100)
    (tmp_path / "cut.hepae").write_bytes(packed.read_bytes()[:-30])
    flipped = bytearray(packed.read_bytes())
    flipped[len(flipped) // 2] ^= 4
    (tmp_path / "flipped.hepae").write_bytes(flipped)
    out = tmp_path / "out.parquet"
    for name, part in {
        "missing": "missing",
        "empty": "empty",
        "foreign": "no .hepae file",
        "cut": "get the file again",
        "flipped": "checksum",
    }.items():
        out = tmp_path / ("out.root" if name in ("cut", "empty") else "out.parquet")
        bad(1, "decompress", tmp_path / f"{name}.hepae", "-o", out, parts=[f"{name}.hepae", part])
    with open(tmp_path / "cut.hepae", "rb") as f:
        bad(1, "decompress", "-", "-o", out, stdin=f, parts=["standard input", "get the file again"])
    bad(1, "inspect", tmp_path / "cut.hepae", parts=["cut.hepae"])
    bad(1, "verify", small, tmp_path / "cut.hepae", parts=["cut.hepae"])
    out = tmp_path / "out.hepae"
    bad(1, "compress", tmp_path / "missing.root", "-o", out, parts=["missing.root"])
    (tmp_path / "empty.root").write_bytes(b"")
    bad(1, "compress", tmp_path / "empty.root", "-o", out, parts=["empty.root"])
    assert "frob" in bad(2, "compress", small, "-o", out, "--bound", "frob:1")
    assert "mass" in bad(2, "compress", small, *TABLE, "-o", out, "--bound", "mass=rel:1e-3")
    bad(2, "compress", small, *TABLE, "-o", out, "--bound", "pt=rel:2")
    bad(2, "compress", small, "-o", out, "--dask", "tcp://127.0.0.1:1", parts=["folder"])
    bad(1, "compress", small, "-o", tmp_path / "no" / "such" / "out.hepae", parts=["no/such"])
    bad(2, "decompress", packed, "-o", tmp_path / "out.xyz", parts=[".xyz"])
    (tmp_path / "there.hepae").write_text("mine")
    for arguments in (("compress", small, "-o", tmp_path / "there.hepae"), ("decompress", packed, "-o", small)):
        assert "--force" in bad(2 if hepae(*arguments).returncode == 2 else 1, *arguments)
    assert (tmp_path / "there.hepae").read_text() == "mine"
    good("compress", small, "-o", tmp_path / "there.hepae", "--force")
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"empty.hepae", "foreign.hepae", "cut.hepae", "flipped.hepae", "empty.root", "there.hepae"}, left


def test_kill(tmp_path):
    """Killed at any moment, a compression leaves no file under the name, and what it leaves beside it is in
    nobody's way."""
    jets = pd.concat([first_events(5000)] * 8, ignore_index=True)
    write(jets, tmp_path / "many.parquet")
    command = [
        sys.executable, "-c", "from hepae.cli.main import main; main()", "compress", str(tmp_path / "many.parquet"),
        "-o", str(tmp_path / "many.hepae"),
    ]
    seen = False
    for wait in (0.0, 0.05, 0.15, 0.4):
        child = subprocess.Popen(
            command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until = time.time() + 60
        while child.poll() is None and time.time() < until and not list(tmp_path.glob(".many*")):
            time.sleep(0.005)
        time.sleep(wait)
        done = child.poll() is not None
        child.send_signal(signal.SIGKILL)
        child.wait()
        seen = seen or not done
        if done:
            (tmp_path / "many.hepae").unlink()
            break
        assert {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")} == {"many.parquet"}, list(
            tmp_path.iterdir()
        )
        with pytest.raises(HepaeError):
            expand([str(tmp_path / "*.hepae")])  # no pattern finds the remains
    assert seen, "never killed in time"
    good("compress", tmp_path / "many.parquet", "-o", tmp_path / "many.hepae")
    good("verify", tmp_path / "many.parquet", tmp_path / "many.hepae")


@pytest.mark.real
@pytest.mark.parametrize(
    "name, options",
    [
        ("root/uproot-issue-816.root", ["--dims", "4D", "--container", "trigger_akt4_pf"]),
        ("root/NanoAODv5_sample.root", ["--dims", "4D", "--container", "Jet"]),
        ("root/jets_10_events.root", ["--dims", "27D"]),
        ("root/uproot-physlite-rntuple_v1-0-0-0.root", ["--dims", "4D", "--container", "AnalysisJets"]),
        ("csv/monojet_Zp2000.0_DM_50.0_chan3.csv", []),
    ],
)
def test_real_files(testdata, tmp_path, name, options):
    path = testdata(name)
    good("compress", path, "-o", tmp_path / "x.hepae", *options)
    choice = options[2:]  # verify knows the variables
    good("verify", path, tmp_path / "x.hepae", *choice)
    suffix = ".root" if name.startswith("root") else ".csv"
    good("decompress", tmp_path / "x.hepae", "-o", tmp_path / f"back{suffix}")
    assert (tmp_path / f"back{suffix}").stat().st_size
    if suffix == ".root":
        source = schema_of(read(tmp_path / "x.hepae")).source
        with uproot.open(tmp_path / "back.root") as back, uproot.open(path) as first:
            there = {k.rsplit("/")[-1] for k in first[source.tree].keys()}
            mine = {k.rsplit("/")[-1] for k in back[source.tree].keys()}
            assert (
                set(source.branches.values()) & mine and back[source.tree].num_entries == first[source.tree].num_entries
            ), (mine, source.branches)
            assert {b.rsplit("/")[-1] for b in source.branches.values()} <= there
            for branch in source.branches.values():  # ActiveArea once came back as an integer, elsewhere
                pair = [
                    ak.flatten(f[source.tree][k].array(), axis=None)
                    for f, k in (
                        (first, branch),
                        (
                            back,
                            branch.rsplit("/")[-1].replace(".", ":")
                            if source.tree_class == "RNTuple"
                            else branch.rsplit("/")[-1],
                        ),
                    )
                ]
                assert ak.to_numpy(pair[0]).dtype == ak.to_numpy(pair[1]).dtype and len(pair[0]) == len(pair[1]), branch


def test_some_variables(tmp_path):
    "Names instead of a preset: these columns, in this order."
    assert (
        hepae("compress", ROOT / "data" / "jets.root", "--dims", "eta,pt", "-o", tmp_path / "a.hepae").returncode == 0
    )
    facts = json.loads(hepae("inspect", "--json", tmp_path / "a.hepae").stdout)
    assert [c["name"] for c in facts["columns"]] == ["eta", "pt"]
    assert hepae("verify", ROOT / "data" / "jets.root", tmp_path / "a.hepae").returncode == 0


def test_no_index(tmp_path):
    "Rows are numbered through, and verify must be told."
    assert hepae("compress", ROOT / "data" / "jets.root", "--no-index", "-o", tmp_path / "a.hepae").returncode == 0
    assert json.loads(hepae("inspect", "--json", tmp_path / "a.hepae").stdout)["entries"] == 0
    assert hepae("verify", ROOT / "data" / "jets.root", tmp_path / "a.hepae", "--no-index").returncode == 0
    assert hepae("verify", ROOT / "data" / "jets.root", tmp_path / "a.hepae").returncode == 1
