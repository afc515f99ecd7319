"""Files of odd kinds through compress, verify and decompress, as a stranger would try them.

Each input is drawn from a seed, written by pandas, Arrow or uproot, and read back by them, not by hepae: what is
exact comes back bit by bit with its dtype and index, what is rounded
within its bound as a plain difference. A refusal is one sentence before anything is written. `verify` has to see
one changed value of a copy of the original.

    python tests/benchmarks/odd_inputs.py --seed 3
"""

import argparse
import contextlib
import io
import json
import re
import sys
import tempfile
import traceback
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from hepae.cli.main import main as hepae

NAMES = [
    "pt",
    "charge",
    "a b",
    "a,b",
    "x=y",
    "η",
    "Jet[0]",
    "a/b",
    "long" * 80,
    "what?",
    "*",
    "0",
    "NaN",
    " x",
    "x ",
    'a"b',
    "index",
    "level_0",
    "row",
    "entry",
    "E",
    "m",
    "phi",
    "x.y",
    "nJet",
    "Ω=1,2",
    "-",
    "#a",
    "'",
    "a\nb",
    "True",
    "__index_level_0__",
]
BOUNDS = [
    None, None, "exact", "1e-3", "1e-2", "abs:1e-3", "abs:0.5", "rel:1e-3", "rel:1e-5", "bits:10", "bits:3",
    "abs:1e-30", "schema", "0.5", "*=abs:1e-2",
]
KINEMATIC = [
    ["px", "py", "pz", "E"], ["pt", "eta", "phi", "E"], ["pt", "eta", "phi"], ["pt", "eta", "phi", "m"],
    ["px", "py", "pz", "m"],
]


def floats(r, n):
    "Floats of all sorts: smooth, labels, angles, sentinels, huge and odd ones."
    turn = r.uniform(-np.pi, np.pi, n)
    edge = np.where(r.random(n) < 0.5, np.pi, -np.pi) * (1 - 10.0 ** r.uniform(-17, -3, n))
    smooth = r.exponential(50, n) + 20
    some = [
        smooth,
        r.normal(0, 2, n),
        turn,
        turn % (2 * np.pi),
        np.degrees(turn),
        edge,
        np.where(r.random(n) < 0.1, -999, turn),
        np.where(r.random(n) < 0.1, np.nan, smooth),
        r.choice([-1.0, 1, 0], n),
        r.choice([1.0, 2, 4, 16, -999, 0.1], n),
        np.full(n, np.nan),
        np.full(n, 0.000511),
        10.0 ** r.uniform(-300, 300, n),
        r.integers(0, 2**53, n).astype(float),
        r.choice([np.inf, -np.inf, np.nan, -0.0, 0.0, 5e-324, 1.7e308, 1.0], n),
        np.round(smooth, 1),
        np.arange(n) * 25.0,
        np.linspace(0, 1, n),
        1.7e9 + np.arange(n) * 0.1,
        -smooth,
    ]
    with np.errstate(all="ignore"):
        return some[r.integers(len(some))].astype(r.choice(["f8", "f4", "f4", "f2"], p=[0.5, 0.2, 0.2, 0.1]))


def integers(r, n):
    dtype = r.choice([f"{s}{b}" for s in "iu" for b in (1, 2, 4, 8)])
    return (
        r.integers((ends := np.iinfo(dtype)).min, ends.max, n, dtype, endpoint=True)
        if r.random() < 0.5
        else r.integers(0, 9, n).astype(dtype)
    )


def gaps(r, n):
    dtype = r.choice(["Int64", "UInt64", "Int8", "boolean", "Float64", "Float32"])
    x = pd.array(
        r.integers(0, 2, n)
        if dtype == "boolean"
        else r.integers(0, 100, n)
        + (2**53 if dtype == "Int64" else 2**63 + 5 if dtype == "UInt64" else 0) * (r.random() < 0.5)
        if dtype != "UInt64"
        else r.integers(2**63, 2**64, n, "u8"),
        dtype=dtype,
    )
    x[r.random(n) < 0.2] = pd.NA
    return x


