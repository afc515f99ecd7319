"""Lossless (`exact`) sizes of real columns: hepae beside xz, zstd and pcodec.

    python tests/benchmarks/lossless.py [FILE …] [--least 100]

Jets of the files in HEPAE_TESTDATA (ATLAS: full float32 mantissas; CMS NanoAOD: mantissas that were cut) and of
data/jets.root. A line is a container; xz and zstd see each column's bytes by themselves, as all rivals do.
A `.hepae` file has a header with names, units, bounds and digests, which rivals lack: that is what is seen where
there are few jets. Containers with fewer than --least are left out, and those without (m, pt, phi, eta).
"""

import argparse
import os
from pathlib import Path

import pandas as pd

from hepae.bench.race import bench
from hepae.core import HepaeError
from hepae.files.description import describe
from hepae.files.reading import read

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("HEPAE_TESTDATA") or ROOT.parent / "shared" / "data")
BESIDE = ["density", "xz", "zstd", "pcodec"]


def containers(path: Path) -> list[str]:
    "Names of the containers of jets in a file; none if it has none."
    try:
        return list(dict.fromkeys(c["container"] for c in describe(path).get("containers", [])))
    except HepaeError:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="*", type=Path, default=[ROOT / "data" / "jets.root", *sorted(DATA.glob("root/*.root"))]
    )
    parser.add_argument("--least", type=int, default=100)
    args, lines = parser.parse_args(), []
    if not DATA.is_dir():
        print("skipped: real files, no folder of them in HEPAE_TESTDATA")
    for path in args.files:
        for container in containers(path):
            try:
                table = read(path, "4D", container=container)
            except HepaeError:
                continue
            if len(table) < args.least:
                continue
            found = bench(table, BESIDE, ["exact"], estimate=False).set_index("codec")
            if not found["lossless"].fillna(False).all():
                print(f"{path.name}, {container}: {found['note'].to_dict()}")
                continue
            rivals = found["bytes"].drop("density")
            lines.append(
                {
                    "file": path.name,
                    "container": container,
                    "jets": len(table),
                    **found["bytes"],
                    "hepae / best": found["bytes"]["density"] / rivals.min(),
                }
            )
    found = pd.DataFrame(lines)
    print(found.round(3).to_string(index=False))
    print(
        f"all together: {found[BESIDE].sum().to_dict()}; hepae is no larger than the best of the others in "
        f"{(found['hepae / best'] <= 1).sum()} of {len(found)}"
    )


if __name__ == "__main__":
    main()
