"""The tutorials of docs/ show what their commands say: run them, and write it under them.

    python tests/tutorials.py docs/tutorials/root.md …     # after a change of what commands say

A block `console` has commands after `$`, a block `pycon` Python after `>>>`; everything else in it is what they gave.
Of a block with `.varies` only the words count, not the figures, which depend on the machine.
"""

import ast
import re
import shlex
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^(```[^\n]*\b(console|pycon)\b([^\n]*)\n)(.*?)(^```$)", re.M | re.S)


def filled(text: str, folder: Path) -> str:
    "A tutorial with what its blocks say when they run in this folder, one after the other."
    names = {}

    def run(match):
        start, kind, _, inside, end = match.groups()
        said = shell(inside, folder) if kind == "console" else python(inside, names)
        return start + said + end

    return BLOCK.sub(run, text)


def shell(block: str, folder: Path) -> str:
    "The commands of a block, each with its output."
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{output(line[2:], folder)}" for line in commands)


def output(line: str, folder: Path) -> str:
    "What a command says; of a pipe into head or tail, these lines of its standard output."
    from conftest import hepae

    command, _, pipe = line.split(" # ")[0].partition(" | ")
    program, *arguments = shlex.split(command)
    assert program == "hepae", line
    done = hepae(*arguments, cwd=folder)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    if not pipe: return tidy(done.stdout + done.stderr)
    part, lines = re.fullmatch(r"(head|tail) -(\d+)", pipe).groups()
    kept = done.stdout.splitlines()
    return tidy("\n".join(kept[:int(lines)] if part == "head" else kept[-int(lines):]))


def tidy(text: str) -> str:
    "Lines without blanks at their ends, and without empty ones at the end."
    text = "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")
    return text + "\n" if text else ""


def python(block: str, names: dict) -> str:
    "The statements of a block, each with the value that a Python prompt would show."
    told = []
    for line in [line[4:] for line in block.splitlines() if line.startswith(">>> ")]:
        with redirect_stdout(shown := StringIO()):
            for node in ast.parse(line).body: exec(compile(ast.Interactive([node]), line, "single"), names)
        told.append(f">>> {line}\n{tidy(shown.getvalue())}")
    return "".join(told)


FIGURES = re.compile(r"[-−(]?\d[\d.,e×⁻⁰¹²³⁴⁵⁶⁷⁸⁹+-]*\)?|[–-]{2,}")


def comparable(text: str) -> str:
    "A tutorial without the figures of blocks that vary, nor the room that they take."
    def plain(match):
        start, _, more, inside, end = match.groups()
        return start + (re.sub(r"\s+", " ", FIGURES.sub(" ", inside)) if "varies" in more else inside) + end
    return BLOCK.sub(plain, text)


def workplace(folder: Path) -> Path:
    "A folder with the samples and the committed network, as if one stood in the repository."
    for name in ("data", "4D"): (folder / name).symlink_to(ROOT / name)
    return folder


if __name__ == "__main__":
    import os
    import tempfile

    for path in map(Path, sys.argv[1:]):
        path = path.resolve()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(workplace(Path(folder)))
            path.write_text(filled(path.read_text(), Path(folder)))
            os.chdir(ROOT)
