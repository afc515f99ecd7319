"Files at the edge of what is usual: read, or refused in one sentence; what is written appears whole or not at all."

import io
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import ROOT, hepae, one_sentence

from hepae.cli.main import main
from hepae.codec.container import Reader, Writer
from hepae.codec.sections import put_numbers, put_sections, take_numbers, take_sections
from hepae.codec.tables import compress as compress_table
from hepae.codec.tables import decompress
from hepae.core import whole
from hepae.files import compression as files
from hepae.files.compression import compress_files

FOUR = ("pt", "eta", "phi", "mass")


def run(capfd, *arguments) -> tuple[int, str, str]:
    "Exit code, standard output and standard error of a command, in this process."
    capfd.readouterr()
    with pytest.raises(SystemExit) as e:
        main([str(a) for a in arguments])
    return e.value.code or 0, *capfd.readouterr()


def works(capfd, *arguments) -> str:
    "Assert that a command succeeds; returns what it prints."
    code, out, err = run(capfd, *arguments)
    assert code == 0, err
    return out


def fails(capfd, *arguments, code: int = 1, parts=()) -> str:
    "Assert that a command fails with one sentence that contains the parts; returns the sentence."
    found, out, err = run(capfd, *arguments)
    one_sentence(err, "hepae: ", *parts)
    assert (found, out) == (code, "")
    return err


def collections(path, tree: str = "Events", **counts) -> None:
    "A TTree of collections with four-momenta: name=rows of each event."
    rng = np.random.default_rng(1)
    flat = {k: {f: rng.exponential(30, sum(n)).astype("f4") for f in FOUR} for k, n in counts.items()}
    with uproot.recreate(path) as file:
        t = file.mktree(tree, {k: "var * {" + ", ".join(f"{f}: float32" for f in FOUR) + "}" for k in counts})
        t.extend({k: nested(flat[k], n) for k, n in counts.items()})


def nested(flat: dict, counts):
    "Records of so many rows in each event."
    import awkward as ak

    return ak.unflatten(ak.zip(flat), np.asarray(counts, np.int64))


# ── verify knows what was compressed ────────────────────────────────────────


def test_verify_reads_what_was_compressed(capfd, tmp_path):
    "Of several containers, or of branches that somebody named, `verify` takes those that the file names."
    two, small = tmp_path / "two.root", tmp_path / "two.hepae"
    collections(two, Jet=[2, 0, 1], GenJet=[2, 0, 1])
    for choice in (
        ["--container", "GenJet"],
        ["--columns", "pt=Jet_pt,eta=Jet_eta,phi=Jet_phi,m=Jet_mass", "--unit", "GeV"],
    ):
        works(capfd, "compress", two, "-o", small, "--force", *choice)
        assert "violations" in works(capfd, "verify", two, small)
    assert run(capfd, "verify", two, small, "--container", "GenJet")[0] == 3


def test_verify_knows_renamed_columns_of_a_table(capfd, tmp_path):
    table, small = tmp_path / "t.csv", tmp_path / "t.hepae"
    table.write_text("a,b,c,d\n31,0.5,1.5,4\n62,-0.5,2.5,8\n")
    works(capfd, "compress", table, "-o", small, "--columns", "pt=a,eta=b,phi=c,m=d")
    works(capfd, "verify", table, small)


# ── trees of all kinds ──────────────────────────────────────────────────────

EDGES = ROOT / "tests" / "edges"
SPLIT = ",".join(f"{name}=Jets/Jets.fCoordinates.f{name.capitalize()}" for name in ("pt", "eta", "phi", "m"))


def there_and_back(capfd, path, folder, *choice) -> uproot.TTree:
    "Compressed, verified and decompressed: the tree that comes back."
    small, back = folder / "small.hepae", folder / "back.root"
    works(capfd, "compress", path, "-o", small, "--force", "--bound", "exact", *choice)
    works(capfd, "verify", path, small)
    works(capfd, "decompress", small, "-o", back, "--force")
    with uproot.open(back) as file:
        return file[file.keys(recursive=True, filter_classname=["TTree", "*RNTuple"])[0]].arrays()


