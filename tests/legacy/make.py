"""Writes the tables of `expected` as pickles, with whatever pandas runs this: Python 2.7 to 3.13, pandas 0.23 to
3.1, each in an environment of its own.

    for python in ...; do $python make.py FOLDER; done; tar -C FOLDER -c . | xz -9e > pickles.tar.xz
"""

import gzip
import pickle
import sys

import numpy as np
import pandas as pd


def expected():
    "The tables: numbered rows, rows left by a filter, events, events whose third has no jets."
    i = np.arange(6.0)
    jets = pd.DataFrame({"m": i**2 - 0.045, "pt": 2e4 + 1e3 * i, "phi": i - 3, "eta": 2.5 - i}).astype("float32")[
        ["m", "pt", "phi", "eta"]
    ]
    mixed = jets.assign(
        N90Constituents=np.arange(6, dtype="int64"),
        EMFrac=i / 7,
        tight=i % 2 == 0,
        charge=np.arange(6, dtype="int8") - 3,
    )
    mixed = mixed[["charge", "m", "N90Constituents", "pt", "EMFrac", "tight", "phi", "eta"]]
    mixed.loc[3, "EMFrac"] = np.nan
    filtered = mixed[mixed["pt"] > 20500]
    index = pd.MultiIndex.from_arrays([[0, 0, 1, 3, 3, 3], [0, 1, 0, 0, 1, 2]], names=["entry", "subentry"])
    events = mixed.set_index(index)
    # blocks that were never consolidated
    joined = pd.concat([jets.astype("float64"), jets[["pt"]].rename(columns={"pt": "E"})], axis=1)
    return {"jets": jets, "mixed": mixed, "filtered": filtered, "events": events, "joined": joined}


if __name__ == "__main__":
    strings = "-pyarrow" if "pyarrow" in sys.modules else ""
    tag = "py%d%d-pandas%s-numpy%s%s" % (
        sys.version_info[0], sys.version_info[1], pd.__version__, np.__version__, strings,
    )
    for name, table in expected().items():
        for protocol in sorted(
            {2, min(pickle.HIGHEST_PROTOCOL, 5)} | ({4} if sys.version_info[0] > 2 and name == "events" else set())
        ):
            suffix = ".gz" if name == "jets" and protocol == 2 else ""
            path = "%s/%s-%s-protocol%d.pkl%s" % (sys.argv[1], name, tag, protocol, suffix)
            with (gzip.open if suffix else open)(path, "wb") as f:
                f.write(pickle.dumps(table, protocol))
