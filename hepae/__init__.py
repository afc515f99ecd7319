__version__ = "0.2.0"

from ._moved import find_old_names

find_old_names()


def __getattr__(name: str):
    "`hepae.compress`, `decompress` and `open`, imported when they are asked for: `hepae --help` needs none."
    if name == "compress":
        from hepae.files.compression import compress
        return compress
    if name == "decompress":
        from hepae.codec.tables import decompress
        return decompress
    if name == "open":
        from hepae.files.open_file import open_file
        return open_file
    raise AttributeError(f"module 'hepae' has no attribute {name!r}")