@pytest.mark.parametrize("dims", ["4D", "pt"])
def test_no_jet_in_any_event(capfd, tmp_path, dims):
    "An empty table is a table; extract says that there is nothing."
    path = tmp_path / "none.root"
    collections(path, Jet=[0] * 1000)
    back = there_and_back(capfd, path, tmp_path, "--dims", dims)
    assert len(back) == 1000 and not back["nJet"].to_numpy().any()
    fails(capfd, "extract", path, "-o", tmp_path / "none.pkl", parts=["not one jet"])


def test_a_tree_without_entries_or_branches(capfd, tmp_path):
    path = tmp_path / "empty.root"
    collections(path, Jet=[])
    assert len(there_and_back(capfd, path, tmp_path)) == 0
    with uproot.recreate(path) as file:
        file.mktree("bare", {"n": "i4"})
    assert "0 entries" in works(capfd, "inspect", path)
    assert there_and_back(capfd, path, tmp_path).fields == ["n"]
    fails(capfd, "compress", path, "--dims", "4D", "-o", tmp_path / "o.hepae", parts=["no jets found"])


def test_versions_below_zero_are_versions(capfd, tmp_path):
    "ROOT's fVersion is signed, and some builds write it negative."
    path = tmp_path / "negative.root"
    collections(path, Jet=[2, 1])
    data = path.read_bytes()
    for version in (-int.from_bytes(data[4:8], "big"), -938_200):
        path.write_bytes(data[:4] + version.to_bytes(4, "big", signed=True) + data[8:])
        assert "Jet" in works(capfd, "inspect", path)
        assert len(there_and_back(capfd, path, tmp_path)) == 2


def test_the_branches_of_an_object_come_back(capfd, tmp_path):
    "Their names hold a slash, and their counter has the name of one of them."
    for tree_class in ([], ["--rntuple"]):
        path, small, back = EDGES / "split_vector.root", tmp_path / "s.hepae", tmp_path / "s.root"
        works(capfd, "compress", path, "-o", small, "--columns", SPLIT, "--force")
        works(capfd, "decompress", small, "-o", back, "--force", *tree_class)
        before, after = uproot.open(path)["T"], uproot.open(back)["T"]
        pt = next(k for k in after.keys() if k.endswith("fPt"))
        np.testing.assert_allclose(
            np.concatenate(after[pt].array()), np.concatenate(before["Jets/Jets.fCoordinates.fPt"].array()), rtol=1e-3
        )
        assert [len(x) for x in after[pt].array()] == [i % 4 for i in range(100)]


def test_names_that_collide_get_others_and_that_is_said(capfd, tmp_path):
    "Branches of two objects may have one name; each of them is written, and the user is told."
    table, small, back = tmp_path / "t.csv", tmp_path / "t.hepae", tmp_path / "t.root"
    table.write_text("x[0],x_0_,y/z,z\n1,2,3,4\n")
    works(capfd, "compress", table, "-o", small)
    code, _, err = run(capfd, "decompress", small, "-o", back)
    assert code == 0 and "cannot keep their names" in err
    assert sorted(a.item() for a in uproot.open(back)["Events"].arrays(library="np").values()) == [1, 2, 3, 4]


def test_a_leaf_list_is_as_many_columns(capfd, tmp_path):
    path = EDGES / "leaf_list.root"
    back = there_and_back(capfd, path, tmp_path, "--dims", "pt,eta,phi,m,n", "--container", "Jet")
    before = uproot.open(path)["T"]["Jet"].array()
    for leaf in before.fields:
        np.testing.assert_array_equal(back[f"Jet.{leaf}"], before[leaf])
    fails(
        capfd,
        "compress",
        path,
        "-o",
        tmp_path / "o.hepae",
        "--columns",
        "pt=Jet",
        "--dims",
        "pt",
        parts=["Jet.pt", "Jet.mass"],
    )


