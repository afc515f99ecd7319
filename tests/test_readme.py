"""What the README tells a stranger to type works as it stands there."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def workplace(tmp_path):
    "An empty folder with a file of one's own, and the repository's data beside it."
    shutil.copy(ROOT / "data" / "jets.root", tmp_path / "my.root")
    for name in ("data", "4D"): (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def commands() -> list[str]:
    "The hepae commands of the README's blocks about one's own file."
    lines = "\n".join(text for _, text in BLOCKS if "my.root" in text).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("hepae")]


def test_commands(workplace):
    "Every line runs, in order; the training is cut to one epoch."
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for line in commands():
        done = subprocess.run(line.replace("--epochs 100", "--epochs 1 --lr 1e-3").replace("--recipe density", "--recipe density --epochs 0").split(), cwd=workplace, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert len(commands()) == 9
    assert {"my.hepae", "back.root", "report.html", "seen.root", "jets.pkl", "model", "density"} <= {p.name for p in workplace.iterdir()}


def test_events(workplace):
    "The block about Monte Carlo events runs, in order, on the committed sample; the training is cut to one epoch."
    shutil.copy(ROOT / "data" / "drell_yan.hepmc.gz", workplace / "dy.hepmc.gz")
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = [line.split("#")[0].strip() for _, text in BLOCKS if "dy.hepmc.gz" in text for line in text.splitlines()]
    for line in lines:
        done = subprocess.run((line + " --epochs 1 --lr 1e-3" * line.startswith("hepae train")).split(), cwd=workplace, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert len(lines) == 6
    lossless, packed = (workplace / "dy.hepae").stat().st_size, (workplace / "dy.hepmc.gz").stat().st_size
    assert lossless < packed / 8


def test_python(workplace):
    "The Python block runs and leaves a ROOT file."
    code = next(text for language, text in BLOCKS if language == "python")
    done = subprocess.run([sys.executable, "-c", code], cwd=workplace, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (workplace / "back.root").stat().st_size > 100_000


def test_table_of_commands():
    "The README lists the commands there are, and no others."
    from hepae.cli import cli
    listed = re.findall(r"^\| `hepae (\w+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(cli.commands)


def test_number_of_jets():
    "The number of jets that the README quotes is that of the sample."
    from hepae.io.files import describe
    rows = describe(ROOT / "data" / "jets.root")["containers"][0]["rows"]
    assert f"{rows:,} PYTHIA jets" in README


def test_links():
    "Files and folders that the README names exist."
    for name in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`((?:nbs|docker|4D|27D|hepmc|data)/[\w./-]*)`", README): assert (ROOT / name).exists(), name
