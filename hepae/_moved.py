"""Old names of modules: notebooks and scripts that use them still run, with a warning."""

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

_SAME_NAME = {
    "physics": "kinematics cuts particles dilepton yoda drell_yan",
    "toy": "calorimeter showers pulses topojets collisions detector",
    "io": "blocks",
    "plots": "style pairs spectra trends",
    "learning": "quantile prep coordinates architecture data attention models losses"
    " trained callbacks ranks learner cost",
    "files": "cluster",
    "report": "analysis event_chunks compare event_report",
    "bench": "scan",
}
_OTHER_NAME = {
    "sample": "toy.generator",
    "events": "physics.event_shapes",
    "eventlosses": "learning.event_losses",
    "eventstudy": "report.event_study",
    "io.files": "files.reading",
    "io.hepmc": "hepmc.files",
    "io.hepmc2": "hepmc.version2",
    "io.hepmc3": "hepmc.version3",
    "codec.files": "files.compression",
    "codec.bench": "bench.race",
    "codec.fine": "codec.refinement",
    "codec.keys": "codec.sort_keys",
    "codec.model": "codec.shared_model",
    "codec.trainer": "codec.learned.trainer",
}
_OTHER_NAME |= {f"io.hepmc_{name}": f"hepmc.{name}" for name in ("text", "events", "graph", "facts", "final", "write")}
_OTHER_NAME |= {f"io.hepmc_{name}": f"hepmc.{name}" for name in ("survey", "particles")}
_OTHER_NAME |= {f"codec.{name}": f"bench.{name}" for name in ("rivals", "rounding", "estimate")}
_OTHER_NAME |= {f"codec.{name}": f"bench.{name}" for name in ("equal_bytes", "particle_bytes")}
MOVED = {name: f"{wing}.{name}" for wing, names in _SAME_NAME.items() for name in names.split()} | _OTHER_NAME


class _OldNames:  # a MetaPathFinder and Loader, whose classes of `importlib.abc` take long to import
    "Finds what no other finder knows: a module by its old name, which is the same module."

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name.removeprefix("hepae.") in MOVED and name.startswith("hepae.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f"hepae.{MOVED[spec.name.removeprefix('hepae.')]}"
        warnings.warn(f"{spec.name} is called {new} now", DeprecationWarning, stacklevel=2)
        module = import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = module.__spec__.loader_state  # the import that found the old name has put its own there


def find_old_names() -> None:
    "Let Python find moved modules; once."
    if not any(isinstance(finder, _OldNames) for finder in sys.meta_path):
        sys.meta_path.append(_OldNames())