def test_dots_in_names_of_fields(capfd, tmp_path):
    "uproot takes them for members of members; such a file is not damaged."
    path, values = (
        tmp_path / "dots.root",
        {n: np.arange(5.0) + k for k, n in enumerate(("Jet.pt", "Jet.eta", "Jet.phi", "Jet.mass"))},
    )
    with uproot.recreate(path) as file:
        file.mkrntuple("t", values)
    back = there_and_back(capfd, path, tmp_path)
    for name, x in values.items():
        np.testing.assert_array_equal(back[name.replace(".", ":")], x)
    back = there_and_back(capfd, path, tmp_path, "--dims", "4D")
    for name, x in values.items():
        np.testing.assert_array_equal(back[name.replace(".", ":")], x)


def test_fixed_arrays_and_text_are_named(capfd, tmp_path):
    "What cannot become a column is named by inspect and by compress."
    path = tmp_path / "fixed.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {f"Jet_{k}": np.dtype(("f4", (3,))) for k in FOUR}).extend(
            {f"Jet_{k}": np.ones((5, 3), "f4") for k in FOUR}
        )
    assert "Jet_pt (3 numbers each)" in works(capfd, "inspect", path)
    for choice in (["--dims", "4D"], ["--columns", "pt=Jet_pt", "--dims", "pt"]):
        fails(capfd, "compress", path, "-o", tmp_path / "o.hepae", *choice, parts=["Jet_pt", "3"])
    assert list(tmp_path.iterdir()) == [path]


def test_failures_of_uproot_are_not_called_damage(capfd, tmp_path, monkeypatch):
    path = tmp_path / "j.root"
    collections(path, Jet=[2, 1])
    for error, words in (
        (ModuleNotFoundError("install the 'xxhash' package"), "install it"),
        (NotImplementedError("memberwise serialization"), "--columns"),
    ):

        def refuse(*_, error=error, **__):
            raise error

        monkeypatch.setattr(uproot.TBranch, "array", refuse)
        packed, parts = tmp_path / "o.hepae", [path, "uproot cannot read branch Jet_", words]
        assert "damaged" not in fails(capfd, "compress", path, "--dims", "4D", "-o", packed, parts=parts)


@pytest.mark.parametrize("dims", ["4D", "pt"])
def test_an_event_of_nan_still_has_a_leading_jet(capfd, tmp_path, dims):
    "NaN never wins over a number, and an event whose pts are all NaN keeps one jet."
    path, nan = tmp_path / "nan.root", np.nan
    pt = np.array([nan, 5, 7, nan, nan, nan, -np.inf, 3], "f4")
    with uproot.recreate(path) as file:
        file.mktree("t", {"Jet": "var * {" + ", ".join(f"{f}: float32" for f in FOUR) + "}"}).extend(
            {"Jet": nested({f: pt if f == "pt" else np.arange(8, dtype="f4") for f in FOUR}, [3, 2, 0, 2, 1])}
        )
    works(capfd, "extract", path, "-o", tmp_path / "lead.csv", "--leading", "--dims", dims)
    rows = [line.split(",")[:2] for line in (tmp_path / "lead.csv").read_text().splitlines()[1:]]
    assert rows == [["0", "2"], ["1", "0"], ["3", "1"], ["4", "0"]]


# ── pipes, devices, signals ─────────────────────────────────────────────────


@contextmanager
def named_pipe(path, *pieces: bytes):
    "A named pipe through which a slow writer sends its pieces."

    def send():
        with open(path, "wb", buffering=0) as pipe:
            for piece in pieces:
                pipe.write(piece)

    os.mkfifo(path)
    writer = Thread(target=send, daemon=True)
    writer.start()
    try:
        yield path
    finally:
        writer.join(10)
        path.unlink()


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    "Some jets as CSV, ROOT and .hepae."
    folder = tmp_path_factory.mktemp("jets")
    x = np.random.default_rng(3).exponential(30, (8, 4))
    x[:, 2] %= 3  # radians
    (folder / "a.csv").write_text("pt,eta,phi,m\n" + "\n".join(",".join(f"{v:.4f}" for v in row) for row in x) + "\n")
    collections(folder / "a.root", Jet=[2, 0, 3])
    for kind in ("csv", "root"):
        compress_files([folder / f"a.{kind}"], folder / f"{kind}.hepae")
    return folder