def texts(r, n):
    some = [
        ["EB", "EE"], ["", "a", " b "], ["η", "日本", "a,b", 'c"d'], ["NA", "nan", "None", "null"], ["1", "2.0", "x"],
        ["a\nb", "tab\t"], ["2024-01-01", "2020-02-30"], ["True", "yes"],
    ]
    return pd.Series(r.choice(some[r.integers(len(some))], n), dtype=r.choice(["str", "object"])).array


def dates(r, n):
    return (
        pd.Series(np.datetime64("2024-01-01") + r.integers(0, 10**9, n).astype("m8[s]"))
        .dt.as_unit(r.choice(["s", "ms", "us", "ns"]))
        .array
    )


def categories(r, n):
    return pd.Categorical(r.choice(["b", "a", ""], n), categories=["b", "a", "", "never"], ordered=bool(r.integers(2)))


def flags(r, n):
    return r.integers(0, 2, n).astype(bool)


COLUMNS = [floats, floats, floats, floats, integers, integers, gaps, texts, dates, categories, flags]


def momenta(r, n):
    "Columns of momenta, some with units, charge and angles of all conventions."
    pt, eta, phi = r.exponential(40, n) + 1, r.normal(0, 2, n), r.uniform(-np.pi, np.pi, n)
    m = r.choice([0.000511, 0.10566, 5.0], n) if r.random() < 0.5 else r.exponential(3, n)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    way = r.integers(6)
    shown = [
        phi, phi % (2 * np.pi), np.degrees(phi), np.where(r.random(n) < 0.1, -999, phi),
        np.where(r.random(n) < 0.3, np.copysign(np.pi, phi), phi), np.where(r.random(n) < 0.05, np.nan, phi),
    ][way]
    have = dict(px=px, py=py, pz=pz, E=np.sqrt(px**2 + py**2 + pz**2 + m**2), pt=pt, eta=eta, phi=shown, m=m)
    scale, dtype = r.choice([1, 1000, 1e-6, 1e9]), r.choice(["f4", "f8"])
    return {
        k: (have[k] * (scale if k in ("px", "py", "pz", "E", "pt", "m") else 1)).astype(dtype)
        for k in KINEMATIC[r.integers(len(KINEMATIC))]
    }


def index(r, n):
    "An index of any dtype, levels and names."
    name = lambda: r.choice(np.array(["id", None, "", "run", "a,b", "event"], object))
    kinds = [
        lambda: r.permutation(n) * 10, lambda: r.integers(0, 3, n), lambda: texts(r, n), lambda: r.normal(size=n),
        lambda: dates(r, n), lambda: integers(r, n), lambda: np.arange(n)[::-1], lambda: categories(r, n),
    ]
    one = lambda: pd.Index(kinds[r.integers(len(kinds))](), name=name())
    if r.random() < 0.2:
        return (
            pd.RangeIndex(int(r.integers(-5, 9)), 0, 1, name=name())[:0]
            if not n
            else pd.RangeIndex(5, 5 + 3 * n, 3, name=name())
        )
    if r.random() < 0.5:
        return one()
    if r.random() < 0.3:
        entry = np.sort(r.integers(0, n + 1, n))
        return pd.MultiIndex.from_arrays(
            [entry, pd.Series(entry).groupby(entry).cumcount().to_numpy()] if n else [np.zeros(0, int)] * 2,
            names=["entry", "subentry"],
        )
    return pd.MultiIndex.from_arrays([one() for _ in range(r.integers(2, 4))], names=None)


def table(r, n):
    "A table of momenta, of odd columns, or of both."
    made = momenta(r, n) if r.random() < 0.4 else {}
    for name in r.choice(NAMES, r.integers(0 if made else 1, 5), replace=False):
        made.setdefault(str(name), COLUMNS[r.integers(len(COLUMNS))](r, n))
    t = pd.DataFrame(made)
    if r.random() < 0.4:
        t.index = index(r, n)
    return t


def write(t, path, r):
    "The table by pandas; parquet in several row groups."
    if path.suffix == ".pkl":
        t.to_pickle(path)
    elif path.suffix == ".parquet":
        t.to_parquet(path, row_group_size=int(r.choice([2, 100, 10**6])))
    else:
        t.to_csv(path, index=not (isinstance(t.index, pd.RangeIndex) and t.index.equals(pd.RangeIndex(len(t)))))


