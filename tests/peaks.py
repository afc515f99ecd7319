"""Peak memory of commands: each in a process of its own, forked from one that has imported `hepae` and done
nothing else."""

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60  # of processor time; a command that takes longer counts as one that does not end
ADDRESSES = 8 << 30  # bytes of address space: so much a command may ask for, whether it uses them or not
SERVER = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from peaks import serve; serve()"


@dataclass
class Weighed:
    "What a command took and said."

    code: int  # exit code; below 0: the signal that ended it
    peak: int  # MB, the imports included; code of libraries that the fork reads again counts twice
    said: str  # standard error

    @property
    def good(self) -> bool:
        "Did it end by itself, and in words?"
        return self.code in (0, 1, 2, 3) and "Traceback" not in self.said and "internal error" not in self.said


def resident() -> int:
    "Bytes of this process in memory."
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _run(arguments: list[str], err: str, before: int) -> None:
    "Be the command: its standard error goes to a file, after the bytes that a fork does not count; the rest nowhere."
    from hepae.cli.main import main

    Path(err).write_text(f"{before - resident()}\n")
    for target, number in ((os.devnull, 1), (err, 2)):
        os.dup2(os.open(target, os.O_WRONLY | os.O_APPEND), number)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    code = 70
    try:
        main(arguments)
    except SystemExit as e:
        code = e.code or 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    "Run the commands that come in, one a line, and say what each took."
    import pyarrow.parquet  # noqa: F401, these once for all commands

    import hepae.cli.main  # noqa: F401
    import hepae.files.compression  # noqa: F401

    for line in sys.stdin:
        err, *arguments = line.rstrip("\n").split("\t")
        before = resident()
        pid = os.fork()
        if not pid:
            _run(arguments, err, before)
        _, status, used = os.wait4(pid, 0)
        print(os.waitstatus_to_exitcode(status), used.ru_maxrss >> 10, flush=True)


class Scales:
    "Weighs commands, one after the other."

    def __init__(self):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __call__(self, *arguments) -> Weighed:
        "Run a command of `hepae`; its peak, and what it says."
        with tempfile.NamedTemporaryFile("r", suffix=".err") as err:
            self.server.stdin.write("\t".join([err.name, *map(str, arguments)]) + "\n")
            self.server.stdin.flush()
            code, peak = map(int, self.server.stdout.readline().split())
            uncounted, _, said = err.read().partition("\n")
            return Weighed(code, peak + (int(uncounted) >> 20), " ".join(said.split()))

    def close(self) -> None:
        "End the process that runs the commands."
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def __enter__(self) -> "Scales":
        return self

    def __exit__(self, *_) -> None:
        self.close()
