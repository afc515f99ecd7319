"27D/27D_analysis.py as a user runs it: on few jets and small networks."

import runpy
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import in_this_process

from hepae.files.reading import read, write
from hepae.learning.learner import train

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "27D/27D_analysis.py"
main = runpy.run_path(str(SCRIPT))["main"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    "A folder with a table of 2,000 jets and two networks trained on it."
    folder = tmp_path_factory.mktemp("analysis")
    jets = read(ROOT / "data/jets.root", "E4D")[:2000]
    write(jets, folder / "jets.parquet")
    for latent in (2, 3):
        train(jets, folder / f"z{latent}", "AE_3D_50", latent=latent, epochs=2, lr=1e-3, progress=False)
    return folder


def analyse(place: Path, *arguments: str) -> subprocess.CompletedProcess:
    "The script's command."
    return in_this_process(main, arguments, place)


def test_report_and_numbers(place):
    done = analyse(place, "jets.parquet", "z2", "z3", "-o", "report", "--batch", "500")
    assert done.returncode == 0, done.stderr
    page = (place / "report/report.html").read_text()
    for words in ("test rows", "Residuals against latent size", "Dijet mass", "At equal bytes", "Cost"):
        assert words in page, words
    tables = {p.stem: pd.read_csv(p) for p in (place / "report").glob("*.csv")}
    assert sorted(tables) == ["baselines", "cost", "dijet_mass", "equal_bytes", "memory", "residuals"]
    assert tables["residuals"].groupby("model")["variable"].count().to_dict() == {"z2": 4, "z3": 4}
    assert tables["dijet_mass"]["table"].tolist() == ["input", "z2", "z3"]
    ways = set(tables["equal_bytes"]["way"])
    assert {"z2, float32", "z3, float16", "truncation", "hepae"} <= ways
    assert tables["memory"].groupby("model")["rows"].max().to_dict() == {"z2": 2000, "z3": 2000}
    assert (tables["cost"]["min [µs]"] > 0).all()


def test_parts_can_be_left_out(place):
    done = analyse(place, "jets.parquet", "z3", "-o", "short", "--no-equal-bytes", "--no-cost")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (place / "short").iterdir()) == [
        "baselines.csv", "dijet_mass.csv", "report.html", "residuals.csv"]
    assert "Residuals against latent size" not in (place / "short/report.html").read_text()


@pytest.mark.parametrize(
    "arguments, words, code",
    [
        (("none.parquet", "z3", "-o", "r"), "none.parquet: no such file", 1),
        (("jets.parquet", "z9", "-o", "r"), "z9", 1),
        (("jets.parquet", "-o", "r"), "MODELS", 2),
    ],
)
def test_errors_are_one_sentence(place, arguments, words, code):
    done = analyse(place, *arguments)
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr
    assert not (place / "r").exists()


def test_help(place):
    done = analyse(place, "--help")
    assert done.returncode == 0 and "TABLE" in done.stdout and "--equal-bytes" in done.stdout
