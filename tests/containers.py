"""Run the steps of a Dockerfile in a root of Debian's packages, as far as they go without an engine.

    python tests/containers.py Dockerfile [docker/root.Dockerfile] [--bind FOLDER …]

Needs root and `debootstrap`. What an image has beyond a bare Debian is stood in for by Debian's packages: of
`python:3.11-slim` CPython 3.11 with pip, of `rootproject/root` CPython alone, so what needs ROOT is not tried. Then
RUN, COPY, ENV, ARG, WORKDIR and USER are done as they stand, in order, in a chroot, and at last the main job (`hepae
compress` and `verify`) as the image's user; the program of CMD is asked for its version. `--bind` shows folders of
this machine inside, such as one with wheels; settings of pip (PIP_…, pip.conf) and certificates are taken along.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = "bookworm"
BASES = {  # what stands in for an image
    "python:3.11": "python3,python3-pip,python3-dev,ca-certificates",
    "rootproject/root": "python3,ca-certificates",
}
SETTINGS = ["/etc/pip.conf", "/etc/xdg/pip", "/etc/resolv.conf", "/etc/ssl/certs", "/usr/share/ca-certificates",
            "/usr/local/share/ca-certificates"]


def steps(text: str) -> list[tuple[str, str]]:
    "The instructions of a Dockerfile: word and the rest, lines that go on joined."
    lines = re.sub(r"\\\n", " ", "\n".join(x for x in text.splitlines() if not x.lstrip().startswith("#"))).splitlines()
    return [tuple(line.strip().split(None, 1)) for line in lines if line.strip()]


class Container:
    "A root of Debian's packages in which commands run."

    def __init__(self, folder: Path, binds: list[str]):
        self.folder, self.binds = folder, binds
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                    "DEBIAN_FRONTEND": "noninteractive", "PIP_BREAK_SYSTEM_PACKAGES": "1"}
        self.env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        self.at, self.user = "/", "root"

    def make(self, packages: str) -> None:
        "A bare Debian with these packages."
        command = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(self.folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        own = Path.home() / ".config" / "pip"
        places = {path: path for path in SETTINGS} | {str(own): f"{self.env['HOME']}/.config/pip"}
        for path in filter(os.path.exists, places):
            place = self.folder / places[path].lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", "--remove-destination", "-T", path, str(place)], check=True)
        if not (python := self.folder / "usr/bin/python").exists(): python.symlink_to("python3")

    def __enter__(self):
        for path in ["/proc", "/dev", *self.binds]:
            (self.folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", path, str(self.folder / path.lstrip("/"))], check=True)
        return self

    def __exit__(self, *exception):
        for path in [*self.binds, "/dev", "/proc"]:
            subprocess.run(["umount", "--lazy", str(self.folder / path.lstrip("/"))], check=False)

    def run(self, command: str) -> None:
        "A command of a shell as the user, in the folder; what it says is shown if it fails."
        inside = f"cd {shlex.quote(self.at)} && {command}"
        if self.user != "root": inside = f"su {self.user} -s /bin/sh -c {shlex.quote(inside)} --preserve-environment"
        env = self.env | ({"HOME": f"/home/{self.user}"} if self.user != "root" else {})
        done = subprocess.run(["chroot", str(self.folder), "/bin/sh", "-c", inside], env=env, text=True,
                              capture_output=True)
        if done.returncode: sys.exit(f"FAILED: {command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")

    def do(self, word: str, rest: str) -> None:
        "One instruction."
        if word == "RUN": self.run(rest)
        elif word == "COPY": self.copy(*rest.split())
        elif word in ("ENV", "ARG"): self.set(rest)
        elif word == "WORKDIR":
            self.at = rest
            (self.folder / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER": self.user = rest
        elif word not in ("EXPOSE", "CMD", "FROM"): sys.exit(f"{word}: an instruction that nobody foresaw")

    def copy(self, *names: str) -> None:
        "Files of the repository; folders give what is in them, as Docker has it."
        *sources, place = names
        to = self.folder / os.path.join(self.at, place).lstrip("/")
        for name in sources:
            if (ROOT / name).is_dir(): shutil.copytree(ROOT / name, to, dirs_exist_ok=True)
            else: shutil.copy(ROOT / name, to if place.endswith("/") or to.is_dir() else to)

    def set(self, text: str) -> None:
        "NAME=value, in which $NAME stands for what it is."
        name, _, value = text.partition("=")
        value = re.sub(r"\$\{?(\w+)\}?", lambda m: self.env.get(m[1], ""), value.strip('"'))
        self.env[name] = value


def main_job(container: Container, command: list[str]) -> None:
    "A file is compressed and verified by the image's user, and what the image starts is there."
    sample = container.folder / container.at.lstrip("/") / "jets.root"
    shutil.copy(ROOT / "data" / "jets.root", sample)
    number = user_id(container)
    for path in (sample, sample.parent): os.chown(path, number, number)
    container.run("hepae compress jets.root -o jets.hepae --bound 1e-3 && hepae verify jets.root jets.hepae")
    container.run(shlex.join([*command[:2], "--version"] if command[0] == "jupyter" else [command[0], "--version"]))


def user_id(container: Container) -> int:
    "The number of the container's user."
    lines = (container.folder / "etc/passwd").read_text().splitlines()
    return next(int(x.split(":")[2]) for x in lines if x.startswith(f"{container.user}:"))


def tried(path: Path, binds: list[str], folder: Path) -> None:
    "All steps of a Dockerfile."
    found = steps(path.read_text())
    image = next(rest for word, rest in found if word == "FROM")
    packages = next((p for base, p in BASES.items() if image.startswith(base)), None)
    if packages is None: sys.exit(f"{path}: nothing stands in for {image}; add it to BASES")
    start = time.time()
    container = Container(folder, binds)
    container.make(packages)
    print(f"{path}: {SUITE} with {packages} in the place of {image}, {time.time() - start:.0f} s", flush=True)
    with container:
        for word, rest in found:
            start = time.time()
            container.do(word, rest)
            print(f"  {word} {rest[:90]}, {time.time() - start:.0f} s", flush=True)
        main_job(container, json.loads(dict(found)["CMD"]))
    print(f"{path}: every step done; hepae compress and verify work as {container.user}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dockerfiles", nargs="+", type=Path)
    parser.add_argument("--bind", nargs="*", default=[])
    asked = parser.parse_args()
    for path in asked.dockerfiles:
        with tempfile.TemporaryDirectory() as folder: tried(path, asked.bind, Path(folder) / "root")