def write_root(r, n, path):
    "A TTree or an RNTuple with momenta and more, flat or jagged."
    cols, prefix = momenta(r, n), str(r.choice(["Jet_", "jet_", "", "AnalysisElectronsAuxDyn.", "el_"]))
    more = (
        {"charge": r.choice([-1, 1], n).astype("f4"), "nTrk": r.integers(0, 9, n).astype("i4")}
        if r.random() < 0.4
        else {}
    )
    # a field has no dots
    data, ntuple = {prefix + k: v for k, v in (cols | more).items()}, r.random() < 0.4 and "." not in prefix
    if r.random() < 0.5:
        counts = r.multinomial(n, np.ones(max(n // 3, 1)) / max(n // 3, 1))
        data = {k: ak.unflatten(v, counts) for k, v in data.items()}
    with uproot.recreate(path) as f:
        if ntuple:
            f.mkrntuple("events", data)
        elif r.random() < 0.5 and prefix.endswith("_") and isinstance(next(iter(data.values())), ak.Array):
            f["events"] = {prefix[:-1]: ak.zip({k[len(prefix) :]: v for k, v in data.items()})}
        else:
            f.mktree(
                "events", {k: v.type.content if isinstance(v, ak.Array) else v.dtype for k, v in data.items()}
            ).extend(data)
    return prefix


def plain(path):
    "Columns and index of a file as {name: (dtype, values)}, read without hepae."
    if path.suffix == ".root":
        with uproot.open(path) as f:
            arrays = {k.replace(".", ":"): a for k in f["events"].keys() if (a := f["events"][k].array()).fields == []}
        flat = {k: (str(x.dtype), x) for k, a in arrays.items() for x in [ak.to_numpy(ak.flatten(a, axis=None))]}
        return flat | {f"counts of {k}": ("int", ak.to_numpy(ak.num(a))) for k, a in arrays.items() if a.ndim > 1}
    if path.suffix == ".csv":
        return {k: ("csv", x.to_numpy(object)) for k, x in pd.read_csv(path, dtype=str, keep_default_na=False).items()}
    t = pd.read_pickle(path) if path.suffix == ".pkl" else pd.read_parquet(path)
    levels = {f"index {k}": t.index.get_level_values(k) for k in range(t.index.nlevels)}
    if path.suffix == ".parquet":
        a = pq.read_table(path)
        t = {k: a[k] for k in a.column_names if k in t.columns}
        cols = {
            k: (
                str(x.type).replace("large_", "").replace("int8,", "int32,"),
                x.to_numpy()
                if x.type in (pa.float16(), pa.float32(), pa.float64()) and not x.null_count
                else np.array(x.to_pylist() + [None], object)[:-1],
            )
            for k, x in t.items()
        }
    else:
        cols = {
            k if isinstance(k, str) else repr(k): (
                str(t[k].dtype),
                t[k].to_numpy() if isinstance(t[k].dtype, np.dtype) else t[k].to_numpy(object),
            )
            for k in t
        }
    return (
        cols
        | {k: (str(x.dtype), x.to_numpy(object)) for k, x in levels.items()}
        | {"index names": ("", np.array([repr(x.name) for x in levels.values()], object))}
    )


def limit(x, bound):
    "The largest |difference| allowed, as a long double."
    mode, _, size = bound.partition(":")
    return (
        np.full(len(x), np.longdouble(size))
        if mode == "abs"
        else np.abs(x.astype(np.longdouble))
        * (np.longdouble(size) if mode == "rel" else np.longdouble(2) ** -(int(size) + 1))
    )


def wrong(x, y, bound):
    "(n,) which values did not come back as promised."
    if x.dtype == object or y.dtype == object or x.dtype.kind != "f":
        if bound != "exact" and all(_number(v) for v in (*x, *y)):
            return wrong(*(np.array([float("nan" if v is pd.NA else v or "nan") for v in z]) for z in (x, y)), bound)
        return np.array([not _alike(a, b) for a, b in zip(x, y)], bool)
    same = (x.view(f"u{x.itemsize}") == y.view(f"u{x.itemsize}")) | (np.isnan(x) & np.isnan(y))
    if bound == "exact":
        return ~same
    with np.errstate(all="ignore"):
        often = np.isin(
            x, [v for v, c in zip(*np.unique(x, return_counts=True)) if c >= 0.1 * len(x) and len(x) >= 300]
        )
        near = (
            np.isfinite(x)
            & np.isfinite(y)
            & (np.abs(x.astype(np.longdouble) - y.astype(np.longdouble)) <= limit(x, bound))
        )
    return ~(same | (near & ~often & ((x != 0) | ~np.signbit(x))))


def _number(v):
    return v is pd.NA or v in ("", None) or bool(re.fullmatch(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf|nan)", str(v)))


def _alike(a, b):
    "Equal values of equal type; of text, also equal numbers."
    if type(a) is type(b) and (a is b or a == b or (a != a and b != b)):
        return repr(a) == repr(b) or a != a or not isinstance(a, float)
    if not (isinstance(a, str) and isinstance(b, str)):
        return pd.isna(a) is True and pd.isna(b) is True
    if {a, b} <= {"", "NA", "nan", "None", "null", "NaN"}:
        return True  # gaps of a column that has nothing else
    if a.lstrip("-").isdigit() and b.lstrip("-").isdigit():
        return int(a) == int(b)
    try:
        return (
            float(a) == float(b)
            and np.signbit(float(a)) == np.signbit(float(b))
            or (a != a.strip("na") and float(a) != float(a) and float(b) != float(b))
        )
    except ValueError:
        return False


def run(*arguments, given=b""):
    "Exit code, standard output (bytes) and standard error of a command."
    out, err, before = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(given)))  # as a process has it
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            hepae([str(a) for a in arguments])
    except SystemExit as e:
        code = e.code
    except Exception:
        code, _ = 99, err.write(traceback.format_exc())
    finally:
        sys.stdin = before
    return code, out.buffer.getvalue(), err.getvalue()


def refused(code, err, output):
    "What is wrong with a refusal; '' if it is a good one."
    lines = [x for x in err.strip().splitlines() if x.startswith("hepae:")]
    if "internal error" in err or "Traceback" in err or code not in (1, 2):
        return f"exit {code}: {err[-400:]}"
    if output.exists():
        return f"refused after {output.name} was written: {err}"
    return "" if lines and (len(lines) == 1 or "Usage" in err) else f"a refusal of {len(lines)} lines: {err}"


def in_order(x):
    "The values sorted: numbers by size, else by their text."
    if x.dtype.kind in "fiub":
        return x[np.lexsort((~np.signbit(x), x))] if x.dtype.kind == "f" else np.sort(x)
    key = (
        (lambda v: (v == "", float(v or 0), v))
        if len(x) and all(isinstance(v, str) and _number(v) for v in x)
        else lambda v: str(v)
    )
    return np.array(sorted(x, key=key) + [None], object)[:-1]


def compared(a, b, bounds, prefix, err, rows, free, numbered):
    "What did not come back."
    said = []
    for name, (kind, x) in a.items():
        if numbered and name.startswith(("index", "counts of", "n", "Unnamed", "entry", "subentry")):
            continue
        if name not in b:
            if name.rpartition("/")[2] not in err.replace(".", ":") and not name.startswith(("counts of", "n")):
                said.append(f"{name[:30]!r} is lost in silence")
            continue
        y, x = b[name][1], x if name == "index names" or rows is None else x[slice(*rows)]
        if kind != b[name][0]:
            said.append(f"{name[:30]!r} was {kind}, is {b[name][0]}")
        elif len(x) != len(y):
            said.append(f"{name[:30]!r} had {len(x)} values, has {len(y)}")
        else:
            if free and name != "index names":
                x, y = in_order(x), in_order(y)
            bad = np.flatnonzero(
                wrong(
                    x,
                    y,
                    bounds.get(name, bounds.get(re.split("[_:]", name)[-1] if prefix is not None else "", "exact")),
                )
            )
            if len(bad):
                said.append(
                    f"{name[:30]!r} {kind} {bounds.get(name, '')}: {len(bad)} of {len(x)} wrong, "
                    f"{x[bad[0]]!r} -> {y[bad[0]]!r}"
                )
    return said + [
        f"{name[:30]!r} is new"
        for name in b
        if name not in a and not name.startswith(("n", "counts of", *["index"] * numbered, *["Unnamed"] * bool(rows)))
    ]


def spoilt(t, r):
    "The table with one value changed; None if that is not simple."
    t, names = t.copy(), [c for c in t if isinstance(t[c].dtype, np.dtype) and t[c].dtype.kind in "fiu"]
    if not len(t) or not names:
        return None
    row, x = int(r.integers(len(t))), t[name := names[r.integers(len(names))]].to_numpy().copy()
    x[row] = (
        3
        if x.dtype.kind in "iu" and x[row] != 3
        else 0
        if x.dtype.kind in "iu"
        else 12345
        if not x[row] == 12345
        else 0
    )
    return t.assign(**{name: x})


def check(r, folder):
    "'' or what is wrong with one input, and whether it was refused."
    n, kind = (
        int(r.choice([0, 1, 2, 7, 300, 2000], p=[0.08, 0.08, 0.04, 0.2, 0.4, 0.2])),
        str(r.choice([".csv", ".parquet", ".pkl", ".root"])),
    )
    files, prefix, t = [folder / f"{r.choice(['in', 'a b', 'η[1]', 'x,y', 'q?'])}{kind}"], None, None
    if kind == ".root":
        prefix = write_root(r, n, files[0])
    else:
        write(t := table(r, n), files[0], r)
    bound, unordered, numbered = (
        BOUNDS[r.integers(len(BOUNDS))],
        str(r.choice(["", "", "", "events", "table"])),
        r.random() < 0.15,
    )
    options = (
        ["--bound", bound] * (bound is not None)
        + ["--unordered", unordered] * bool(unordered)
        + ["--no-index"] * numbered
    )
    label = f"{kind} {n} rows {' '.join(map(str, options))}" + (
        f" {[(c[:12], str(d)) for c, d in t.dtypes.items()]} index "
        f"{t.index.dtype if t.index.nlevels == 1 else t.index.dtypes.tolist()} {t.index.names}"
        if t is not None
        else f" {prefix}"
    )
    small, back, piped = folder / "x.hepae", folder / f"back{kind}", r.random() < 0.1 and kind != ".root"
    code, out, err = run("compress", *files, "-o", small, "--json", *options)
    if code:
        return (label + ": " + w if (w := refused(code, err, small)) else ""), err.strip()[-300:]
    bounds = dict(json.loads(out)["columns"])
    code, _, said = run("verify", *files, small, *["--no-index"] * numbered)
    if code:
        return f"{label}: verify says {said[-300:]}", ""
    rows = (1, 3) if n > 5 and not unordered and kind != ".root" and r.random() < 0.15 else None
    rows = None if piped else rows
    code, _, said = run(
        "decompress", "-" if piped else small, "-o", back, *["--rows", "1:3"] * bool(rows), given=small.read_bytes()
    )
    if code:
        return (f"{label}: " + w if (w := refused(code, said, back)) else ""), said.strip()[-300:]
    bad = compared(
        plain(files[0]), plain(back), bounds, prefix, err + said, rows, bool(unordered),
        numbered or unordered == "table",
    )
    if t is not None and (other := spoilt(t, r)) is not None:
        write(other, folder / f"other{kind}", r)
        code, _, said = run("verify", folder / f"other{kind}", small, *["--no-index"] * numbered)
        if code not in (1, 3) or "internal" in said:
            bad.append(f"verify of a changed copy: exit {code}, {said[-200:]}")
    return f"{label}: {'; '.join(bad)}" if bad else "", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refusals", action="store_true", help="print what was refused, too")
    args, failed, said_no = parser.parse_args(), [], 0
    for k in range(args.first, args.first + args.inputs):
        with tempfile.TemporaryDirectory() as folder:
            try:
                bad, refusal = check(np.random.default_rng([args.seed, k]), Path(folder))
            except Exception:
                bad, refusal = f"the check itself: {traceback.format_exc()[-600:]}", ""
        said_no += bool(refusal)
        if refusal and args.refusals:
            print(f"input {k} refused: {refusal}", flush=True)
        if bad:
            failed.append(bad) or print(f"input {k}: {bad}", flush=True)
    errors = [sum(word in b for b in failed) for word in ("Traceback", "internal error")]
    print(
        f"{args.inputs} inputs, {len(failed) - sum(errors)} wrong in silence, {errors[0]} tracebacks, "
        f"{errors[1]} internal errors; {said_no} refused"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
