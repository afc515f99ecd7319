"""What the README tells a stranger to type works as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import first_jets, hepae

from hepae.files.reading import read, write

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    "The first 1,500 events of the sample: a file like it, which takes less time."
    path = tmp_path_factory.mktemp("few") / "my.root"
    write(first_jets(1500), path)
    return path


@pytest.fixture
def workplace(few, tmp_path):
    "A folder with a file of one's own, the sample in `data`, and the network beside it."
    (tmp_path / "data").mkdir()
    for name in ("my.root", "data/jets.root"):
        shutil.copy(few, tmp_path / name)
    (tmp_path / "4D").symlink_to(ROOT / "4D")
    return tmp_path


def runs(line: str, workplace: Path) -> None:
    "The command returns 0; in this process, because imports cost seconds (`test_cli` has processes)."
    program, *arguments = shlex.split(line)
    assert program == "hepae"
    done = hepae(*arguments, cwd=workplace)
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def commands() -> list[str]:
    "The hepae commands of the README's blocks about one's own file."
    lines = "\n".join(text for _, text in BLOCKS if "my.root" in text).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("hepae")]


def test_commands(workplace):
    "Every line runs, in order; the training is cut to one epoch."
    for line in commands():
        runs(
            line.replace("--epochs 100", "--epochs 1 --lr 1e-3").replace(
                "--recipe density", "--recipe density --epochs 1"
            ),
            workplace,
        )
    assert len(commands()) == 10
    assert {"my.hepae", "jets.hepae", "back.root", "report.html", "seen.root", "jets.pkl", "model", "density"} <= {
        p.name for p in workplace.iterdir()
    }


def test_events(workplace):
    "The block about Monte Carlo events runs, in order, on the committed sample; the training is cut to one epoch."
    shutil.copy(ROOT / "data" / "drell_yan.hepmc.gz", workplace / "dy.hepmc.gz")
    lines = [line.split("#")[0].strip() for _, text in BLOCKS if "dy.hepmc.gz" in text for line in text.splitlines()]
    for line in lines:
        runs(line + " --epochs 1 --lr 1e-3" * line.startswith("hepae train"), workplace)
    assert len(lines) == 13
    whole, small, less, few, packed = ((workplace / n).stat().st_size for n in (
        "dy.hepae", "small.hepae", "less.hepae", "few.hepae", "dy.hepmc.gz"))
    assert whole < packed * 0.65 and small < packed / 12 and less < packed / 4 and few < packed / 8


def test_python(workplace, monkeypatch):
    "The Python block runs and leaves a ROOT file."
    monkeypatch.chdir(workplace)
    code = next(text for language, text in BLOCKS if language == "python")
    exec(compile(code, "README.md", "exec"), {})
    assert len(read("back.root", "E4D")) == len(read("my.root", "E4D")) > 1000


def test_table_of_commands():
    "The README lists the commands there are, and no others."
    from hepae.cli.main import cli

    listed = re.findall(r"^\| `hepae (\w+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(cli.commands)


def test_number_of_jets():
    "The number of jets that the README quotes is that of the sample."
    from hepae.files.description import describe

    rows = describe(ROOT / "data" / "jets.root")["containers"][0]["rows"]
    assert f"{rows:,} PYTHIA jets" in README


def test_links():
    "Files and folders that the README names exist."
    for name in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(
        r"`((?:nbs|docker|4D|27D|hepmc|data)/[\w./-]*)`", README
    ):
        assert (ROOT / name).exists(), name
