"""What an .npz holds beside a golden file: arrays without pickle."""

import numpy as np
import pandas as pd

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
