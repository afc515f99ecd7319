"""A `.hepae` file is the same bytes, and gives the same numbers, whatever the machine: threads, instruction sets,
hash seeds."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
TASK = """
import json, sys
from numpy._core._multiarray_umath import __cpu_features__
sys.path.insert(0, sys.argv[1])
from test_codec_machines import compressed, values
compressed(sys.argv[2])
features = [f for f, on in __cpu_features__.items() if on]
print(json.dumps({"values": [values(folder) for folder in sys.argv[2:]], "features": features}))
"""


def tables() -> dict:
    "Tables, and how each is compressed: all kinds of bounds, four and 27 columns, ordered and not, with networks."
    from codec_damage import jets, mixed, momenta, with_odd_values

    from hepae.schema import infer_schema, with_schema

    rng = np.random.default_rng(11)
    four = jets(rng, 1000)
    flat = with_schema(four.reset_index(drop=True), infer_schema(four))
    tight = with_schema(
        flat, infer_schema(flat).with_bounds({"pt": "rel:1e-6", "m": "bits:9", "eta": "abs:1e-5", "phi": "exact"})
    )
    return {
        "four": (four, {}),
        "events": (four, {"unordered": "events"}),
        "table": (flat, {"unordered": "table"}),
        "tight": (tight, {"rows": 900}),
        "27": (with_odd_values(rng, jets(rng, 250, "27D")), {}),
        "double": (jets(rng, 1000, "E4D", "float64"), {}),
        "mixed": (mixed(rng, 1000), {}),
        "momenta": (momenta(800), {"rows": 300}),
    }


def compressed(folder: str) -> None:
    "Write a `.hepae` file of each table, and those with networks, into a folder."
    from codec_damage import with_models

    from hepae.codec.tables import compress

    made = tables()
    files = {name: compress(table, "schema", **choice) for name, (table, choice) in made.items()}
    files |= with_models(np.random.default_rng(3), made["table"][0][:500])
    for name, data in files.items():
        (Path(folder) / f"{name}.hepae").write_bytes(data)


def values(folder: str) -> dict[str, list[str]]:
    "SHA-256 of each file, and of the values and index in it."
    from hepae.codec.tables import decompress

    found = {}
    for path in sorted(Path(folder).glob("*.hepae")):
        data = path.read_bytes()
        table = decompress(data)
        content = (
            b"".join(np.ascontiguousarray(table[c].to_numpy()).tobytes() for c in table)
            + np.asarray(table.index.to_frame(), np.int64).tobytes()
        )
        found[path.stem] = [hashlib.sha256(x).hexdigest() for x in (data, content)]
    return found


def child(*folders: Path, **settings) -> dict:
    "Encode into the first folder, then decode what is in each, in a process with these settings."
    environment = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("OMP_", "OPENBLAS_", "MKL_", "NPY_", "ATEN_", "PYTHONHASHSEED"))
    } | settings
    done = subprocess.run(
        [sys.executable, "-c", TASK, str(HERE), *map(str, folders)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def optional_features() -> list[str]:
    "Instruction sets of this machine that NumPy can be told not to use."
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [f for f in __cpu_dispatch__ if __cpu_features__.get(f)]


PLAIN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}
OTHERS = {
    "threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "PYTHONHASHSEED": "77"},
    "no vectors": {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": " ".join(optional_features()),
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "PYTHONHASHSEED": "0",
    },
    "old BLAS": {
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(f for f in optional_features() if "512" in f),
        "PYTHONHASHSEED": "random",
    },
}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    "Files written by a plain process, and what it read in them."
    folder = tmp_path_factory.mktemp("plain")
    return folder, child(folder, **PLAIN)


@pytest.mark.parametrize("name", OTHERS)
def test_same_bytes_same_values(here, tmp_path, name):
    folder, plain = here
    (values,) = plain["values"]
    assert set(values) == {*tables(), "learned", "latents"}
    there = child(tmp_path, folder, **OTHERS[name])
    assert there["values"][1] == values, "decoded elsewhere, values differ"
    assert there["values"][0] == values, "encoded elsewhere, bytes differ"
    if name == "no vectors":  # they are really gone, else this would show nothing
        assert not set(there["features"]) & set(optional_features()) and set(plain["features"]) >= set(
            optional_features()
        )


def test_within_bounds(here):
    "What those processes decode is the tables, within their bounds."
    from hepae.codec.tables import decompress
    from hepae.metrics import bound_violations

    for name, (table, choice) in tables().items():
        back = decompress((here[0] / f"{name}.hepae").read_bytes())
        if not choice.get("unordered"):
            assert bound_violations(table, back).sum() == 0
        assert len(back) == len(table)
