__version__ = "0.2.0"

from ._moved import find_old_names

find_old_names()


_HOMES = {name: "library" for name in ("compress", "decompress", "read", "verify", "inspect")} | {"open": "open_file"}


def __getattr__(name: str):
    "What `import hepae` offers, imported when it is asked for: `hepae --help` needs none of it."
    if name not in _HOMES: raise AttributeError(f"module 'hepae' has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module(f"hepae.files.{_HOMES[name]}"), "open_file" if name == "open" else name)


def __dir__(): return sorted({*globals(), *_HOMES})
