"""What an .npz holds beside a golden file: arrays without pickle."""

import io

import numpy as np
import pandas as pd

from hepae.files.event_files import events_of_file
from hepae.hepmc.event_columns import by_number
from hepae.schema import events_of, levels_of


def plain_array(
    x,  # a column, a level of an index, or an array
) -> np.ndarray:
    "Numbers as they are, times as integers (UTC), all else as text: the type and the value, '-' where there is none."
    if isinstance(x.dtype, np.dtype) and x.dtype.kind in "biuf":
        return np.asarray(x)
    if x.dtype.kind in "mM":
        return np.asarray(x if isinstance(x, np.ndarray) else pd.Index(x).asi8).view("int64")
    values = [v.item() if isinstance(v, np.generic) else v for v in x]
    return np.array(["-" if pd.isna(v) else f"{type(v).__name__} {v}" for v in values], "U")


def arrays_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The levels of the index and the columns, those of the table of events too, and the names of dtypes that are
    not numpy's."""
    found = {f"index {k}": plain_array(level) for k, level in enumerate(levels_of(table.index))} | {
        f"column {c}": plain_array(x) for c, x in table.items()
    }
    odd = {
        f"dtype {c}": np.array(str(d))
        for c, d in table.dtypes.items()
        if not isinstance(d, np.dtype) or d.kind not in "biuf"
    }
    events = events_of(table)
    facts = (
        {}
        if events is None
        else {"number of event": events.index.to_numpy()} | {f"event {c}": x.to_numpy() for c, x in events.items()}
    )
    return found | odd | facts


def arrays_of_events(data: bytes) -> dict[str, np.ndarray]:
    "Particles, vertices by number, numbers, weights and attributes of all whole events of a file."
    chunks = [*events_of_file(io.BytesIO(data))]
    of = lambda tables, names: {n: np.concatenate([t[n].to_numpy() for t in tables]) for n in names}  # noqa: E731
    found = of([c.particles for c in chunks], ("production", "end", "status", "pid", "m", "px", "py", "pz", "E"))
    found |= of([by_number(c) for c in chunks], "xyzt")
    found["number"] = np.concatenate([c.events["number"].to_numpy(np.int64) for c in chunks])
    weights = [c.weights.to_numpy()[k, :n] for c in chunks for k, n in enumerate(c.events["n_weights"])]
    columns = ["entry", "id", "name", "value"]
    said = [" ".join(map(str, row)) for c in chunks for row in c.attributes[columns].to_numpy(object)]
    run = [repr(c.run) for c in chunks]
    text = "\n".join(said + run).encode()
    return found | {"weights": np.concatenate(weights), "said": np.frombuffer(text, np.uint8)}
