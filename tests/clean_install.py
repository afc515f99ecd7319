"""Sources → source distribution → wheel → clean environment → main job, as someone who has only pip.

python tests/clean_install.py [--extras train] [--json]

Prints seconds and megabytes of the install, and how long `import hepae` and `hepae --help` take. Nothing is asserted
about time; a step that fails ends the script.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "HEPAE_TESTDATA")}


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    "What a command prints; the script ends if it ends otherwise than expected."
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=EMPTY, capture_output=True, text=True)
    if done.returncode != code:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def environment(folder: Path) -> Path:
    "The folder of programs of a new environment."
    venv.create(folder, with_pip=True)
    return folder / "bin"


def megabytes(folder: Path) -> float:
    "What its files take."
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def seconds(*command: str | Path, cwd: Path) -> float:
    "The least wall time of five runs."
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run(*command, cwd=cwd)
        times.append(time.perf_counter() - start)
    return min(times)


def built(work: Path) -> tuple[Path, Path]:
    "The source distribution of what is committed, and the wheel made from it alone."
    run("git", "clone", "--quiet", ROOT, work / "source", cwd=work)
    bin = environment(work / "build")
    run(bin / "pip", "install", "--quiet", "build", cwd=work)
    run(bin / "python", "-m", "build", "--sdist", "--outdir", work, work / "source", cwd=work)
    (sdist,) = work.glob("*.tar.gz")
    run(bin / "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", work, sdist, cwd=work)
    (wheel,) = work.glob("*.whl")
    return sdist, wheel


def main_job(bin: Path, work: Path) -> None:
    "The published samples through every command of the small core."
    hepae = bin / "hepae"
    for name in ("jets.root", "drell_yan.hepmc.gz", "AE_3D_200"):
        run(hepae, "sample", "--example", name, "-o", name, cwd=work)
    run(hepae, "inspect", "AE_3D_200", cwd=work)
    for original, back in (("jets.root", "back.root"), ("drell_yan.hepmc.gz", "back.hepmc.gz")):
        run(hepae, "inspect", original, cwd=work)
        for bound in ([], ["--bound", "1e-3"]):
            run(hepae, "compress", original, "-o", "small.hepae", "--force", *bound, cwd=work)
            run(hepae, "verify", original, "small.hepae", cwd=work)
            run(hepae, "inspect", "small.hepae", cwd=work)
            run(hepae, "decompress", "small.hepae", "-o", back, "--force", cwd=work)
    run(hepae, "extract", "jets.root", "-o", "jets.parquet", cwd=work)
    code = "import hepae; print(len(hepae.decompress(hepae.compress('jets.parquet', bound=1e-3))))"
    assert run(bin / "python", "-c", code, cwd=work).strip() == "79296"


def absent(bin: Path, work: Path, extra: str) -> None:
    "A command that needs what a small install has not names the extra."
    said = run(bin / "hepae", "train", "jets.parquet", "-o", "model", cwd=work, code=1)
    assert f"pip install 'hepae[{extra}]'" in said, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extras", default="", help="as train or train,sample; none: the small core")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as d:
        work = Path(d)
        sdist, wheel = built(work)
        bin = environment(work / "clean")
        before, start = megabytes(work / "clean"), time.perf_counter()
        what = f"{wheel}[{asked.extras}]" if asked.extras else wheel
        run(bin / "pip", "install", "--quiet", "--no-cache-dir", what, cwd=work)
        facts = {"sdist": sdist.name, "wheel": wheel.name, "python": sys.version.split()[0],
                 "install_seconds": time.perf_counter() - start,
                 "installed_megabytes": megabytes(work / "clean") - before}
        main_job(bin, work)
        if "train" not in asked.extras and asked.extras != "all":
            absent(bin, work, "train")
        facts["import_seconds"] = seconds(bin / "python", "-c", "import hepae", cwd=work)
        facts["nothing_seconds"] = seconds(bin / "python", "-c", "pass", cwd=work)
        facts["help_seconds"] = seconds(bin / "hepae", "--help", cwd=work)
    texts = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in facts.items()}
    print(json.dumps(facts) if asked.json else "\n".join(f"{name}: {text}" for name, text in texts.items()))


if __name__ == "__main__":
    main()