@pytest.mark.parametrize("kind", ["csv", "root"])
def test_pipes_are_read_once_by_every_command(capfd, tmp_path, jets, kind):
    data = (jets / f"a.{kind}").read_bytes()
    pipe, half = tmp_path / f"p.{kind}", len(data) // 2
    commands = [
        ["inspect"], ["extract", "-o", tmp_path / "o.parquet"],
        ["compress", "-q", "-o", tmp_path / "o.hepae", "--dims", "4D"],
        ["bench", "--codecs", "gzip", "--bounds", "exact"],
    ]
    for name, *rest in commands:
        with named_pipe(pipe, data[:half], data[half:]):
            works(capfd, name, pipe, *rest)
    with named_pipe(pipe, data):
        works(capfd, "verify", pipe, tmp_path / "o.hepae")
    # it has been read
    with named_pipe(pipe, data):
        fails(capfd, "train", pipe, "--recipe", "density", "-o", tmp_path / "model", parts=[pipe, "too few"])
    with named_pipe(pipe, (tmp_path / "o.hepae").read_bytes()):
        works(capfd, "verify", jets / f"a.{kind}", pipe)
    with named_pipe(pipe, (tmp_path / "o.hepae").read_bytes()):
        works(capfd, "decompress", pipe, "-o", tmp_path / "back.csv")
    if kind == "csv":
        with named_pipe(pipe, data), named_pipe(tmp_path / "q.csv", data):
            works(capfd, "analyse", pipe, tmp_path / "q.csv", "-o", tmp_path / "r.html")


def test_pipes_that_say_nothing_or_nonsense(capfd, tmp_path):
    pipe = tmp_path / "p.csv"
    with named_pipe(pipe):
        fails(capfd, "compress", pipe, "-o", tmp_path / "o.hepae", parts=[pipe, "empty (0 bytes)"])
    with named_pipe(pipe, b"\0\1\2"):
        fails(capfd, "inspect", pipe, parts=[f"{pipe}: "])
    os.mkfifo(pipe)
    fails(capfd, "verify", pipe, pipe, code=2, parts=["only once"])
    pipe.unlink()
    assert list(tmp_path.iterdir()) == []


def test_descriptors_are_pipes_too(jets, tmp_path):
    "What a shell makes of <(…)."
    read, write = os.pipe()
    os.write(write, (jets / "a.csv").read_bytes())
    os.close(write)
    done = hepae("compress", f"/dev/fd/{read}", "-o", "/dev/stdout", "-q", pass_fds=[read], text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(decompress(done.stdout)) == 8


def test_devices_and_pipes_are_written_to(capfd, tmp_path, jets):
    null, pipe, got = tmp_path / "null.csv", tmp_path / "pipe.csv", []
    null.symlink_to(os.devnull)
    for force in ([], ["--force"]):
        works(capfd, "decompress", jets / "csv.hepae", "-o", null, *force)
        works(capfd, "compress", jets / "a.csv", "-o", os.devnull, *force)
        works(capfd, "extract", jets / "a.csv", "-o", null, *force)
        os.mkfifo(pipe)
        reader = Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
        reader.start()
        works(capfd, "decompress", jets / "csv.hepae", "-o", pipe, *force)
        reader.join(10)
        assert stat.S_ISFIFO(os.stat(pipe).st_mode) and stat.S_ISCHR(os.stat(os.devnull).st_mode)
        pipe.unlink()
    assert len(got) == 2 and all(text.startswith("pt,eta,phi,m\n") for text in got)
    fails(capfd, "compress", jets / "a.csv", "-o", "/dev/full", parts=["/dev/full", "No space left"])


def test_no_place_for_a_file(capfd, tmp_path, jets):
    place = tmp_path / "socket.csv"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(place))
        for force in ([], ["--force"]):
            fails(capfd, "decompress", jets / "csv.hepae", "-o", place, *force, parts=[place, "socket"])
        fails(capfd, "inspect", place, parts=[place, "socket"])
    fails(capfd, "inspect", os.devnull, parts=["device"])
    long = tmp_path / ("x" * 250 + ".hepae")
    fails(capfd, "compress", jets / "a.csv", "-o", long, parts=["name"])
    works(capfd, "compress", jets / "a.csv", "-o", tmp_path / ("x" * 245 + ".hepae"))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_stays_a_link(capfd, tmp_path, jets):
    "A dangling link is something; with --force its target is written."
    link = tmp_path / "link.hepae"
    link.symlink_to("target.hepae")
    fails(capfd, "compress", jets / "a.csv", "-o", link, parts=[link, "--force"])
    works(capfd, "compress", jets / "a.csv", "-o", link, "--force")
    assert link.is_symlink() and (tmp_path / "target.hepae").is_file()


def test_the_second_writer_fails(capfd, tmp_path, jets):
    out = tmp_path / "o.hepae"
    with whole(out) as new:
        new.write_text("first")
        fails(capfd, "compress", jets / "a.csv", "-o", out, "--force", parts=[out, "another process"])
    assert out.read_text() == "first"


def test_what_appears_while_we_write_is_kept(capfd, tmp_path, jets, monkeypatch):
    out, real = tmp_path / "o.hepae", files.read_chunks

    def slow(*arguments, **options):
        out.write_text("theirs")
        yield from real(*arguments, **options)

    monkeypatch.setattr(files, "read_chunks", slow)
    fails(capfd, "compress", jets / "a.csv", "-o", out, parts=[out, "appeared"])
    assert out.read_text() == "theirs" and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing_half_written(tmp_path, jets, name):
    "The child waits for ever in the middle of its file; the signal comes when that file is there."
    code = (
        "import sys, signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # whoever runs the tests may ignore it
        "import hepae.files.compression as f\nr = f.read_chunks\n"
        "def stop(*a, **k):\n    for c in r(*a, **k): yield c; signal.pause()\n"
        "f.read_chunks = stop\nfrom hepae.cli.main import main\nmain(sys.argv[1:])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, "compress", str(jets / "a.csv"), "-o", str(tmp_path / "o.hepae")],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(p.suffix == ".hepae" for p in tmp_path.iterdir()):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(getattr(signal, name))
    err = child.communicate(timeout=60)[1]
    one_sentence(err, "hepae: ", "nothing half-written")
    assert child.returncode == 128 + getattr(signal, name)
    assert list(tmp_path.iterdir()) == []


# ── claims are checked before memory is taken ───────────────────────────────

MOST_MB = 300
_PEAK = (
    """
import sys
from hepae.cli.main import main
for name in sys.argv[1:]:
    decompress = ["decompress", name, "-o"]
    commands = ["inspect", name], [*decompress, name + ".root"], [*decompress, name + ".csv"], ["verify", name, name]
    for command in commands:
        try: main(command)
        except SystemExit: pass
        # ru_maxrss begins with that of the parent
        peak = next(int(x.split()[1]) for x in open('/proc/self/status') if x.startswith('VmHWM')) // 1024
        if peak > int(%d): sys.exit(f"{name}: {command[0]} takes {peak} MB")
"""
    % MOST_MB
)


def a_file(facts: dict, *chunks: tuple[bytes, int], events: int = 0) -> bytes:
    "A `.hepae` file with right checksums, whatever it claims."
    made = io.BytesIO()
    writer = Writer(made)
    writer.header(facts)
    for payload, rows in chunks:
        writer.chunk(payload, rows)
    writer.end(events)
    return made.getvalue()


def claims() -> dict[str, bytes]:
    "Forged files by what they claim."
    table = pd.DataFrame(
        {"pt": np.arange(3.0)}, index=pd.MultiIndex.from_arrays([[0, 0, 1], [0, 1, 0]], names=["entry", "subentry"])
    )
    honest = compress_table(table)
    reader = Reader(io.BytesIO(honest))
    (payload,) = reader.chunks()
    (count,), at = take_numbers(payload, 1)
    numbers, *sections = take_sections(payload, count, at)
    n, entries, kind, events = take_numbers(numbers, 4)[0]
    chunk = lambda *numbers: put_numbers([count]) + put_sections([put_numbers(list(numbers)), *sections])
    facts, found = reader.facts, {}
    for bits in (24, 28, 32, 40):
        found[f"events_{bits}"] = a_file(facts, (chunk(n, 2**bits, kind, events), n))
    found["all_events"] = a_file(facts, (chunk(n, 2**24, kind, 2**24), n))
    found["rows"] = a_file(facts, (chunk(2**20, entries, kind, events), 2**20))
    found["block"] = honest[:10] + b"H" + put_numbers([2**55]) + bytes(100)
    found["deep"] = a_file(facts | {"name": [[]]}, (payload, n))
    found["wide"] = a_file(facts | {"columns": [{}] * 4_000_000}, (payload, n))
    found["tables"] = a_file(
        facts | {"plan": [[[0, 0, 4096, []], [], 0, [[-1, 0, 255, 8]], 8, 0, 0, 0, 0]]}, (payload, n)
    )
    return found


def test_a_few_bytes_take_no_memory(tmp_path):
    "144 bytes may claim 2**28 events; none of these files takes 300 MB, whatever is asked of it."
    names = []
    for name, data in claims().items():
        assert len(data) < 100_000, name
        (tmp_path / f"{name}.hepae").write_bytes(data)
        names.append(str(tmp_path / f"{name}.hepae"))
    done = subprocess.run([sys.executable, "-c", _PEAK, *names], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr


def test_events_that_do_not_follow_each_other_are_refused(capfd, tmp_path):
    path = tmp_path / "events.hepae"
    path.write_bytes(claims()["events_28"])
    fails(capfd, "decompress", path, "-o", tmp_path / "o.root", parts=[path, "do not follow each other"])


# ── memory ──────────────────────────────────────────────────────────────────

PEAK = """
import re, sys
from hepae.cli.main import main
try: main(sys.argv[1:])
finally: print("PEAK", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


def peak(*arguments) -> tuple[int, str]:
    "Peak MB of a command in a process of its own, and what else it says."
    done = subprocess.run([sys.executable, "-c", PEAK, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
    said, kb = done.stderr.split("PEAK ")
    return int(kb) >> 10, said.strip()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_a_tree_is_written_in_flat_memory(tmp_path):
    "Zeros take few bytes and many chunks: twice as many rows take no more memory, as chunks are not joined."
    peaks = []
    for rows in (2**21, 2**22):
        (tmp_path / "z.hepae").write_bytes(compress_table(pd.DataFrame(np.zeros((rows, 2)), columns=["a", "b"])))
        peaks.append(peak("decompress", tmp_path / "z.hepae", "-o", tmp_path / "z.root", "--force")[0])
        with uproot.open(tmp_path / "z.root") as file:
            assert file["Events"].num_entries == rows
    assert max(peaks) < 400 and peaks[1] < peaks[0] + 20


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_a_packed_pickle_is_refused_before_it_takes_memory(tmp_path):
    import gzip
    import struct

    with gzip.open(tmp_path / "bomb.pkl.gz", "wb", 6) as f:
        f.write(b"\x80\x04\x8e" + struct.pack("<Q", 600 << 20))
        for _ in range(600):
            f.write(bytes(1 << 20))
    mb, said = peak("inspect", tmp_path / "bomb.pkl.gz")
    one_sentence(said, "hepae: ", "unpack it")
    assert mb < 300
